"""The log as an operator finds it: what is in it, whatever clients send and wherever it goes."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import tempfile
import time
import unittest

import websockets
from daemon import DEADLINE_S, ENVIRONMENT, Daemon, program, run, until

SECRET = {"RINGROOM_TOKEN_HMAC_SECRET": "0123456789abcdef0123456789abcdef", "RINGROOM_API_KEY": "key"}
PIPE_BYTES = getattr(fcntl, "F_SETPIPE_SZ", 1031)


def token(*options):
    made = run("token", "make", "--sub", "ann", *options, env=SECRET)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


class Secured(Daemon):
    def __init__(self, *options):
        super().__init__("--cores", "1", *options, dev=False, env=SECRET)

    def api(self, path, body, key="key"):
        return self.request("POST", path, body, {"X-API-Key": key})

    def refuse_someone(self):
        """One record more, of one of two places."""
        self.assert_refused(self.api("/api/publish", {}, key="wrong")[0], 401)

    @staticmethod
    def assert_refused(status, expected):
        assert status == expected, status

    def is_well(self):
        async def joins():
            async with websockets.connect(f"{self.ws}/ws?token={token('--room', '*=join')}") as socket:
                await ask(socket, {"type": "join_room", "room": "a"}, "room_joined")

        asyncio.run(joins())
        assert self.request("GET", "/health")[0] == 200


async def ask(socket, message, answer):
    """Says it and waits for an answer of that type."""
    await socket.send(json.dumps(message))
    while True:
        heard = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))
        if heard["type"] == answer:
            return heard


def records(path):
    """Every line is a record, but for one that is being written."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file.read().split("\n")[:-1]]


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory() as path:
        yield path


class Security(unittest.TestCase):
    def test_each_event_is_one_record_that_says_who_and_why(self):
        with folder() as path, Secured("--log-file", f"{path}/log", "--limit", "type:ping/connection=1/1h") as daemon:
            async def misbehave():
                with contextlib.suppress(websockets.WebSocketException):
                    async with websockets.connect(f"{daemon.ws}/ws?token=not-a-token") as socket:
                        await socket.recv()
                async with websockets.connect(f"{daemon.ws}/ws?token={token('--room', 'mine=join')}") as socket:
                    await ask(socket, {"type": "join_room", "room": "other"}, "error_message")
                    await ask(socket, {"type": "ping"}, "pong")
                    await ask(socket, {"type": "ping"}, "error_message")
                    status, answer = await asyncio.to_thread(daemon.api, "/api/revoke", {"user": "ann"})
                    self.assertEqual((status, answer["closed"]), (200, 1))

            asyncio.run(misbehave())
            found = {}
            for event in ("auth_failure", "authz_refusal", "limit_hit", "revocation"):
                until(lambda e=event: [r for r in records(f"{path}/log") if r.get("event") == e], event)
                matching = [r for r in records(f"{path}/log") if r.get("event") == event]
                self.assertEqual(len(matching), 1, matching)
                found[event] = matching[0]
            for event in ("auth_failure", "authz_refusal", "limit_hit"):
                self.assertEqual((found[event]["address"], found[event]["level"]), ("127.0.0.1", "info"))
                self.assertRegex(found[event]["conn"], "^[0-9a-f]{20}$")
                self.assertTrue(found[event]["because"])
            self.assertEqual((found["authz_refusal"]["user"], found["authz_refusal"]["room"]), ("ann", "other"))
            self.assertEqual(found["limit_hit"]["user"], "ann")
            self.assertEqual((found["revocation"]["of"], found["revocation"]["closed"]), ("ann", 1))


HOSTILE = ["a\"},{\"level\":\"error", "a\\", "\x1b[2J\x1b]0;owned\x07", "a\nts=0 level=error msg=forged",
           "a\r\nb", "\x00", "\x7f\x9b31m", "\u202eevil\u2066", "\u2028", "grüße 👋", "x" * 255]


class Injection(unittest.TestCase):
    async def speak(self, daemon, name):
        """In every place where a client chooses a text."""
        user = "".join(f"%{byte:02x}" for byte in name.encode()[:128])
        with contextlib.suppress(websockets.WebSocketException, OSError):
            async with websockets.connect(f"{daemon.ws}/ws?user={user}") as socket:
                for _ in range(2):  # the second is one too many, and so is told
                    await socket.send(json.dumps({"type": "join_room", "room": name, "message_id": name}))
                await ask(socket, {"type": "ping"}, "pong")
        for origin in (name.encode() + b"\xff", b"https://" + b"x" * 15_000):
            with daemon.connect() as raw:
                raw.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                            b"Origin: " + origin + b"\r\n\r\n")
                self.assertTrue(raw.recv(4096))

    def test_whatever_clients_are_called_a_record_is_one_short_line_of_json(self):
        with folder() as path:
            for name in HOSTILE:  # a place writes ten records a second, so each is met by a new process
                with Daemon("--cores", "1", "--log-level", "trace", "--log-file", f"{path}/log",
                            "--limit", "join/connection=1/1h") as daemon:
                    asyncio.run(self.speak(daemon, name))
            with open(f"{path}/log", "rb") as file:
                lines = file.read().split(b"\n")[:-1]
            self.assertGreater(len(lines), 5 * len(HOSTILE))
            for line in lines:
                self.assertLess(len(line), 2_000)
                self.assertFalse([byte for byte in line if byte < 0x20 or byte == 0x7f], line)
                record = json.loads(line.decode())
                self.assertRegex(record["ts"], r"^20..-..-..T..:..:..\....Z$")
                self.assertIn(record["level"], ("trace", "debug", "info", "warning", "error"))
            text = b"\n".join(lines).decode()
            for deceiving in "\u202e\u2066\u2028\x9b":
                self.assertNotIn(deceiving, text)
            self.assertIn("grüße 👋", text)

    def test_names_come_back_as_they_were(self):
        name = "\"\\ grüße \u2028 {}"
        with folder() as path, Daemon("--cores", "1", "--log-file", f"{path}/log",
                                      "--limit", "join/connection=1/1h") as daemon:
            async def join_twice():
                async with websockets.connect(f"{daemon.ws}/ws?user=ann") as socket:
                    await ask(socket, {"type": "join_room", "room": "a"}, "room_joined")
                    await ask(socket, {"type": "join_room", "room": name}, "error_message")

            asyncio.run(join_twice())
            hit = until(lambda: [r for r in records(f"{path}/log") if r.get("event") == "limit_hit"], "limit_hit")
            self.assertEqual(hit[0]["room"], name)


class Trouble(unittest.TestCase):
    def dropped(self, daemon):
        return daemon.metrics()["ringroom_log_dropped_total"]

    def refuse_until_dropped(self, daemon):
        def one_more():
            daemon.refuse_someone()
            return self.dropped(daemon)

        until(one_more, "a record that could not be written")

    def test_a_full_disk_costs_records_and_nothing_else(self):
        with folder() as path:
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], check=False,
                                     capture_output=True)
            if mounted.returncode != 0:
                self.skipTest("mounting a small file system needs root")
            try:
                with Secured("--log-level", "debug", "--log-file", f"{path}/log") as daemon:
                    with open(f"{path}/filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
                        while True:
                            filler.write(b"x" * 4096)
                    self.refuse_until_dropped(daemon)
                    daemon.is_well()
                    os.unlink(f"{path}/filler")

                    def told():
                        daemon.refuse_someone()
                        return [r for r in records(f"{path}/log") if r["msg"].startswith("records could not")]

                    self.assertGreater(until(told, "what was lost is told")[0]["count"], 0)
            finally:
                subprocess.run(["umount", path], check=True)

    def test_a_reader_that_is_gone_costs_records_and_nothing_else(self):
        with Secured("--log-level", "debug") as daemon:
            daemon.process.stderr.close()
            daemon.process.stdout.close()
            self.refuse_until_dropped(daemon)
            daemon.is_well()

    def test_a_reader_that_does_not_read_holds_up_neither_the_server_nor_its_end(self):
        daemon = Secured("--log-level", "debug").start()
        try:
            fcntl.fcntl(daemon.process.stderr.fileno(), PIPE_BYTES, 4096)
            end = time.monotonic() + 3  # more than a pipe of 4 KiB holds: some records a second
            while time.monotonic() < end:
                daemon.refuse_someone()
            daemon.is_well()
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(DEADLINE_S), 0)
        finally:
            if daemon.process.poll() is None:
                daemon.kill()
            daemon.process.communicate()

    def test_without_standard_descriptors_nothing_is_written_where_it_does_not_belong(self):
        daemon = Secured("--log-level", "debug", "--log-file", "/dev/null")
        read, write = os.pipe()
        daemon.process = subprocess.Popen([program(), *daemon.options], stdout=write, env=daemon.env,
                                          preexec_fn=lambda: [os.close(fd) for fd in (0, 2)])
        os.close(write)
        try:
            self.assertIn(b"ready on", os.read(read, 4096))
            self.assertEqual([os.readlink(f"/proc/{daemon.process.pid}/fd/{fd}") for fd in (0, 2)],
                             ["/dev/null"] * 2)
        finally:
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(DEADLINE_S), 0)
            os.close(read)


class Place(unittest.TestCase):
    def test_the_log_goes_on_in_a_new_file_at_sigusr1(self):
        with folder() as path, Secured("--log-file", f"{path}/log") as daemon:
            daemon.refuse_someone()
            until(lambda: records(f"{path}/log"), "a record")
            os.rename(f"{path}/log", f"{path}/log.1")
            daemon.process.send_signal(signal.SIGUSR1)
            until(lambda: os.path.exists(f"{path}/log") and records(f"{path}/log"), "a record in the new file")
            self.assertIn("SIGUSR1", records(f"{path}/log")[0]["msg"])
            self.assertNotIn("SIGUSR1", records(f"{path}/log.1")[-1]["msg"])
            # And where there can be no new one, it stays.
            os.rename(path, path + "-moved")
            try:
                daemon.process.send_signal(signal.SIGUSR1)
                until(lambda: "cannot be opened" in records(f"{path}-moved/log")[-1]["msg"], "the complaint")
                daemon.is_well()
            finally:
                os.rename(path + "-moved", path)

    def test_a_log_file_that_cannot_be_opened_is_told_before_the_start(self):
        ended = run("serve", "--insecure-dev", "--log-file", "/nowhere/log")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("log-file /nowhere/log cannot be opened: No such file", ended.stderr)

    def first_line(self, *options, tty):
        ours, theirs = pty.openpty() if tty else os.pipe()
        process = subprocess.Popen([program(), "serve", "--listen", "127.0.0.1:0", "--cores", "1", *options],
                                   stdout=subprocess.DEVNULL, stderr=theirs, env=ENVIRONMENT)
        os.close(theirs)
        try:
            self.assertTrue(select.select([ours], [], [], DEADLINE_S)[0], "no line came")
            return os.read(ours, 4096).decode()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(DEADLINE_S)
            os.close(ours)

    def test_it_is_logfmt_on_a_terminal_and_json_elsewhere(self):
        self.assertRegex(self.first_line(tty=True), r"^ts=20\S+ level=warning msg=")
        self.assertRegex(self.first_line(tty=False), r'^{"ts":"20[^"]+","level":"warning","msg":')
        self.assertRegex(self.first_line("--log-format", "logfmt", tty=False), r"^ts=20")
        self.assertRegex(self.first_line("--log-format", "json", tty=True), r'^{"ts":"20')


if __name__ == "__main__":
    unittest.main(verbosity=2)
