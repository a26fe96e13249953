"""What a client must not send: the right status or close code, the connection gone, others unharmed."""

import socket
import unittest

import wire
from daemon import Daemon, until

LIMIT = 65536


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--echo", "--cores", "2", "--max-message-bytes", str(LIMIT),
                            "--hello-timeout-ms", "2s").start()
        # Whatever happens to the others, this one is served.
        cls.bystander = cls.upgraded("/echo")

    @classmethod
    def tearDownClass(cls):
        cls.bystander.close()
        cls.daemon.stop()

    @classmethod
    def upgraded(cls, path="/echo"):
        sock = cls.daemon.connect()
        sock.sendall(wire.handshake(path))
        head, rest = wire.read_head(sock)
        assert b" 101 " in head, head
        assert rest == b"" or path != "/echo", rest
        return sock

    def tearDown(self):
        self.bystander.sendall(wire.frame(2, b"still here"))
        self.assertEqual(wire.frames(self.bystander.recv(100)), [(2, b"still here")])

    def answer_to(self, data):
        with self.daemon.connect() as sock:
            wire.send_what_is_taken(sock, data)
            return wire.read_until_closed(sock)

    def status_of(self, data):
        answer = self.answer_to(data)
        self.assertTrue(answer.startswith(b"HTTP/1.1 "), answer[:80])
        return int(answer.split()[1])

    def close_code_of(self, *pieces, path="/echo"):
        with self.upgraded(path) as sock:
            for piece in pieces:
                wire.send_what_is_taken(sock, piece)
            return wire.close_code(wire.read_until_closed(sock))

    # Before the upgrade.

    def test_garbage_is_answered_with_400(self):
        for garbage in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"\0" * 64 + b"\r\n\r\n",
                        b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"):
            with self.subTest(garbage=garbage[:16]):
                self.assertEqual(self.status_of(garbage), 400)

    def test_a_head_that_is_too_large_is_answered_with_431(self):
        for head in (b"X: " + b"a" * 20000, b"".join(b"X-%d: a\r\n" % n for n in range(200))):
            with self.subTest(size=len(head)):
                self.assertEqual(
                    self.status_of(b"GET / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n"), 431)

    def test_a_head_that_never_ends_is_cut_off_at_its_limit(self):
        for size in (17 << 10, 1 << 20):
            with self.subTest(size=size):
                self.assertEqual(self.status_of(b"GET / HTTP/1.1\r\nX: " + b"a" * size), 431)

    def test_a_silent_connection_is_closed_after_the_hello_timeout(self):
        with self.daemon.connect() as sock:
            self.assertEqual(wire.read_until_closed(sock), b"")

    def test_a_head_in_single_bytes_is_closed_at_the_same_total_deadline(self):
        sock = self.daemon.connect()
        sock.setblocking(False)
        head = wire.handshake()
        sent = 0

        def closed():
            nonlocal sent
            try:
                if sent < len(head) - 10:
                    sock.send(head[sent:sent + 1])
                    sent += 1
                return sock.recv(1) == b""
            except BlockingIOError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                return True

        until(closed, "the slow head to be closed", 10)
        sock.close()

    def test_a_wrong_handshake_is_refused_with_a_reason(self):
        cases = [
            (400, dict(Sec_WebSocket_Key="short")),
            (400, dict(Sec_WebSocket_Key=None)),
            (426, dict(Sec_WebSocket_Version="8")),
            (426, dict(Sec_WebSocket_Version=None)),
            (426, dict(Upgrade=None)),
            (400, dict(Connection="keep-alive")),
            (400, dict(Host=None)),
        ]
        for status, headers in cases:
            with self.subTest(headers=headers):
                self.assertEqual(self.status_of(wire.handshake(**headers)), status)

    # After it.

    def test_frames_that_break_rfc_6455_close_with_1002(self):
        cases = {
            "unmasked": wire.frame(1, b"hello", masked=False),
            "reserved bit 1": wire.frame(1, b"hello", reserved=4),
            "reserved bit 2": wire.frame(1, b"hello", reserved=2),
            "reserved bit 3": wire.frame(1, b"hello", reserved=1),
            "reserved data opcode": wire.frame(3, b"hello"),
            "reserved control opcode": wire.frame(11, b"hello"),
            "long ping": wire.frame(9, b"a" * 126),
            "fragmented ping": wire.frame(9, b"a", final=False),
            "continuation without a start": wire.frame(0, b"a"),
            "text inside a message": wire.frame(1, b"a", final=False) + wire.frame(1, b"b"),
            "close of one byte": wire.frame(8, b"\x03"),
            "close code that may not be sent": wire.frame(8, b"\x03\xed"),
        }
        for name, data in cases.items():
            with self.subTest(name):
                self.assertEqual(self.close_code_of(data), 1002)

    def test_a_length_of_two_to_the_63_never_allocates(self):
        before = self.daemon.metrics()["process_resident_memory_bytes"]
        for length in (1 << 63, (1 << 64) - 1, (1 << 63) - 1, 1 << 40):
            with self.subTest(length=length):
                self.assertIn(self.close_code_of(wire.frame(2, b"", length=length)), (1002, 1009))
        after = self.daemon.metrics()["process_resident_memory_bytes"]
        self.assertLess(after - before, 16 << 20)

    def test_a_message_is_judged_at_its_limit_by_the_header(self):
        sock = self.upgraded()
        sock.sendall(wire.frame(2, b"x" * LIMIT))
        received = b""
        while len(received) < LIMIT + 10:
            received += sock.recv(65536)
        self.assertEqual(wire.frames(received), [(2, b"x" * LIMIT)])
        sock.close()
        self.assertEqual(self.close_code_of(wire.frame(2, b"", length=LIMIT + 1)), 1009)
        half = b"y" * (LIMIT // 2 + 1)
        self.assertEqual(
            self.close_code_of(wire.frame(2, half, final=False), wire.frame(0, half)), 1009)

    def test_a_message_of_16_mib_closes_with_1009(self):
        self.assertEqual(self.close_code_of(wire.frame(2, b"z" * (16 << 20))), 1009)

    def test_invalid_utf8_closes_with_1007_wherever_it_is_split(self):
        for bad in (b"\xff", b"ok \xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82",
                    "κόσμε".encode() + b"\xed\xa0\x80" + b"edited"):
            with self.subTest(bad=bad):
                self.assertEqual(self.close_code_of(wire.frame(1, bad)), 1007)
            for cut in range(len(bad) + 1):
                with self.subTest(bad=bad, cut=cut):
                    self.assertEqual(
                        self.close_code_of(wire.frame(1, bad[:cut], final=False),
                                           wire.frame(0, bad[cut:])), 1007)

    def test_valid_utf8_may_be_split_anywhere(self):
        text = "aß€𝄞".encode()
        sock = self.upgraded()
        for cut in range(len(text) + 1):
            sock.sendall(wire.frame(1, text[:cut], final=False) + wire.frame(0, text[cut:]))
            self.assertEqual(wire.frames(sock.recv(100)), [(1, text)])
        sock.close()

    def test_a_close_is_answered_with_its_own_code(self):
        for code in (1000, 1001, 3000, 4999):
            self.assertEqual(self.close_code_of(wire.frame(8, code.to_bytes(2, "big"))), code)
        self.assertEqual(self.close_code_of(wire.frame(8)), 1005)

    def test_a_ping_between_fragments_is_answered_at_once(self):
        sock = self.upgraded()
        sock.sendall(wire.frame(1, b"a", final=False) + wire.frame(9, b"now"))
        self.assertEqual(wire.frames(sock.recv(100)), [(10, b"now")])
        sock.sendall(wire.frame(0, b"b"))
        self.assertEqual(wire.frames(sock.recv(100)), [(1, b"ab")])
        sock.close()

    def test_a_hoard_of_tiny_fragments_is_closed(self):
        self.assertEqual(
            self.close_code_of(wire.frame(1, b"", final=False) + wire.frame(0, b"", final=False) * 10000),
            1008)

    def test_binary_on_a_json_connection_closes_with_1003(self):
        self.assertEqual(self.close_code_of(wire.frame(2, b"{}"), path="/ws?user=ann"), 1003)

    def test_a_client_that_never_reads_is_cut_off_with_bounded_memory(self):
        sock = self.daemon.connect()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(wire.handshake("/echo"))
        wire.read_head(sock)
        before = self.daemon.metrics()["ringroom_slow_consumers_total"]
        data = wire.frame(2, b"w" * 60000) * 8
        sock.settimeout(0.2)
        sent = 0
        try:
            while sent < 256 << 20:
                sock.sendall(data)
                sent += len(data)
        except OSError:
            pass
        until(lambda: self.daemon.metrics()["ringroom_slow_consumers_total"] > before,
              "the client that never reads to be closed")
        self.assertLess(self.daemon.metrics()["process_resident_memory_bytes"], 700 << 20)
        sock.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
