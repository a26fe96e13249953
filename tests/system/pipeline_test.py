"""Many calls on one connection without waiting: answers in order, effects in order, bounds kept."""

import json
import random
import socket
import threading
import unittest

import wire
from daemon import DEADLINE_S, Daemon, until

KEY = "the-key-of-a-backend-0123456789abcdef"


def request(method, path, body=None, **headers):
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: x", f"X-API-Key: {KEY}"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        head.append(f"Content-Length: {len(data)}")
    return ("\r\n".join(head) + "\r\n\r\n").encode() + data


def publish(room, n, **headers):
    body = {"room": room, "type": "x", "payload": {"n": n}}
    return request("POST", "/api/publish", body, X_Request_Id=f"{room}.{n}", **headers)


class Answers:
    """Whole responses out of the bytes of a connection."""

    def __init__(self, sock):
        self.sock, self.data = sock, b""
        sock.settimeout(DEADLINE_S)

    def next(self):
        """(status, headers, parsed body), or None at the end."""
        while b"\r\n\r\n" not in self.data:
            if not self.more():
                return None
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        length = int(headers.get("Content-Length", 0))
        while len(self.data) < length:
            self.more()
        body, self.data = self.data[:length], self.data[length:]
        return int(lines[0].split()[1]), headers, json.loads(body) if body else None

    def more(self):
        chunk = self.sock.recv(65536)
        self.data += chunk
        return bool(chunk)


class Pipeline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "2", "--api-key", KEY, "--namespace",
                            "default:presence=true,history-count=100000").start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def connect(self):
        sock = self.daemon.connect()
        self.addCleanup(sock.close)
        return sock, Answers(sock)

    def send(self, sock, data):
        """In the background: the server need not read before it has answered."""
        thread = threading.Thread(target=sock.sendall, args=(data,), daemon=True)
        thread.start()
        self.addCleanup(thread.join)

    def test_answers_come_in_the_order_of_the_requests_and_rooms_number_them_so(self):
        # Rooms on both cores, so that later ones are answered by their homes before earlier ones.
        rooms, count = [f"order-{n}" for n in range(7)], 3000
        sock, answers = self.connect()
        self.send(sock, b"".join(publish(rooms[n % 7], n) for n in range(count)))
        last = dict.fromkeys(rooms, 0)
        for n in range(count):
            status, headers, body = answers.next()
            room = rooms[n % 7]
            self.assertEqual((status, headers["X-Request-Id"]), (200, f"{room}.{n}"))
            last[room] += 1
            self.assertEqual((body["room"], body["sequence"]), (room, last[room]))
        _, history = self.daemon.request("GET", f"/api/ws/rooms/{rooms[0]}/history?limit=1000", None,
                                         {"X-API-Key": KEY})
        self.assertEqual([m["payload"]["n"] for m in history["messages"]], list(range(0, count, 7)))

    def test_it_is_the_same_however_the_bytes_are_cut(self):
        seed = random.randrange(1 << 30)
        for round in range(20):
            dice = random.Random(seed + round)
            room = f"cut-{round}"
            data, expected = b"", []
            for n in range(40):
                kind = dice.choice(("publish", "publish", "publish", "room", "info", "nothing"))
                data += {"publish": publish(room, n), "room": request("GET", f"/api/ws/rooms/{room}"),
                         "info": request("GET", "/api/info"),
                         "nothing": request("POST", "/api/publish", b"{")}[kind]
                expected.append(kind)
            sock, answers = self.connect()
            while data:
                size = dice.choice((1, 7, 100, 1000, len(data)))
                sock.sendall(data[:size])
                data = data[size:]
            said = 0
            for kind in expected:
                status, _, body = answers.next()
                if kind == "publish":
                    said += 1
                    self.assertEqual((status, body["sequence"]), (200, said), f"seed {seed} round {round}")
                elif kind == "room":  # it sees what was said before it, and nothing that comes behind
                    self.assertEqual((status, (body or {}).get("sequence", 0)), (200, said) if said else (404, 0))
                else:
                    self.assertEqual(status, {"info": 200, "nothing": 400}[kind])

    def test_what_is_no_publication_waits_for_those_before_it(self):
        sock, answers = self.connect()
        data = b""
        for n in range(50):
            data += publish("ask", n)
            if n % 10 == 9:
                data += request("GET", "/api/ws/rooms/ask/history?limit=1000")
                data += request("DELETE", "/api/ws/rooms/ask/history")
        self.send(sock, data)
        for n in range(50):
            self.assertEqual(answers.next()[2]["sequence"], n + 1)
            if n % 10 == 9:
                history = answers.next()[2]
                self.assertEqual([m["sequence"] for m in history["messages"]], list(range(n - 8, n + 2)))
                self.assertEqual(answers.next()[2]["cleared"], 10)

    def test_a_close_ends_what_is_behind_it_and_a_broken_request_the_connection(self):
        for last, status in ((publish("close", 1, Connection="close"), 200), (b"no request\r\n\r\n", 400)):
            sock, answers = self.connect()
            sock.sendall(publish("close", 0) * 5 + last + publish("behind", 2))
            self.assertEqual([answers.next()[0] for _ in range(5)], [200] * 5)
            got, headers, _ = answers.next()
            self.assertEqual((got, headers["Connection"]), (status, "close"))
            self.assertIsNone(answers.next())
        status, _ = self.daemon.request("GET", "/api/ws/rooms/behind", None, {"X-API-Key": KEY})
        self.assertEqual(status, 404)

    def test_a_handshake_behind_publications_becomes_a_websocket(self):
        sock, answers = self.connect()
        sock.sendall(b"".join(publish("shake", n) for n in range(20)) + wire.handshake("/ws?user=ann") +
                     wire.frame(1, b'{"type":"ping","message_id":"1"}'))
        self.assertEqual([answers.next()[2]["sequence"] for _ in range(20)], list(range(1, 21)))
        self.assertEqual(answers.next()[0], 101)
        while b'"pong"' not in answers.data:
            self.assertTrue(answers.more())

    def test_leave_to_send_a_body_comes_behind_the_answers_before_it(self):
        body = json.dumps({"room": "expect", "type": "x", "payload": {}}).encode()
        head = request("POST", "/api/publish", body, Expect="100-continue")[:-len(body)]
        sock, answers = self.connect()
        sock.sendall(b"".join(publish("expect", n) for n in range(10)) + head)
        for n in range(10):
            self.assertEqual(answers.next()[2]["sequence"], n + 1)
        while b"\r\n\r\n" not in answers.data:
            answers.more()
        self.assertEqual(answers.data, b"HTTP/1.1 100 Continue\r\n\r\n")
        answers.data = b""
        sock.sendall(body)
        self.assertEqual(answers.next()[2]["sequence"], 11)

    def test_one_who_does_not_read_its_answers_is_not_read_from_and_costs_bounded_memory(self):
        sock = self.daemon.connect()
        self.addCleanup(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(1)
        before = self.daemon.metrics()["process_resident_memory_bytes"]
        data, sent = publish("deaf", 0) * 200, 0
        with self.assertRaises(OSError):
            while sent < 256 << 20:
                sock.sendall(data)
                sent += len(data)
        self.assertLess(self.daemon.metrics()["process_resident_memory_bytes"], before + (96 << 20))
        # It is there still, and goes on where it was.
        sock.settimeout(DEADLINE_S)
        answers = Answers(sock)
        self.assertEqual([answers.next()[0] for _ in range(1000)], [200] * 1000)

    def test_connections_that_end_in_the_middle_leave_nothing_behind(self):
        for count in range(1, 60):
            with self.daemon.connect() as sock:
                sock.sendall(b"".join(publish(f"gone-{n % 5}", n) for n in range(count)) +
                             request("GET", "/api/info") + publish("gone", 0)[:count])
                wire.reset(sock)
        until(lambda: self.daemon.metrics()["ringroom_connections_connecting"] == 1, "all to have gone")


class Batch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "2", "--api-key", KEY, "--limit", "api/key=2000/10min").start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def batch(self, *commands):
        status, answer = self.daemon.request("POST", "/api/batch", {"commands": list(commands)},
                                             {"X-API-Key": KEY})
        self.assertEqual(status, 200, answer)
        return [(reply["status"], reply["body"]) for reply in answer["replies"]]

    def test_each_command_is_answered_in_its_place_and_sees_those_before_it(self):
        say = {"type": "x", "payload": {}}
        replies = self.batch(
            {"create_room": {"room": "b1"}}, {"publish": {"room": "b1", **say}},
            {"publish": {"room": "b2", **say}}, {"publish": {"room": "b1", **say}},
            {"history": {"room": "b1", "limit": 10}}, {"create_room": {"room": "b1"}},
            {"presence_stats": {"room": "b1"}}, {"publish": {"room": "b1"}},
            {"broadcast": {"rooms": ["b*"], **say}}, {"clear_history": {"room": "b1"}},
            {"delete_room": {"room": "b1"}}, {"describe_room": {"room": "b1"}},
            {"disconnect": {"user": "nobody"}}, {"join": {"user": "nobody", "room": "b2"}})
        self.assertEqual([status for status, _ in replies],
                         [201, 200, 200, 200, 200, 409, 200, 422, 200, 200, 200, 404, 200, 200])
        self.assertEqual([replies[n][1]["sequence"] for n in (1, 2, 3)], [1, 1, 2])
        self.assertEqual(len(replies[4][1]["messages"]), 2)
        self.assertEqual(replies[7][1]["error"]["path"], "$.commands[7].publish.type")
        self.assertEqual((replies[8][1]["rooms"], replies[9][1]["cleared"]), (2, 3))
        self.assertTrue(replies[11][1]["error"]["request_id"])

    def test_a_thousand_publications_at_once(self):
        say = {"type": "x", "payload": {}}
        replies = self.batch(*({"publish": {"room": f"many-{n % 9}", **say}} for n in range(1000)))
        self.assertEqual([body["sequence"] for _, body in replies], [n // 9 + 1 for n in range(1000)])

    def test_commands_count_against_the_limit_of_the_key(self):
        with Daemon("--api-key", KEY, "--limit", "api/key=3/10min") as daemon:
            commands = [{"describe_room": {"room": "x"}}] * 4
            _, answer = daemon.request("POST", "/api/batch", {"commands": commands}, {"X-API-Key": KEY})
            self.assertEqual([reply["status"] for reply in answer["replies"]], [404, 404, 429, 429])
            self.assertGreater(answer["replies"][3]["body"]["error"]["retry_after"], 0)

    def test_an_empty_batch_is_answered(self):
        self.assertEqual(self.batch(), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
