"""Workspaces of the real daemon on two cores: clients with tokens of three of them, backends with keys for one or
for all. Each message says where it was written, so whoever hears it knows whether it should have."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import random
import tempfile
import time
import unittest
import urllib.parse

import websockets
from daemon import DEADLINE_S, Daemon
from native_client import Client

SECRET = "a secret of 32 bytes for the tests"
MASTER = "the-key-of-all-workspaces-0123456789"
SPACES = ("default", "acme", "acme:lobby")
ALL = {"*": ["admin"], "user:*": ["admin"]}


def token(user, workspace=None, **claims):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    now = int(time.time())
    body = {"sub": user, "exp": now + 600, "iat": now, "rooms": ALL, **claims}
    if workspace:
        body["workspace"] = workspace
    text = part(b'{"alg":"HS256"}') + b"." + part(json.dumps(body).encode())
    return (text + b"." + part(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())).decode()


class SpacesCase(unittest.IsolatedAsyncioTestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        keys = []
        for name, workspace in (("of-acme", "acme"), ("of-default", "default")):
            path = os.path.join(cls.folder.name, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(cls.key_of(workspace))
            keys += ["--access-key", f"{name}@{workspace}:publish+read+rooms+sessions:{path}"]
        cls.daemon = Daemon("--cores", "2", "--token-hmac-secret", SECRET, "--api-key", MASTER, *keys, *cls.options,
                            dev=False).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        cls.folder.cleanup()

    @staticmethod
    def key_of(workspace):
        return f"the-key-of-{workspace}-abcdefgh0123456"

    async def asyncSetUp(self):
        self.clients = []

    async def asyncTearDown(self):
        for client in self.clients:
            await client.socket.close()

    async def bare(self, user, workspace, query="", **claims):
        client = Client(await websockets.connect(
            f"{self.daemon.ws}/ws?token={token(user, workspace, **claims)}{query}"))
        client.space = workspace
        self.clients.append(client)
        return client

    async def client(self, user, workspace, **claims):
        client = await self.bare(user, workspace, **claims)
        client.ack = await client.next("connection_ack")
        return client

    def call(self, method, path, body=None, key=MASTER):
        return self.daemon.request(method, path, body, {"X-API-Key": key})

    async def heard(self, client):
        """Everything numbered or sent by a backend that has come so far, as the spaces it is from."""
        return {message["payload"].get("from") for message in await client.silence()
                if message["type"] in ("note", "room_message")}

    async def refused(self, client, code):
        self.assertEqual((await client.next("error_message"))["payload"]["code"], code)


class Apart(SpacesCase):
    options = ("--namespace", "default:history-count=50,presence=true,presence-grace-ms=0",
               "--namespace", "user:offline-count=10", "--workspace-metrics", "counted,default")

    async def everywhere(self, users=("ann", "bo")):
        """Of each space some connections, on either core."""
        return {space: [await self.client(user, space) for user in users for _ in range(3)] for space in SPACES}

    async def test_the_workspaces_there_are_can_be_listed(self):
        await self.everywhere()
        path = "/api/ws/workspaces"

        def told(query="", key=MASTER):
            status, body = self.call("GET", path + query, key=key)
            self.assertEqual(status, 200, body)
            return [(one["workspace"], one["connections"]) for one in body["workspaces"]]

        # `counted` is one of the configuration.
        here = [("acme", 6), ("acme:lobby", 6), ("counted", 0), ("default", 6)]
        self.assertEqual(told(), here)
        self.assertEqual(told("?prefix=acme"), here[:2])
        self.assertEqual(told("?limit=1") + told("?limit=2&after=acme"), here[:3])
        self.assertEqual(told("?workspace=acme"), here)
        self.assertEqual(told(key=self.key_of("acme")), here[:1])
        self.assertEqual(told("?after=acme", self.key_of("acme")), [])
        self.assertEqual(self.call("GET", path + "?workspace=default", key=self.key_of("acme"))[0], 403)

    async def test_the_same_room_in_three_workspaces_is_three_rooms(self):
        there = await self.everywhere()
        for space, clients in there.items():
            for client in clients:
                joined = await client.join("hall")
                self.assertLessEqual(set(joined["payload"]["members"]), {"ann", "bo"})
        for space, clients in there.items():
            for n, client in enumerate(clients):
                message_id = await client.send("note", "hall", {"from": space}, message_id=f"{n}")
                await client.next("ack", correlation_id=message_id)
                self.assertEqual((await client.next("note"))["payload"], {"from": space})
        for space, clients in there.items():
            for client in clients:
                await client.send("presence", "hall", {"counts": True})
                counts = (await client.next("presence"))["payload"]
                self.assertEqual(counts, {"count": 2, "connections": 6})
                await client.send("history", "hall", {"limit": 50})
                history = (await client.next("history"))["payload"]
                self.assertEqual(history["sequence"], 6)
                self.assertEqual({message["payload"]["from"] for message in history["messages"]}, {space})
                self.assertLessEqual(await self.heard(client), {space})

    async def test_no_pattern_list_or_name_reaches_across(self):
        watchers = {}
        for space in SPACES:
            watchers[space] = await self.client("eve", space)
            for pattern in ("*", "acme*", "*lobby", "a*:*"):
                message_id = await watchers[space].send("join_room", pattern)
                await watchers[space].next("ack", correlation_id=message_id)
        names = ("acme", "acme:lobby", "default:lobby", "acme%1flobby", "\u241f", "caf\u00e9", "cafe\u0301")
        for space in SPACES:
            speaker = await self.client("ann", space)
            for name in names:
                await speaker.join(name)
                await speaker.send("note", name, {"from": space})
                await speaker.next("note", room=name)
            await speaker.send("create_room", f"own of {space}", {"metadata": {"from": space}})
            await speaker.next("room_created")
        for space in SPACES:
            for _ in names:
                self.assertEqual((await watchers[space].next("note"))["payload"], {"from": space})
            self.assertEqual(await self.heard(watchers[space]), set())
            await watchers[space].send("list_rooms", payload={"prefix": "own of "})
            rooms = (await watchers[space].next("room_list"))["payload"]["rooms"]
            self.assertEqual([room["room"] for room in rooms], [f"own of {space}"])
            for raw in ("acme\x1flobby", "\x1flobby", "acme\x00lobby"):
                message_id = await watchers[space].send("join_room", raw)
                await watchers[space].next("validation_error", correlation_id=message_id)

    async def test_a_backend_reaches_the_workspace_that_it_names_or_its_key_opens(self):
        there = {space: await self.client("ann", space) for space in SPACES}
        for client in there.values():
            await client.join("lobby")
        everybody = {client.ack["payload"]["connection_id"]: space for space, client in there.items()}
        note = {"type": "note"}
        for space in SPACES:
            for body in ({"room": "lobby"}, {"rooms": ["lobby"]}, {"rooms": ["*"]}, {"users": ["ann", "bo"]},
                         {"connections": list(everybody)}, {}):
                path = "/api/publish" if "room" in body else "/api/broadcast"
                body = {**note, **body, "payload": {"from": space}}
                status, answer = self.call("POST", path, {**body, "workspace": space})
                self.assertEqual(status, 200, answer)
                query = urllib.parse.urlencode({"workspace": space})
                self.assertEqual(self.call("POST", f"{path}?{query}", body)[0], 200)
                if space != "acme:lobby":
                    self.assertEqual(self.call("POST", path, body, key=self.key_of(space))[0], 200)
                for other in SPACES:
                    if other != space and space != "acme:lobby":
                        status, answer = self.call("POST", path, {**body, "workspace": other},
                                                   key=self.key_of(space))
                        self.assertEqual(status, 403, answer)
                        self.assertIn("workspace", answer["error"]["message"])
        for space, client in there.items():
            times = 2 if space == "acme:lobby" else 3
            for _ in range(6 * times):
                self.assertEqual((await client.next("note"))["payload"], {"from": space})
            self.assertEqual(await self.heard(client), set())
        status, answer = self.call("POST", "/api/publish?workspace=acme",
                                   {"room": "lobby", "type": "x", "payload": {}, "workspace": "default"})
        self.assertEqual(status, 422, answer)
        for wrong in ("", "a\x1fb", 7, "w" * 256):
            status, answer = self.call("POST", "/api/publish", {"room": "lobby", "type": "x", "payload": {},
                                                                "workspace": wrong})
            self.assertEqual(status, 422, answer)

    async def test_a_backend_sees_and_deletes_rooms_of_its_workspace_alone(self):
        name = "only in acme"
        path = "/api/ws/rooms/" + urllib.parse.quote(name)
        self.assertEqual(self.call("POST", "/api/ws/rooms", {"room": name, "workspace": "acme"})[0], 201)
        for key, query, found in ((MASTER, "", False), (MASTER, "?workspace=acme", True),
                                  (self.key_of("acme"), "", True), (self.key_of("default"), "", False)):
            status, answer = self.call("GET", f"/api/ws/rooms{query}", key=key)
            self.assertEqual(status, 200)
            self.assertEqual(name in [room["room"] for room in answer["rooms"]], found, (key, query))
            self.assertEqual(self.call("GET", path + query, key=key)[0], 200 if found else 404)
        self.assertEqual(self.call("DELETE", path, key=self.key_of("default"))[0], 404)
        self.assertEqual(self.call("DELETE", path + "?workspace=acme", key=self.key_of("default"))[0], 403)
        self.assertEqual(self.call("DELETE", path, key=self.key_of("acme"))[0], 200)

    async def test_what_waits_for_a_user_waits_for_that_of_one_workspace(self):
        for space in SPACES:
            status, _ = self.call("POST", "/api/broadcast", {"users": ["dora"], "type": "note",
                                                             "payload": {"from": space}, "workspace": space})
            self.assertEqual(status, 200)
        for space in SPACES:
            dora = await self.client("dora", space)
            self.assertEqual(dora.ack["payload"]["rooms"]["user:dora"]["sequence"], 0)
            self.assertEqual(await self.heard(dora), {space})

    async def test_events_are_those_of_ones_own_workspace(self):
        for space in SPACES:
            socket = await websockets.connect(
                f"{self.daemon.ws}/ws?dialect=event&token={token('eve', space)}")
            self.addAsyncCleanup(socket.close)

            async def event(name):
                while True:
                    message = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))
                    if message["event"] == name:
                        return message
            self.assertEqual((await event("connected"))["workspace_id"], space)
            await socket.send(json.dumps({"type": "subscribe", "message_id": "1", "event_types": ["alarm"]}))
            self.assertEqual((await event("room_joined"))["room"], f"workspace:{space}")
            for other in SPACES:
                status, _ = self.call("POST", "/api/publish", {
                    "room": f"workspace:{space}", "type": "alarm", "payload": {"from": other}, "workspace": other})
                self.assertEqual(status, 200)
            self.assertEqual((await event("alarm"))["data"], {"from": space})
            await socket.send(json.dumps({"type": "ping", "message_id": "2"}))
            behind = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))
            self.assertEqual((behind["event"], behind.get("correlation_id")), ("pong", "2"))

    async def test_a_revocation_is_of_tokens_of_one_workspace(self):
        there = {space: await self.client("rex", space, jti="same id", iat=int(time.time()) - 60)
                 for space in SPACES}
        for body in ({"user": "rex"}, {"jti": "same id"}, {"issued_before": int(time.time()) - 30}):
            status, answer = self.call("POST", "/api/revoke", body, key=self.key_of("acme"))
            self.assertEqual((status, answer["closed"]), (200, 1 if "user" in body else 0), body)
        await asyncio.wait_for(there["acme"].socket.wait_closed(), DEADLINE_S)
        for space in ("default", "acme:lobby"):
            await there[space].silence()
            await self.client("rex", space, jti="same id", iat=int(time.time()) - 60)
        late = await self.bare("rex", "acme", jti="same id", iat=int(time.time()) - 60)
        await asyncio.wait_for(late.socket.wait_closed(), DEADLINE_S)
        self.assertEqual(late.socket.close_code, 4401)
        self.assertEqual(self.call("POST", "/api/revoke", {"user": "a\x1fb"})[0], 422)

    async def test_a_fresh_token_is_of_the_same_workspace(self):
        ann = await self.client("ann", "acme")
        for other in (None, "acme:lobby"):
            await ann.send("refresh_token", payload={"token": token("ann", other)})
            await self.refused(ann, "forbidden")
        message_id = await ann.send("refresh_token", payload={"token": token("ann", "acme")})
        await ann.next("ack", correlation_id=message_id)

    async def test_what_listed_workspaces_do_is_counted_apart_and_of_others_nothing(self):
        def series():
            return {name: value for name, value in self.daemon.metrics().items()
                    if name.startswith("ringroom_workspace_") and "{" in name}
        before = series()
        stranger = await self.client("ann", f"tenant {random.random()}")
        await stranger.join("lobby")
        ann = await self.client("ann", "counted")
        await ann.join("lobby")
        await ann.send("note", "lobby", {"from": "counted"})
        await ann.next("note")
        after = series()
        self.assertEqual(set(after), {f'ringroom_workspace_{name}{{workspace="{space}"}}'
                                      for name in ("connections", "rooms", "publish_total")
                                      for space in ("counted", "default")})
        changed = {name: after[name] - before[name] for name in after if 'workspace="counted"' in name}
        self.assertEqual(changed, {'ringroom_workspace_connections{workspace="counted"}': 1,
                                   'ringroom_workspace_rooms{workspace="counted"}': 2,  # and user:ann
                                   'ringroom_workspace_publish_total{workspace="counted"}': 1})


class Limits(SpacesCase):
    options = ("--duplicate-sessions", "refuse", "--connections-per-user-max", "3", "--rooms-per-user-max", "2",
               "--connections-per-workspace-max", "4", "--rooms-per-workspace-max", "20",
               "--limit", "publish/user=2/1h", "--limit", "publish/workspace=3/1h",
               "--workspace-metrics", "acme,default")

    async def test_each_workspace_has_its_own_limits(self):
        for round_ in range(4):  # the first is connected once in each, whatever happens in the others
            for space in SPACES:
                name = f"{space} {round_}"
                ann = await self.client("ann", name)
                second = await self.bare("ann", name)
                await asyncio.wait_for(second.socket.wait_closed(), DEADLINE_S)
                self.assertEqual(second.socket.close_code, 4409)
                for room in ("one", "two"):
                    await ann.join(room)
                await ann.send("join_room", "three")
                await self.refused(ann, "forbidden")
                for _ in range(2):
                    message_id = await ann.send("note", "one", {})
                    await ann.next("ack", correlation_id=message_id)
                await ann.send("note", "one", {})
                await self.refused(ann, "rate_limited")
                bo = await self.client("bo", name)
                await bo.join("one")
                message_id = await bo.send("note", "one", {})
                await bo.next("ack", correlation_id=message_id)
                await bo.send("note", "one", {})  # the user may, the workspace may not
                error = (await bo.next("error_message"))["payload"]
                self.assertEqual(error["code"], "rate_limited")
                self.assertIn("publish/workspace=3/1h", error["message"])

    async def test_a_workspace_that_is_full_leaves_room_to_others(self):
        for user in "abcd":
            await self.client(user, "full")
        fifth = await self.bare("e", "full")
        await asyncio.wait_for(fifth.socket.wait_closed(), DEADLINE_S)
        self.assertEqual(fifth.socket.close_code, 4413)
        self.assertIn("workspace", fifth.socket.close_reason)
        await (await self.client("e", "other")).silence()
        await self.clients[0].socket.close()

        async def is_let_in():
            again = await self.bare("e", "full")
            try:
                await again.silence()
            except websockets.ConnectionClosed:
                return False
            return True
        end = time.monotonic() + DEADLINE_S
        while not await is_let_in():  # the place of who has gone is given back on another core
            self.assertLess(time.monotonic(), end)

    async def test_a_workspace_makes_so_many_rooms_and_no_more(self):
        made = 0
        for n in range(40):
            status, answer = self.call("POST", "/api/ws/rooms", {"room": f"r{n}", "workspace": "crowded"})
            made += status == 201
            if status != 201:
                self.assertEqual(status, 503)
                self.assertIn("workspace", answer["error"]["message"])
        self.assertGreater(made, 10)
        self.assertLessEqual(made, 20)
        self.assertEqual(self.call("POST", "/api/ws/rooms", {"room": "r", "workspace": "another"})[0], 201)


class Development(unittest.IsolatedAsyncioTestCase):
    async def test_the_query_names_the_workspace(self):
        with Daemon("--cores", "2") as daemon:
            listeners = {}
            for space in ("", "&workspace=acme", "&workspace=default"):
                socket = await websockets.connect(f"{daemon.ws}/ws?user=ann{space}")
                self.addAsyncCleanup(socket.close)
                listeners[space] = Client(socket)
                await listeners[space].join("lobby")
            raw = await websockets.connect(f"{daemon.ws}/raw/lobby?mode=publish&workspace=acme")
            self.addAsyncCleanup(raw.close)
            await raw.send("hello")
            await listeners["&workspace=acme"].next("room_message", payload={"text": "hello"})
            await listeners[""].send("note", "lobby", {})
            await listeners["&workspace=default"].next("note")
            self.assertNotIn("note", [m["type"] for m in await listeners["&workspace=acme"].silence()])
            self.assertNotIn("room_message", [m["type"] for m in await listeners[""].silence()])
            for wrong in ("", "%1f", "a%00b", "%ff", "%zz"):
                with self.assertRaises(websockets.InvalidStatusCode):
                    await websockets.connect(f"{daemon.ws}/ws?user=ann&workspace={wrong}")
            with self.assertRaises(websockets.InvalidStatusCode):  # it would be in another one than it thinks
                await websockets.connect(f"{daemon.ws}/ws?workspace=acme")
