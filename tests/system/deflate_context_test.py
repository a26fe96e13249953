"""Connections whose compression goes on from message to message: --compression-context-takeover."""

import json
import random
import socket
import unittest

import wire
from daemon import Daemon, until
from deflated import Client

KEEPS = "permessage-deflate; client_max_window_bits"
AFRESH = KEEPS + "; server_no_context_takeover"


def letters(size, seed=1):
    """A text that compresses a little, for its alphabet, and not for anything it repeats."""
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=size))


class Contexts(unittest.TestCase):
    def started(self, *flags, cores="1"):
        daemon = Daemon("--cores", cores, "--echo", "--compression-context-takeover", *flags).start()
        self.addCleanup(lambda: daemon.process.poll() is None and daemon.stop())
        return daemon

    def member(self, daemon, name, room="lobby", offer=KEEPS):
        client = Client(daemon.port, f"/ws?user={name}", offer)
        self.addCleanup(client.socket.close)
        client.send(json.dumps({"type": "join_room", "message_id": "j", "room": room}).encode())
        self.next_of(client, "room_joined")
        return client

    def next_of(self, client, kind):
        while True:
            opcode, payload = client.receive()
            self.assertEqual(opcode, 1, payload)
            message = json.loads(payload)
            if message["type"] == kind:
                return message

    def publish(self, daemon, payload, room="lobby", **more):
        status, answer = daemon.request("POST", "/api/publish", {
            "room": room, "type": "room_message", "payload": payload, **more})
        self.assertEqual(status, 200, answer)
        return answer["sequence"]

    def test_an_echoed_message_that_repeats_is_twenty_times_smaller(self):
        daemon = self.started()
        message = json.dumps({"text": letters(1000)}).encode()
        sizes = {}
        for offer in (KEEPS, AFRESH):
            client = Client(daemon.port, "/echo", offer)
            for number in range(51):
                if number == 1:
                    client.wire_bytes = 0
                client.send(message)
                self.assertEqual(client.receive(), (1, message))
            sizes[offer] = client.wire_bytes / 50
            self.assertEqual(client.close(), 1000)
        self.assertGreater(sizes[AFRESH] / sizes[KEEPS], 20, sizes)

    def test_a_room_is_heard_several_times_smaller(self):
        daemon = self.started()
        kept, afresh = self.member(daemon, "a"), self.member(daemon, "b", offer=AFRESH)
        kept.wire_bytes = afresh.wire_bytes = 0
        for number in range(50):
            self.publish(daemon, {"number": number, "text": letters(1000)})
            for member in (kept, afresh):
                payload = self.next_of(member, "room_message")["payload"]
                self.assertEqual(payload, {"number": number, "text": letters(1000)})
        self.assertGreater(afresh.wire_bytes, 6 * kept.wire_bytes)
        metrics = daemon.metrics()
        self.assertEqual(metrics["ringroom_deflate_messages_total"], 50)
        self.assertEqual(metrics["ringroom_deflate_context_messages_total"], 50)
        self.assertLess(metrics["ringroom_deflate_context_bytes"], 100 * 1024)

    def test_answers_and_what_the_room_says_keep_their_order(self):
        for cores in ("1", "2"):
            daemon = self.started(cores=cores)
            speaker, other = self.member(daemon, "a"), self.member(daemon, "b")
            self.next_of(speaker, "user_joined")
            for number in range(300):
                # Long and short, so that compressed and plain frames stand between each other.
                text = "x" * (number * 7 % 1500)
                speaker.send(json.dumps({"type": "room_message", "message_id": str(number),
                                         "room": "lobby", "payload": {"text": text}}).encode())
            heard, acknowledged = [], []
            while len(heard) + len(acknowledged) < 600:
                _, payload = speaker.receive()
                message = json.loads(payload)
                if message["type"] == "room_message":
                    heard.append(message["sequence"])
                    self.assertEqual(message["payload"]["text"], "x" * (len(heard[1:]) * 7 % 1500))
                elif message["type"] == "ack":
                    acknowledged.append(int(message["correlation_id"]))
            self.assertEqual(heard, list(range(heard[0], heard[0] + 300)))
            self.assertEqual(acknowledged, list(range(300)))
            self.assertEqual([self.next_of(other, "room_message")["sequence"] for _ in range(300)], heard)
            daemon.stop()

    def test_members_come_and_go_and_batches_are_large_and_nothing_is_lost(self):
        daemon = self.started("--max-message-bytes", "128KiB", "--queue-bytes-max", "64MiB", cores="2")
        listeners = [self.member(daemon, f"l{i}", offer=offer)
                     for i, offer in enumerate((KEEPS, AFRESH, KEEPS, "permessage-deflate"))]
        speaker = Client(daemon.port, "/ws?user=s", KEEPS)
        speaker.send(b'{"type":"join_room","message_id":"j","room":"lobby"}')
        self.next_of(speaker, "room_joined")
        said = []
        for number in range(120):
            # Every tenth is part of a batch that is not compressed again for each.
            size = 100_000 if number % 10 == 0 else 300 + 40 * number
            said.append({"number": number, "text": letters(size, number)})
            speaker.send(json.dumps({"type": "room_message", "room": "lobby",
                                     "payload": said[-1]}).encode())
            if number % 15 == 0:
                passing = self.member(daemon, f"p{number}")
                passing.socket.close()
        for listener in listeners:
            for expected in said:
                self.assertEqual(self.next_of(listener, "room_message")["payload"], expected)

    def test_who_must_not_hear_a_message_hears_the_others(self):
        daemon = self.started()
        ann, bo = self.member(daemon, "ann"), self.member(daemon, "bo")
        kinds_said = ["typing_indicator", "room_message", "typing_indicator"]
        for number in range(20):
            for kind in kinds_said:
                ann.send(json.dumps({"type": kind, "room": "lobby",
                                     "payload": {"n": number, "text": letters(400)}}).encode())
        numbers, typed = [], 0
        while len(numbers) < 20 or typed == 0:
            message = json.loads(bo.receive()[1])
            typed += message["type"] == "typing_indicator"  # the newest, once a turn
            if message["type"] == "room_message":
                numbers.append(message["payload"]["n"])
        self.assertEqual(numbers, list(range(20)))
        for number in range(20):
            while True:
                message = json.loads(ann.receive()[1])
                self.assertNotEqual(message["type"], "typing_indicator")
                if message["type"] == "room_message":
                    break
            self.assertEqual(message["payload"]["n"], number)

    def test_raw_rooms_hear_texts_and_binaries(self):
        daemon = self.started()
        listener = Client(daemon.port, "/raw/r?mode=subscribe", KEEPS)
        speaker = Client(daemon.port, "/raw/r?mode=both", KEEPS)
        for number in range(50):
            for binary in (False, True):
                message = letters(20 * number, number % 3).encode()
                speaker.send(message, binary)
                for client in (listener, speaker):
                    self.assertEqual(client.receive(), (2 if binary else 1, message))

    def test_beyond_the_bound_messages_start_afresh(self):
        daemon = self.started("--compression-contexts-max", "2", cores="2")
        first, second = (Client(daemon.port, "/echo", KEEPS) for _ in range(2))
        third = Client(daemon.port, "/echo", KEEPS)
        self.assertEqual([c.reads_afresh for c in (first, second, third)], [False, False, True])
        self.assertTrue(third.writes_afresh)
        # One that does not want a place takes none.
        self.assertTrue(Client(daemon.port, "/echo", AFRESH).reads_afresh)
        metrics = daemon.metrics()
        self.assertEqual(metrics["ringroom_deflate_contexts"], 2)
        self.assertEqual(metrics["ringroom_deflate_contexts_refused_total"], 1)
        for client in (first, second, third):
            for _ in range(3):
                client.send(letters(2000).encode())
                self.assertEqual(client.receive()[1], letters(2000).encode())
        self.assertEqual(first.close(), 1000)
        until(lambda: daemon.metrics()["ringroom_deflate_contexts"] == 1, "the place to be free")
        self.assertFalse(Client(daemon.port, "/echo", KEEPS).reads_afresh)

    def test_one_that_does_not_read_is_closed_and_all_it_got_is_readable(self):
        daemon = self.started("--queue-bytes-max", "256KiB")
        slow = self.member(daemon, "slow")
        speaker = Client(daemon.port, "/raw/lobby?mode=publish", KEEPS)
        number = 0
        while daemon.metrics()["ringroom_slow_consumers_total"] == 0:
            for _ in range(50):
                speaker.send(letters(5000, number).encode())
                # What could be queued although its like was just refused.
                speaker.send(letters(300, number).encode())
                number += 1
        sequences = []
        while True:
            opcode, payload = slow.receive()
            if opcode == 8:
                break
            message = json.loads(payload)
            if message["type"] == "room_message":
                sequences.append(message["sequence"])
        self.assertEqual(int.from_bytes(payload[:2], "big"), 4508)
        self.assertGreater(len(sequences), 10)
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + len(sequences))))

    def test_connections_that_break_off_anywhere_leave_nothing(self):
        daemon = self.started("--compression-contexts-max", "8")
        stream = Client(daemon.port, "/echo", KEEPS)
        payloads = [stream.deflate(letters(700, seed).encode()) for seed in (1, 1, 2)]
        stream.socket.close()
        data = b"".join(wire.frame(1, payload, reserved=4) for payload in payloads)
        for cut in range(0, len(data), 7):
            client = Client(daemon.port, "/echo", KEEPS)
            client.socket.sendall(data[:cut])
            if cut % 2:
                wire.reset(client.socket)
            else:
                client.socket.close()
        until(lambda: daemon.metrics()["ringroom_deflate_contexts"] == 0, "all places to be free")
        self.assertEqual(daemon.metrics()["ringroom_deflate_context_bytes"], 0)
        last = Client(daemon.port, "/echo", KEEPS)
        last.socket.sendall(data)
        for seed in (1, 1, 2):
            self.assertEqual(last.receive(), (1, letters(700, seed).encode()))

    def test_what_is_no_stream_or_too_large_closes_that_connection(self):
        daemon = self.started("--max-message-bytes", "64KiB")

        def code_of(*payloads, first=b"before"):
            client = Client(daemon.port, "/echo", KEEPS)
            client.send(first)
            self.assertEqual(client.receive(), (1, first))
            for payload in payloads:
                wire.send_what_is_taken(client.socket, wire.frame(2, payload, reserved=4))
            return wire.close_code(client.behind + wire.read_until_closed(client.socket))

        peer = Client(daemon.port, "/echo", KEEPS)
        bomb = peer.deflate(bytes(8 << 20))
        self.assertEqual(code_of(bomb), 1009)
        peer = Client(daemon.port, "/echo", KEEPS)
        peer.deflate(letters(3000).encode())
        # Refers to a message that this server never got.
        self.assertEqual(code_of(peer.deflate(letters(3000).encode())), 1007)
        self.assertEqual(code_of(b"\xff\xff"), 1007)
        self.assertEqual(code_of(b"Hello"), 1007)
        until(lambda: daemon.metrics()["ringroom_deflate_contexts"] == 1, "their places to be free")

    def test_it_is_off_unless_asked_for_and_without_compression(self):
        for flags in ([], ["--compression=false", "--compression-context-takeover"]):
            with Daemon("--cores", "1", "--echo", *flags) as daemon:
                client = Client(daemon.port, "/echo", KEEPS)
                self.assertEqual(client.reads_afresh, not flags)
                self.assertEqual(daemon.metrics()["ringroom_deflate_contexts"], 0)
                client.socket.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    unittest.main()
