"""Behind proxies: a client is counted by its own address, and only a listed proxy may say which."""

import socket
import struct
import unittest

import wire
from daemon import DEADLINE_S, Daemon, run, until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_header(client, port=4711):
    addresses = socket.inet_aton(client) + socket.inet_aton("127.0.0.1")
    return SIGNATURE + struct.pack(">BBH", 0x21, 0x11, 12) + addresses + struct.pack(">HH", port, 80)


class Proxies(unittest.TestCase):
    def setUp(self):
        self.socks = []

    def connect(self, daemon, source="127.0.0.1"):
        sock = socket.create_connection(("127.0.0.1", daemon.port), timeout=DEADLINE_S,
                                        source_address=(source, 0))
        self.addCleanup(sock.close)
        self.socks.append(sock)
        return sock

    def verdict(self, daemon, head=b"", source="127.0.0.1", **headers):
        """101 if the connection is in service, else the status or close code it ended with."""
        sock = self.connect(daemon, source)
        wire.send_what_is_taken(sock, head + wire.handshake("/ws?user=ann", **headers))
        answer = b""
        while b"connection_ack" not in answer:
            try:
                chunk = sock.recv(65536)
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                break
            answer += chunk
        if not answer:
            return 0
        status = int(answer.split()[1])
        if status != 101:
            return status
        # The limit is asked for beside the handshake: its answer may come after the greeting.
        sock.sendall(wire.frame(1, b'{"type":"ping","message_id":"p"}'))
        while b"pong" not in answer:
            chunk = sock.recv(65536)
            if not chunk:
                return wire.close_code(answer[answer.index(b"\r\n\r\n") + 4:])
            answer += chunk
        return 101

    def test_clients_of_a_listed_proxy_are_counted_by_the_address_that_it_gives(self):
        with Daemon("--cores", "1", "--trusted-proxy", "127.0.0.1", "--connections-per-address-max",
                    "2") as daemon:
            for client in ("203.0.113.1", "203.0.113.2", "2001:db8::1"):
                for _ in range(2):
                    self.assertEqual(self.verdict(daemon, X_Forwarded_For=client), 101)
                self.assertEqual(self.verdict(daemon, X_Forwarded_For=client), 503, client)
            # The whole /64 is one subscriber, and what is written further left counts for nothing.
            self.assertEqual(self.verdict(daemon, X_Forwarded_For="2001:db8::ffff"), 503)
            self.assertEqual(self.verdict(daemon, X_Forwarded_For="6.6.6.6, 203.0.113.1"), 503)
            self.assertEqual(self.verdict(daemon, X_Forwarded_For="203.0.113.1, 127.0.0.1"), 503)
            # The header that was not chosen counts for nothing either.
            self.assertEqual(self.verdict(daemon, X_Forwarded_For="203.0.113.1",
                                          Forwarded="for=203.0.113.77"), 503)

    def test_places_come_back_when_the_clients_have_gone(self):
        with Daemon("--cores", "2", "--trusted-proxy", "127.0.0.0/8", "--connections-per-address-max",
                    "1") as daemon:
            # Whoever was counted for ever would be in the way of the next for ever.
            for _ in range(20):
                until(lambda: self.verdict(daemon, X_Forwarded_For="203.0.113.1") == 101, "its place")
                self.socks.pop().close()

    def test_nobody_else_is_believed(self):
        with Daemon("--cores", "1", "--trusted-proxy", "127.0.0.1", "--connections-per-address-max",
                    "2") as daemon:
            for i in range(2):
                self.assertEqual(self.verdict(daemon, source="127.0.0.9", X_Forwarded_For=f"203.0.113.{i}"), 101)
            self.assertEqual(self.verdict(daemon, source="127.0.0.9", X_Forwarded_For="203.0.113.9"), 503)

    def test_what_a_proxy_says_unreadably_counts_for_the_proxy(self):
        with Daemon("--cores", "1", "--trusted-proxy", "127.0.0.1", "--connections-per-address-max",
                    "2") as daemon:
            for said in ("unknown", "203.0.113.1, garbage"):
                self.assertEqual(self.verdict(daemon, X_Forwarded_For=said), 101)
            self.assertEqual(self.verdict(daemon, X_Forwarded_For="999.1.1.1"), 503)
            self.assertEqual(daemon.metrics()["ringroom_forwarded_unreadable_total"], 3)

    def test_the_header_of_rfc_7239(self):
        with Daemon("--cores", "1", "--trusted-proxy", "127.0.0.1", "--forwarded-by", "forwarded",
                    "--connections-per-address-max", "1") as daemon:
            self.assertEqual(self.verdict(daemon, Forwarded="for=203.0.113.1;proto=https"), 101)
            self.assertEqual(self.verdict(daemon, Forwarded='For="203.0.113.1:99"'), 503)
            self.assertEqual(self.verdict(daemon, Forwarded='for="[2001:db8::1]:80", for=127.0.0.1'), 101)
            self.assertEqual(self.verdict(daemon, Forwarded="for=203.0.113.2",
                                          X_Forwarded_For="203.0.113.1"), 101)

    def test_the_proxy_protocol(self):
        with Daemon("--cores", "1", "--trusted-proxy", "127.0.0.1", "--forwarded-by", "proxy-protocol",
                    "--connections-per-address-max", "1") as daemon:
            self.assertEqual(self.verdict(daemon, proxy_header("203.0.113.1")), 101)
            self.assertEqual(self.verdict(daemon, proxy_header("203.0.113.1")), 503)
            self.assertEqual(self.verdict(daemon, proxy_header("203.0.113.2"),
                                          X_Forwarded_For="203.0.113.1"), 101)
            # Others connect as ever, and cannot say it.
            self.assertEqual(self.verdict(daemon, source="127.0.0.9"), 101)
            self.assertEqual(self.verdict(daemon, proxy_header("203.0.113.3"), source="127.0.0.8"), 400)

    def test_a_proxy_header_may_come_in_any_pieces(self):
        with Daemon("--cores", "1", "--trusted-proxy", "127.0.0.1", "--forwarded-by",
                    "proxy-protocol") as daemon:
            head = proxy_header("203.0.113.1") + b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
            for cut in range(1, 30):
                sock = self.connect(daemon)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(head[:cut])
                sock.sendall(head[cut:])
                self.assertIn(b" 200 ", wire.read_head(sock)[0], cut)

    def test_a_trusted_proxys_connection_without_its_header_is_closed(self):
        with Daemon("--cores", "1", "--trusted-proxy", "127.0.0.2", "--forwarded-by",
                    "proxy-protocol") as daemon:
            for begin in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
                          SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12), SIGNATURE + b"\x21\x11\xff\xff",
                          SIGNATURE + b"\x21\x11\x00\x04" + bytes(4)):
                sock = self.connect(daemon, "127.0.0.2")
                wire.send_what_is_taken(sock, begin)
                self.assertEqual(wire.read_until_closed(sock), b"", begin)
            self.assertEqual(daemon.metrics()["ringroom_proxy_headers_refused_total"], 5)
            # A health check of its own.
            sock = self.connect(daemon, "127.0.0.2")
            sock.sendall(SIGNATURE + b"\x20\x00\x00\x00" + b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertIn(b" 200 ", wire.read_head(sock)[0])

    def test_a_network_that_is_none_is_refused_at_the_start(self):
        for text in ("10.0.0.1/8", "example.com", "10.0.0.0/33"):
            done = run("config", "check", "--trusted-proxy", text)
            self.assertEqual(done.returncode, 2, text)
            self.assertIn("trusted-proxy", done.stderr + done.stdout)
        done = run("config", "check", "--forwarded-by", "proxy-protocol")
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
