"""Which pages may open WebSockets: by their Origin header, before the upgrade or by a close code."""

import unittest

import wire
from daemon import Daemon, run


def handshake(path, *origins, host=b"server"):
    """A handshake with these Origin headers."""
    plain = wire.handshake(path)
    head, rest = plain.split(b"\r\n\r\n", 1)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"host:")]
    lines += [b"Host: " + host] + [b"Origin: " + origin.encode() for origin in origins]
    return b"\r\n".join(lines) + b"\r\n\r\n" + rest


class Origins(unittest.TestCase):
    def answer(self, daemon, *origins, path="/ws?user=ann", host=b"server"):
        """The status of the handshake, or the code of the close right behind it."""
        sock = daemon.connect()
        self.addCleanup(sock.close)
        sock.sendall(handshake(path, *origins, host=host))
        head, rest = wire.read_head(sock)
        status = int(head.split()[1])
        if status != 101:
            return status
        sock.sendall(wire.frame(8, b"\x03\xe8"))
        return wire.close_code(rest + wire.read_until_closed(sock))

    def test_only_listed_pages_get_in_and_the_others_meet_403(self):
        with Daemon("--cores", "1", "--echo", "--allowed-origin", "https://good.com",
                    "--allowed-origin", "https://*.good.com:8443") as daemon:
            for path in ("/ws?user=ann", "/echo", "/raw/room"):
                self.assertEqual(self.answer(daemon, "https://good.com", path=path), 1000, path)
                self.assertEqual(self.answer(daemon, "https://evil.com", path=path), 403, path)
            self.assertEqual(self.answer(daemon, "HTTPS://Good.com:443"), 1000)
            self.assertEqual(self.answer(daemon, "https://a.good.com:8443"), 1000)
            for origin in ("null", "http://good.com", "https://good.com.evil.com", "https://evilgood.com",
                           "https://good.com@evil.com", "https://good.com:444", "https://a.good.com",
                           "http://127.0.0.1", "http://server"):
                self.assertEqual(self.answer(daemon, origin), 403, origin)
            self.assertEqual(self.answer(daemon, "https://good.com", "https://good.com"), 403)
            self.assertEqual(self.answer(daemon), 1000, "a program sends no Origin")
            self.assertEqual(daemon.metrics()["ringroom_origins_refused_total"], 13)

    def test_a_refusal_says_what_to_do(self):
        with Daemon("--cores", "1", "--allowed-origin", "https://good.com") as daemon:
            with daemon.connect() as sock:
                sock.sendall(handshake("/ws", "https://evil.com"))
                answer = wire.read_until_closed(sock)
                self.assertIn(b"allowed-origin", answer)
                self.assertNotIn(b"evil.com", answer)

    def test_a_script_can_be_told_by_4003(self):
        with Daemon("--cores", "1", "--echo", "--allowed-origin", "https://good.com", "--origin-refusal",
                    "close") as daemon:
            for path in ("/ws?user=ann", "/echo", "/raw/room"):
                self.assertEqual(self.answer(daemon, "https://evil.com", path=path), 4003, path)
                self.assertEqual(self.answer(daemon, "https://good.com", path=path), 1000, path)
            metrics = daemon.metrics()
            self.assertEqual(metrics["ringroom_connections_authenticated"], 0)
            self.assertEqual(metrics["ringroom_connections_connected"], 0)

    def test_programs_can_be_asked_for_an_origin_too(self):
        with Daemon("--cores", "1", "--origin-required", "--allowed-origin", "https://good.com") as daemon:
            self.assertEqual(self.answer(daemon), 403)
            self.assertEqual(self.answer(daemon, "https://good.com"), 1000)

    def test_without_a_list_a_developers_server_takes_pages_of_this_machine_only(self):
        with Daemon("--cores", "1") as daemon:
            for origin in ("http://127.0.0.1:8000", "http://localhost:3000", "http://[::1]:5173"):
                self.assertEqual(self.answer(daemon, origin), 1000, origin)
            for origin in ("https://evil.com", "http://server", "http://localhost.evil.com", "null"):
                self.assertEqual(self.answer(daemon, origin), 403, origin)

    def test_without_a_list_a_server_takes_its_own_pages_only(self):
        secret = {"RINGROOM_TOKEN_HMAC_SECRET": "a secret of these tests, long enough for HS256"}
        with Daemon("--cores", "1", dev=False, env=secret) as daemon:
            token = run("token", "make", "--sub", "ann", "--ttl", "1h", env=secret).stdout.strip()
            path = f"/ws?token={token}"
            own = b"app.example.com"
            self.assertEqual(self.answer(daemon, "https://app.example.com", path=path, host=own), 1000)
            for origin in ("https://evil.com", "https://app.example.com.evil.com", "http://localhost",
                           "https://app.example.com:8443"):
                self.assertEqual(self.answer(daemon, origin, path=path, host=own), 403, origin)

    def test_foreign_pages_cannot_use_a_developers_api_which_has_no_key(self):
        with Daemon("--cores", "1") as daemon:
            body = {"room": "lobby", "type": "x", "payload": {}}
            post = lambda headers: daemon.request("POST", "/api/publish", body, headers)[0]
            self.assertEqual(post({}), 200)
            self.assertEqual(post({"Origin": "http://localhost:3000"}), 200)
            self.assertEqual(post({"Origin": "https://evil.com"}), 403)

    def test_a_rule_that_lets_in_more_than_meant_is_refused_at_the_start(self):
        for rule in ("https://*.com", "good.com", "https://good.com/", "wss://good.com"):
            done = run("config", "check", "--allowed-origin", rule)
            self.assertEqual(done.returncode, 2, rule)
            self.assertIn(f'allowed-origin: "{rule}"', done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
