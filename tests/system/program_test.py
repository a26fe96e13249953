"""The program as an operator meets it: its command line, its page, its tokens, its end."""

import asyncio
import json
import unittest
import urllib.request

import websockets
from daemon import DEADLINE_S, Daemon, run

SECRET = {"RINGROOM_TOKEN_HMAC_SECRET": "0123456789abcdef0123456789abcdef"}


class CommandLine(unittest.TestCase):
    def test_a_slip_in_a_flag_is_one_sentence_and_exit_code_2(self):
        done = run("serve", "--lissen", "127.0.0.1:0")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr,
                         "ringroom: there is no flag `--lissen`; did you mean `listen`?\n")

    def test_everybody_is_let_in_only_on_a_loopback_address(self):
        done = run("serve", "--listen", "0.0.0.0:0", "--insecure-dev")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("insecure-dev", done.stderr)

    def test_an_unknown_command_is_named(self):
        done = run("srve")
        self.assertEqual(done.returncode, 2)
        self.assertIn("srve", done.stderr)

    def test_help_names_every_documented_option(self):
        done = run("serve", "--help")
        self.assertEqual(done.returncode, 0)
        for line in run("config", "docs").stdout.splitlines():
            if line.startswith("| `") and "RINGROOM_" in line:
                self.assertIn("--" + line.split("`")[1], done.stdout)

    def test_config_show_says_where_a_value_comes_from_and_hides_secrets(self):
        done = run("config", "show", "--cores", "2", env={**SECRET, "RINGROOM_ECHO": "true"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^cores = 2 +# flag$")
        self.assertRegex(done.stdout, r"(?m)^echo = true +# environment$")
        self.assertRegex(done.stdout, r"(?m)^# token-hmac-secret = \(set\) +# environment$")
        self.assertNotIn(SECRET["RINGROOM_TOKEN_HMAC_SECRET"], done.stdout)

    def test_config_show_has_a_table_for_each_namespace(self):
        done = run("config", "show", "--namespace", "quote:state-keys=5",
                   env={"RINGROOM_NAMESPACE": "default:history-count=9"})
        self.assertEqual(done.returncode, 0, done.stderr)
        default, quote = done.stdout.split("[namespace.")[1:]
        self.assertTrue(default.startswith("default]\n") and quote.startswith("quote]\n"))
        self.assertRegex(default, r"(?m)^history-count = 9 +# environment$")
        self.assertRegex(quote, r"(?m)^history-count = 9 +# namespace.default$")
        self.assertRegex(quote, r"(?m)^state-keys = 5 +# flag$")
        self.assertRegex(quote, r"(?m)^presence = false +# default$")

    def test_config_check_says_what_is_wrong(self):
        self.assertEqual(run("config", "check", "--insecure-dev").returncode, 0)
        done = run("config", "check", "--max-message-bytes", "32MiB")
        self.assertEqual(done.returncode, 2)
        self.assertIn("max-message-bytes", done.stderr)
        done = run("config", "check", "--namespace", "quote:presense=true")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean `presence`?", done.stderr)


class Page(unittest.TestCase):
    def test_it_comes_with_a_strict_policy(self):
        with Daemon("--cores", "1") as daemon:
            for path, kind in (("/", "text/html"), ("/app.js", "text/javascript"),
                               ("/app.css", "text/css"), ("/theme.css", "text/css")):
                with urllib.request.urlopen(daemon.http + path, timeout=DEADLINE_S) as answer:
                    self.assertEqual(answer.status, 200)
                    self.assertTrue(answer.headers["Content-Type"].startswith(kind))
                    self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
                    self.assertTrue(answer.read())
            self.assertEqual(daemon.request("GET", "/nothing")[0], 404)


async def answers(socket, *messages):
    """What the server says to these messages, one for one."""
    out = []
    for message in messages:
        await socket.send(json.dumps(message))
        while True:
            answer = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))
            if answer.get("correlation_id") == message["message_id"]:
                out.append(answer)
                break
    return out


class Tokens(unittest.TestCase):
    def make(self, *flags):
        made = run("token", "make", "--sub", "ann", *flags, env=SECRET)
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.strip()

    def test_what_is_made_is_what_is_checked_and_taken(self):
        token = self.make("--room", "lobby=join", "--ttl", "1h")
        checked = run("token", "check", text=token + "\n", env=SECRET)
        self.assertEqual(checked.returncode, 0, checked.stdout)
        self.assertIn("user ann\nroom lobby: join\n", checked.stdout)

        async def body(daemon):
            async with websockets.connect(f"{daemon.ws}/ws?token={token}") as socket:
                join = {"type": "join_room", "message_id": "1", "room": "lobby"}
                elsewhere = {"type": "join_room", "message_id": "2", "room": "elsewhere"}
                speak = {"type": "room_message", "message_id": "3", "room": "lobby"}
                joined, refused, silenced = await answers(socket, join, elsewhere, speak)
                self.assertEqual(joined["type"], "room_joined")
                self.assertEqual(refused["payload"]["code"], "forbidden")
                self.assertEqual(silenced["payload"]["code"], "forbidden")

        with Daemon(dev=False, env=SECRET) as daemon:
            asyncio.run(body(daemon))

    def test_nobody_comes_in_without_a_token_or_with_a_wrong_one(self):
        changed = self.make()[:-4] + "AAAA"
        checked = run("token", "check", changed, env=SECRET)
        self.assertEqual(checked.returncode, 1)
        self.assertIn("refused (bad_signature)", checked.stdout)

        async def body(daemon):
            for query in ("", "?user=ann", f"?token={changed}"):
                with self.subTest(query=query[:6]):
                    with self.assertRaises((websockets.InvalidStatusCode,
                                            websockets.ConnectionClosed)):
                        async with websockets.connect(f"{daemon.ws}/ws{query}") as socket:
                            while True:
                                message = json.loads(await socket.recv())
                                self.assertNotEqual(message["type"], "connection_ack")

        with Daemon("--hello-timeout-ms", "500ms", dev=False, env=SECRET) as daemon:
            asyncio.run(body(daemon))


if __name__ == "__main__":
    unittest.main(verbosity=2)
