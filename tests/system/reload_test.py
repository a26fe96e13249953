"""SIGHUP: what of a new configuration applies at once, to whom, and that nobody is sent away for it."""

import asyncio
import json
import os
import signal
import tempfile
import time
import unittest

import websockets
from daemon import DEADLINE_S, Daemon, run, until
from native_client import API_KEY, Client

RELOADS = int(os.environ.get("RELOADS", "100"))


class Configured(Daemon):
    """A server by a file that a test rewrites."""

    def __init__(self, text, *options, **more):
        self.folder = tempfile.TemporaryDirectory()
        self.file = f"{self.folder.name}/ringroom.toml"
        self.write(text)
        super().__init__("--cores", "2", "--config", self.file, "--log-file", f"{self.folder.name}/log",
                         "--api-key", API_KEY, *options, **more)

    def write(self, text):
        with open(self.file + ".new", "w") as file:
            file.write(text)
        os.rename(self.file + ".new", self.file)

    def counts(self):
        metrics = self.metrics()
        return metrics["ringroom_config_reloads_total"], metrics["ringroom_config_reload_failures_total"]

    def records(self):
        if not os.path.exists(f"{self.folder.name}/log"):
            return []
        with open(f"{self.folder.name}/log") as file:
            return [json.loads(line) for line in file.read().split("\n")[:-1]]

    def reload(self, text=None, good=True):
        """Returns when it is done, with what the log says of it."""
        if text is not None:
            self.write(text)
        word = "read anew" if good else "stays as it was"

        def told():
            return [r for r in self.records() if word in r["msg"]]

        before, told_before = self.counts(), len(told())
        expected = (before[0] + good, before[1] + (not good))
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.counts() == expected, f"reload {expected}, not {self.counts()}")
        return until(lambda: told()[told_before:], word)[-1]

    def stop(self, expect=0):
        try:
            return super().stop(expect)
        finally:
            self.folder.cleanup()


class Reload(unittest.IsolatedAsyncioTestCase):
    async def client(self, daemon, user, **query):
        more = "".join(f"&{key}={value}" for key, value in query.items())
        client = Client(await websockets.connect(f"{daemon.ws}/ws?user={user}{more}"))
        client.ack = await client.next("connection_ack")
        self.addAsyncCleanup(client.socket.close)
        return client

    async def test_under_load_by_good_and_broken_files_drops_no_connection_and_no_message(self):
        broken = ["[namespace", "no-such-option = 1\n", "low-latency = true\nlow-power = true\n", "pong-timeout-ms = true\n",
                  'api-key-file = "/nowhere"\n']
        with Configured("[namespace.default]\nhistory-count = 50\n") as daemon:
            clients = [await self.client(daemon, f"u{i}") for i in range(20)]
            for i, client in enumerate(clients):
                await client.join(f"room{i % 4}")
            done = asyncio.Event()
            last = {}

            async def speak(client, room):
                while not done.is_set():
                    await client.send("note", room, {"at": time.time()})
                    await asyncio.sleep(0.005)

            async def listen(client, room):
                """Every message of the room, without a hole, until nobody speaks."""
                while True:
                    message = json.loads(await asyncio.wait_for(client.socket.recv(), DEADLINE_S))
                    if message["type"] == "pong":
                        return
                    self.assertNotIn(message["type"], ("error_message", "room_left", "room_reset"), message)
                    if message["type"] == "note":
                        self.assertEqual(message["sequence"], last.get(client, message["sequence"] - 1) + 1)
                        last[client] = message["sequence"]

            speakers = [asyncio.create_task(speak(c, f"room{i % 4}")) for i, c in enumerate(clients[:8])]
            listeners = [asyncio.create_task(listen(c, f"room{i % 4}")) for i, c in enumerate(clients)]
            began = (await asyncio.to_thread(daemon.metrics))["ringroom_connections_authenticated"]
            for i in range(RELOADS):
                if i % 2 == 0:
                    text = (f"ping-interval-ms = {20_000 + i}\nrooms-per-connection-max = {100 + i}\n"
                            f'limit = ["publish/user={100_000 + i}/1s"]\n'
                            f"[namespace.default]\nhistory-count = {50 + i}\nstate-keys = {i % 3}\n")
                else:
                    text = broken[i // 2 % len(broken)]
                await asyncio.to_thread(daemon.write, text)
                before = await asyncio.to_thread(daemon.counts)
                daemon.process.send_signal(signal.SIGHUP)
                while await asyncio.to_thread(daemon.counts) == before:
                    pass
            self.assertEqual(await asyncio.to_thread(daemon.counts), ((RELOADS + 1) // 2, RELOADS // 2))
            done.set()
            await asyncio.gather(*speakers)
            for client in clients:
                await client.send("ping")
            await asyncio.gather(*listeners)
            self.assertEqual((await asyncio.to_thread(daemon.metrics))["ringroom_connections_authenticated"], began)
            self.assertTrue(all(client in last for client in clients))

    async def test_what_it_brings_applies_to_those_who_are_there(self):
        with Configured("rooms-per-connection-max = 1\n[namespace.default]\nhistory-count = 0\n") as daemon:
            ann = await self.client(daemon, "ann")
            await ann.join("a")
            message_id = await ann.send("join_room", "b")
            await ann.next("error_message", correlation_id=message_id)
            await ann.send("note", "a", {"n": 1})
            message_id = await ann.send("history", "a", {"limit": 5})
            await ann.next("error_message", correlation_id=message_id)

            told = await asyncio.to_thread(
                daemon.reload, "rooms-per-connection-max = 2\n[namespace.default]\nhistory-count = 5\n"
                "state-keys = 1\n")
            self.assertEqual(told["changed"], "rooms-per-connection-max, namespace")
            await ann.join("b")
            await ann.send("note", "a", {"n": 2}, key="k")
            await ann.send("history", "a", {"limit": 5})
            page = (await ann.next("history"))["payload"]
            self.assertEqual([m["payload"] for m in page["messages"]], [{"n": 2}])

            await asyncio.to_thread(daemon.reload, 'limit = ["message/user=1/1h"]\n[namespace.default]\n')
            await ann.send("ping")
            await ann.send("ping")
            await ann.next("error_message")
            status, _ = daemon.request("POST", "/api/publish", {"room": "a", "type": "x", "payload": {}},
                                       {"X-API-Key": API_KEY})
            self.assertEqual(status, 200)

    async def test_a_new_namespace_takes_the_rooms_of_its_name_along(self):
        with Configured("[namespace.default]\n") as daemon:
            ann = await self.client(daemon, "ann")
            for room in ("quote:a", "other"):
                await ann.join(room)
            told = await asyncio.to_thread(daemon.reload, "[namespace.default]\n[namespace.quote]\nstate-keys = 1\n")
            self.assertEqual(told["changed"], "namespace")
            status, answer = daemon.request("POST", "/api/broadcast", {"rooms": ["quote:*"], "type": "x", "payload": {}},
                                            {"X-API-Key": API_KEY})
            self.assertEqual((status, answer["rooms"]), (200, 1))
            await ann.send("note", "quote:a", {"n": 1}, key="k")
            self.assertEqual((await ann.next("note"))["key"], "k")
            # And those of one that is gone are the default's again.
            await asyncio.to_thread(daemon.reload, "[namespace.default]\n")
            message_id = await ann.send("note", "quote:a", {"n": 2}, key="k")
            await ann.next("error_message", correlation_id=message_id)
            status, answer = daemon.request("POST", "/api/broadcast", {"rooms": ["quote:*"], "type": "x", "payload": {}},
                                            {"X-API-Key": API_KEY})
            self.assertEqual((status, answer["rooms"]), (200, 1))

    async def test_a_limit_that_is_as_it_was_remembers_what_was_spent(self):
        with Configured('limit = ["type:note/user=2/1h"]\n') as daemon:
            ann = await self.client(daemon, "ann")
            await ann.join("a")
            await ann.send("note", "a", {})
            await asyncio.to_thread(
                daemon.reload, 'limit = ["type:other/user=1/1h", "type:note/user=2/1h"]\n')
            await ann.send("note", "a", {})
            message_id = await ann.send("note", "a", {})
            await ann.next("error_message", correlation_id=message_id)

    async def test_roles_hold_for_who_comes_next_and_other_numbers_stay(self):
        text = 'workspace-metrics = ["acme"]\n%s[namespace.default]\n'
        with Configured(text % 'anonymous-role = "guest"\n[role.guest]\nrooms = "a=join+presence"\n', dev=False) as daemon:
            async def comes():
                client = Client(await websockets.connect(f"{daemon.ws}/ws"))
                self.addAsyncCleanup(client.socket.close)
                await client.send("connect", payload={})
                await client.next("connection_ack")
                return client

            early = await comes()
            await early.join("a")
            told = await asyncio.to_thread(
                daemon.reload, 'rooms-per-workspace-max = 20\nworkspace-metrics = ["other"]\n'
                'anonymous-role = "guest"\n[role.guest]\nrooms = "b=join+presence"\n[namespace.default]\n')
            self.assertEqual(told["changed"], "rooms-per-workspace-max, role")
            waits = until(lambda: [r for r in daemon.records() if "waits for a new process" in r["msg"]], "it is told")
            self.assertEqual(waits[-1]["options"], "workspace-metrics")
            message_id = await early.send("join_room", "b")
            await early.next("error_message", correlation_id=message_id)
            await (await comes()).join("b")
            told = await asyncio.to_thread(daemon.reload, 'anonymous-role = "nobody"\n', False)
            self.assertIn("no role of that name", told["because"])

    async def test_what_is_wrong_changes_nothing_and_is_told(self):
        with Configured("rooms-per-connection-max = 1\n") as daemon:
            ann = await self.client(daemon, "ann")
            await ann.join("a")
            for text, because in (
                    ("rooms-per-connection-max = 2\nno-such = 1\n", "ringroom.toml:2:1: there is no option `no-such`"),
                    ("rooms-per-connection-max = 2\nlow-power = true\nlow-latency = true\n", "low-power"),
                    ("rooms-per-connection-max = 2\ntoken-jwks-file = '/nowhere'\n", "token-jwks-file")):
                told = await asyncio.to_thread(daemon.reload, text, False)
                self.assertIn(because, told["because"])
                message_id = await ann.send("join_room", "b")
                await ann.next("error_message", correlation_id=message_id)

    async def test_what_needs_a_new_process_is_told_and_stays(self):
        with Configured("max-message-bytes = 1024\nping-interval-ms = 25000\n") as daemon:
            daemon.reload("max-message-bytes = 4096\ncores = 1\nping-interval-ms = 24000\noff = ['presence']\n")
            waits = until(lambda: [r for r in daemon.records() if "waits for a new process" in r["msg"]], "it is told")
            # The flag --cores wins over the file, so nothing of it has changed.
            self.assertEqual(waits[-1]["options"], "off, max-message-bytes")
            ann = await self.client(daemon, "ann")
            self.assertEqual(ann.ack["payload"]["max_message_bytes"], 1024)
            self.assertEqual(ann.ack["payload"]["heartbeat_interval"], 24)
            self.assertNotIn("features", ann.ack["payload"])

    async def test_keys_of_the_api_and_of_fernet_come_from_their_files_anew(self):
        with tempfile.TemporaryDirectory() as folder:
            def put(name, text):
                with open(f"{folder}/{name}", "w") as file:
                    file.write(text)

            put("key", "first-key-of-the-backend-0123456789")
            put("fernet", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n")
            text = (f'access-key = ["backend:publish:{folder}/key"]\n'
                    f'[namespace.vault]\nfernet-keys-file = "{folder}/fernet"\n[namespace.default]\n')
            with Configured(text) as daemon:
                def publish(key, payload):
                    return daemon.request("POST", "/api/publish", {"room": "vault:a", "type": "x", "payload": payload},
                                          {"X-API-Key": key})[0]

                token = ("gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64j"
                         "VmpU4IwqDA==")
                self.assertEqual(publish("first-key-of-the-backend-0123456789", {"fernet": token, "of": "text"}), 200)
                put("key", "second-key-of-the-backend-0123456789")
                put("fernet", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
                await asyncio.to_thread(daemon.reload)
                self.assertEqual(publish("first-key-of-the-backend-0123456789", {}), 401)
                self.assertEqual(publish("second-key-of-the-backend-0123456789", {}), 200)
                self.assertEqual(publish("second-key-of-the-backend-0123456789", {"fernet": token, "of": "text"}), 422)


class Document(unittest.TestCase):
    def test_it_says_of_every_option_when_it_applies(self):
        rows = [line for line in run("config", "docs").stdout.splitlines() if "| `RINGROOM_" in line]
        self.assertGreater(len(rows), 60)
        for row in rows:
            self.assertIn(row.split(" | ")[4], ("SIGHUP", "*start*"), row)


if __name__ == "__main__":
    unittest.main(verbosity=2)
