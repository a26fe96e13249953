"""The listener for people and programs of one's own: what it offers, to whom, and what nobody else gets."""

import os
import socket
import tempfile
import unittest

import wire
from daemon import DEADLINE_S, Daemon, run, until

KEYS = {
    "api": "the-key-of-a-backend-0123456789abcdef",
    "admin": "the-key-of-the-operator-fedcba98765",
    "billing": "the-key-of-billing-a1b2c3d4e5f6",
    "looker": "the-key-of-who-looks-112358132134",
    "builder": "the-key-of-who-builds-31415926535",
}
PUBLISH = ("POST", "/api/publish", {"room": "lobby", "type": "x", "payload": {}})
BROADCAST = ("POST", "/api/broadcast", {"type": "x", "payload": {}})
LIST = ("GET", "/api/ws/rooms", None)
CREATE = ("POST", "/api/ws/rooms", {"room": "den"})
DESCRIBE = ("GET", "/api/ws/rooms/lobby", None)
DELETE = ("DELETE", "/api/ws/rooms/den", None)
CONFIG = ("GET", "/admin/config", None)
METRICS = ("GET", "/metrics", None)


class Admin(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.files = {}
        for name, key in KEYS.items():
            self.files[name] = os.path.join(folder.name, name)
            with open(self.files[name], "w", encoding="ascii") as file:
                file.write(key + "\n")

    def daemon(self, *options, admin=True):
        own = ["--admin", "--admin-listen", "127.0.0.1:0"] if admin else []
        return Daemon("--cores", "2", *own, "--api-key-file", self.files["api"], "--admin-key-file",
                      self.files["admin"], "--access-key", f"billing:publish:{self.files['billing']}",
                      "--access-key", f"looker:read:{self.files['looker']}",
                      "--access-key", f"builder:rooms+read:{self.files['builder']}", *options, dev=False)

    def status(self, daemon, call, key=None, port=None, **headers):
        method, path, body = call
        if key:
            headers["Authorization"] = f"Bearer {KEYS.get(key, key)}"
        return daemon.request(method, path, body, headers, port)[0]

    def test_a_key_is_good_for_its_scopes_only(self):
        with self.daemon() as daemon:
            for call, good in ((PUBLISH, {"api", "billing"}), (BROADCAST, {"api", "billing"}),
                               (LIST, {"api", "looker", "builder"}), (DESCRIBE, {"api", "looker", "builder"}),
                               (CREATE, {"api", "builder"}), (DELETE, {"api", "builder"})):
                for key in ("api", "billing", "looker", "builder"):
                    status = self.status(daemon, call, key)
                    if key not in good:
                        self.assertEqual(status, 403, (call, key))
                    else:  # the room may be there already, or not
                        self.assertIn(status, (200, 201, 404, 409), (call, key))
                for key in ("admin", "nobody's", "", KEYS["api"][:-1]):
                    self.assertEqual(self.status(daemon, call, key), 401, (call, key))

    def test_a_refusal_names_the_scope_that_is_missing_and_no_key(self):
        with self.daemon() as daemon:
            method, path, body = PUBLISH
            _, answer = daemon.request(method, path, body, {"X-API-Key": KEYS["looker"]})
            self.assertIn("`publish`", answer["error"]["message"])
            self.assertNotIn(KEYS["looker"], str(answer))

    def test_the_admin_listener_has_the_api_and_more_and_no_clients(self):
        with self.daemon("--echo") as daemon:
            port = daemon.admin_port
            self.assertEqual(self.status(daemon, PUBLISH, "admin", port), 200)
            self.assertEqual(self.status(daemon, PUBLISH, "api", port), 200)
            self.assertEqual(self.status(daemon, METRICS, None, port), 200)
            self.assertEqual(self.status(daemon, CONFIG, "admin", port), 200)
            self.assertEqual(self.status(daemon, CONFIG, "api", port), 403)
            self.assertEqual(self.status(daemon, CONFIG, None, port), 401)
            for path in ("/app.js", "/nothing"):
                self.assertEqual(self.status(daemon, ("GET", path, None), "admin", port), 404, path)
            for path, status in (("/ws?user=ann", b" 401 "), ("/echo", b" 404 "), ("/raw/room", b" 404 ")):
                with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as sock:
                    sock.sendall(wire.handshake(path))
                    self.assertIn(status, wire.read_head(sock)[0], path)

    def test_what_only_it_has_is_nowhere_else(self):
        with self.daemon() as daemon:
            for key in ("admin", "api", None):
                self.assertEqual(self.status(daemon, CONFIG, key), 404, key)
        with self.daemon(admin=False) as daemon:
            self.assertIsNone(daemon.admin_port)
            self.assertEqual(self.status(daemon, CONFIG, "admin"), 404)
            self.assertEqual(self.status(daemon, PUBLISH, "admin"), 401)

    def test_the_api_and_the_metrics_can_be_for_it_alone(self):
        with self.daemon("--internal-api", "--internal-metrics") as daemon:
            for call in (PUBLISH, BROADCAST, LIST, CREATE, DESCRIBE, DELETE, METRICS):
                self.assertEqual(self.status(daemon, call, "api"), 404, call)
            self.assertEqual(self.status(daemon, PUBLISH, "api", daemon.admin_port), 200)
            self.assertEqual(self.status(daemon, METRICS, None, daemon.admin_port), 200)
            self.assertEqual(self.status(daemon, ("GET", "/health", None)), 200)
            with daemon.connect() as sock:
                sock.sendall(wire.handshake("/ws"))
                self.assertIn(b" 101 ", wire.read_head(sock)[0])

    def test_the_configuration_is_told_without_its_secrets(self):
        with self.daemon("--limit", "publish/user=7/1s") as daemon:
            _, answer = daemon.request(*CONFIG, {"X-API-Key": KEYS["admin"]}, daemon.admin_port)
            self.assertEqual(answer["options"]["limit"], "publish/user=7/1s")
            self.assertEqual(answer["options"]["cores"], "2")
            for name in ("api-key", "admin-key"):
                self.assertIn(answer["options"][name], ("(set)", ""), name)
            for key in KEYS.values():
                self.assertNotIn(key, str(answer))

    def test_pages_of_others_cannot_use_it(self):
        with self.daemon() as daemon:
            for port in (daemon.port, daemon.admin_port):
                self.assertEqual(self.status(daemon, PUBLISH, "api", port, Origin="https://evil.com"), 403)
            own = f"http://127.0.0.1:{daemon.admin_port}"
            self.assertEqual(self.status(daemon, CONFIG, "admin", daemon.admin_port, Origin=own), 200)

    def test_whoever_looks_after_the_server_is_not_counted_among_its_clients(self):
        with self.daemon("--connections-per-address-max", "1", "--hello-timeout-ms", "5min") as daemon:
            held = daemon.connect()
            self.addCleanup(held.close)
            held.sendall(wire.handshake("/ws"))
            self.assertIn(b" 101 ", wire.read_head(held)[0])
            full = lambda: self.status(daemon, ("GET", "/health", None)) == 503
            until(full, "the address to be full")
            for _ in range(3):
                self.assertEqual(self.status(daemon, CONFIG, "admin", daemon.admin_port), 200)

    def test_calls_are_limited_by_key_and_on_both_listeners_together(self):
        with self.daemon("--limit", "api/key=4/1min") as daemon:
            ports = [daemon.port, daemon.admin_port] * 3
            self.assertEqual([self.status(daemon, PUBLISH, "api", port) for port in ports],
                             [200] * 4 + [429] * 2)
            self.assertEqual(self.status(daemon, PUBLISH, "billing"), 200)

    def test_keys_that_can_be_guessed_and_open_doors_end_the_start(self):
        outside = ("--listen", "0.0.0.0:0")
        for flags, word in (
                ((*outside, "--api-key", "changeme"), "api-key can be guessed"),
                ((*outside, "--api-key", "a" * 40), "api-key can be guessed"),
                (("--admin", "--admin-listen", "0.0.0.0:0"), "admin-key"),
                (("--admin", "--admin-listen", "0.0.0.0:0", "--admin-key", ""), "admin-key"),
                (("--admin", "--admin-listen", "[::]:0", "--admin-key", "admin-password-1"), "guessed"),
                (("--admin", "--admin-listen", "0.0.0.0:0", "--insecure-dev"), "insecure-dev"),
                (("--internal-api",), "internal-api"),
                (("--access-key", "x:everything:/dev/null"), "scope")):
            done = run("serve", *flags)
            self.assertEqual(done.returncode, 2, (flags, done.stderr))
            self.assertIn(word, done.stderr, flags)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
