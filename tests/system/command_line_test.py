"""The commands that speak to a running server, and what packages install."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

import wire
from daemon import DEADLINE_S, Daemon, program, run, until

KEY = "key-of-the-command-line-0123456789"


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "1", "--api-key", KEY).start()
        # What the server's own configuration would say, but for the port, which was a free one.
        cls.env = {"RINGROOM_LISTEN": f"127.0.0.1:{cls.daemon.port}", "RINGROOM_API_KEY": KEY}

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def test_publish_says_something_in_a_room(self):
        done = run("publish", "a", "note", '{"said":"hello"}', "--message-id", "m1", env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((json.loads(done.stdout)["room"], json.loads(done.stdout)["sequence"]), ("a", 1))
        again = run("publish", "a", "note", "-", "--message-id", "m1", text='{"said":"hello"}', env=self.env)
        self.assertEqual(json.loads(again.stdout)["sequence"], 1)
        self.assertEqual(run("publish", "a", "note", env=self.env).returncode, 0)

    def test_publish_refuses_what_is_no_payload_before_it_asks(self):
        for payload in ("hello", "[1]", '{"a":', ""):
            done = run("publish", "a", "note", payload, env=self.env)
            self.assertEqual(done.returncode, 2, payload)
            self.assertIn("JSON object", done.stderr)

    def test_rooms_lists_them(self):
        for room in ("list:1", "list:2", "other"):
            run("publish", room, "note", env=self.env)
        done = run("rooms", "--prefix", "list:", env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0].split(), ["members", "sequence", "room"])
        self.assertEqual(sorted(line.split()[2] for line in lines[1:]), ['"list:1"', '"list:2"'])
        done = run("rooms", "--prefix", "list:", "--limit", "1", "--json", env=self.env)
        self.assertEqual(len(json.loads(done.stdout)["rooms"]), 1)

    def test_connections_lists_them(self):
        with self.daemon.connect() as sock:
            sock.sendall(wire.handshake("/ws?user=ann", User_Agent="a test"))
            wire.read_head(sock)
            until(lambda: self.daemon.metrics()["ringroom_connections_authenticated"] == 1, "ann to be in")
            done = run("connections", env=self.env)
            self.assertEqual(done.returncode, 0, done.stderr)
            lines = done.stdout.splitlines()
            self.assertEqual(lines[0].split(), ["connection_id", "user", "address", "state"])
            self.assertEqual(lines[1].split()[1:], ['"ann"', '"127.0.0.1"', '"authenticated"'])
            done = run("connections", "--limit", "1", "--json", env=self.env)
            self.assertEqual(json.loads(done.stdout)["connections"][0]["user_agent"], "a test")

    def test_a_refusal_is_a_sentence_and_exit_code_1(self):
        done = run("rooms", env={**self.env, "RINGROOM_API_KEY": "wrong-key-of-the-command-line"})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^ringroom: the server answered 401: .*API key")

    def test_the_key_can_come_from_a_file_and_is_never_shown(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(KEY + "\n")
            file.flush()
            done = run("rooms", "--url", self.daemon.http, "--api-key-file", file.name)
            self.assertEqual(done.returncode, 0, done.stderr)
            done = run("rooms", "--url", "http://127.0.0.1:1", "--api-key-file", file.name)
            self.assertEqual(done.returncode, 1)
            self.assertNotIn(KEY, done.stderr + done.stdout)

    def test_healthcheck_says_by_its_exit_code_whether_there_is_a_server(self):
        for flags in ([], ["--ready"]):
            done = run("healthcheck", *flags, env=self.env)
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        done = run("healthcheck", "--url", "http://127.0.0.1:1", "--timeout", "1s")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not answer", done.stderr)
        self.assertEqual(run("healthcheck", "--timeout", "soon").returncode, 2)


class Installed(unittest.TestCase):
    def complete(self, *words):
        script = ('source /dev/stdin; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ringroom; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", *words], input=run("completion").stdout, text=True,
                              capture_output=True, timeout=DEADLINE_S, check=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes_commands_options_and_values(self):
        self.assertEqual(self.complete("ringroom", "heal"), ["healthcheck"])
        self.assertIn("serve", self.complete("ringroom", ""))
        self.assertEqual(self.complete("ringroom", "serve", "--max-message"), ["--max-message-bytes"])
        self.assertEqual(self.complete("ringroom", "serve", "--log-format", "l"), ["logfmt"])
        self.assertEqual(self.complete("ringroom", "config", "sh"), ["show"])
        self.assertEqual(self.complete(program(), "publish", "--message"), ["--message-id"])

    def test_the_man_page_names_every_option_and_is_well_formed(self):
        page = run("man").stdout
        for line in run("config", "docs").stdout.splitlines():
            if line.startswith("| `") and "RINGROOM_" in line:
                self.assertIn(".B \\-\\-" + line.split("`")[1].replace("-", "\\-") + "\n", page)
        groff = shutil.which("groff")
        if not groff:
            self.skipTest("groff is not here to read it")
        done = subprocess.run([groff, "-man", "-ww", "-Tutf8"], input=page, text=True, capture_output=True,
                              timeout=DEADLINE_S, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=True)
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
