"""Presence: who is in a room, as its members are told, whatever becomes of the connections."""

import asyncio
import json
import random
import time
import unittest

import websockets
import wire
from daemon import DEADLINE_S, run
from native_client import Client, NativeCase

SECRET = "a secret of the presence test, 32 bytes and more"
# By name: `lobby` waits long for who broke, `brief:` hardly; `hall:` and `wide:` are large from the
# fifth on.
NAMESPACES = [
    "default:presence=true,presence-grace-ms=60000",
    "brief:presence-grace-ms=400",
    "hall:presence-grace-ms=400,presence-large=4,presence-interval-ms=300,presence-listed-max=6",
    "wide:presence-grace-ms=400,presence-large=4,presence-interval-ms=300",
    "quiet:presence=false",
]
PING_S, PONG_S, GRACE_S = 0.5, 0.3, 0.4


def told(messages):
    return [m for m in messages if m["type"].startswith(("user_", "presence_"))]


class Presence(NativeCase):
    options = ("--ping-interval-ms", f"{int(PING_S * 1000)}",
               "--pong-timeout-ms", f"{int(PONG_S * 1000)}", "--token-hmac-secret", SECRET,
               *(word for row in NAMESPACES for word in ("--namespace", row)))

    async def client(self, user=None, token=None):
        if token is None:
            return await super().client(user)
        client = Client(await websockets.connect(f"{self.daemon.ws}/ws?token={token}"))
        self.clients.append(client)
        await client.next("connection_ack")
        return client

    async def presence(self, client, room, **payload):
        message_id = await client.send("presence", room, payload)
        return (await client.next("presence", correlation_id=message_id))["payload"]

    async def members(self, client, room):
        """What the room says: user to number of connections."""
        payload = await self.presence(client, room)
        self.assertEqual(payload["count"], len(payload["members"]))
        return {m["user_id"]: m["connections"] for m in payload["members"]}

    async def until(self, client, room, expected):
        """Asks until the room says so: its answers pace us."""
        end_at = time.monotonic() + DEADLINE_S
        while (members := await self.members(client, room)) != expected:
            self.assertLess(time.monotonic(), end_at, f"{room} says {members}, not {expected}")

    async def refusal(self, client, *args, **fields):
        message_id = await client.send(*args, **fields)
        return (await client.next("error_message", correlation_id=message_id))["payload"]

    def token(self, user, *flags):
        made = run("token", "make", "--sub", user, "--ttl", "1h", *flags,
                   env={"RINGROOM_TOKEN_HMAC_SECRET": SECRET})
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.strip()

    def broken(self, client):
        """The client's process dies: its kernel resets the connection, and nobody says goodbye."""
        client.socket.transport.abort()

    # ---- coming, going, coming back

    async def test_who_closes_or_leaves_is_gone_at_once(self):
        ann, bo, cy = [await self.client(name) for name in ("ann", "bo", "cy")]
        for client in (ann, bo, cy):
            await client.join("lobby")
        self.assertEqual((await ann.next("user_joined"))["payload"], {"user_id": "bo"})
        await bo.send("leave_room", "lobby")
        self.assertEqual((await ann.next("user_left"))["payload"], {"user_id": "bo"})
        await cy.socket.close()  # 1000: that was meant
        self.assertEqual((await ann.next("user_left"))["payload"], {"user_id": "cy"})
        self.assertEqual(await self.members(ann, "lobby"), {"ann": 1})

    async def test_a_reload_tells_nobody_anything(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("lobby")
        await bo.join("lobby", info={"n": 1})
        await ann.next("user_joined")
        for way in ("a browser leaving the page says 1001", "a process that dies says nothing"):
            if "1001" in way:
                await bo.socket.close(1001)
            else:
                self.broken(bo)
            bo = None
            await self.until(ann, "lobby", {"ann": 1, "bo": 0})
            bo = await self.client("bo")
            joined = await bo.join("lobby")
            self.assertEqual(joined["payload"]["members"], ["ann", "bo"])
            self.assertEqual((await self.presence(ann, "lobby"))["members"][1],
                             {"user_id": "bo", "connections": 1, "info": {"n": 1}})
        self.assertEqual(told(await ann.silence()), [])

    async def test_who_does_not_come_back_within_the_grace_has_left(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("brief:a")
        await bo.join("brief:a")
        await ann.next("user_joined")
        start = time.monotonic()
        self.broken(bo)
        await ann.next("user_left")
        self.assertGreaterEqual(time.monotonic() - start, GRACE_S)
        self.assertLess(time.monotonic() - start, GRACE_S + 2)
        self.assertEqual(await self.members(ann, "brief:a"), {"ann": 1})

    async def test_a_machine_that_is_gone_has_left_after_ping_pong_and_grace(self):
        ann = await self.client("ann")
        await ann.join("brief:b")
        # It never answers a ping, and its end never tells.
        ghost = self.daemon.connect()
        self.addCleanup(ghost.close)
        ghost.sendall(wire.handshake("/ws?user=ghost") +
                      wire.frame(1, b'{"type":"join_room","room":"brief:b"}'))
        await ann.next("user_joined")
        start = time.monotonic()
        await ann.next("user_left")
        took = time.monotonic() - start
        self.assertGreaterEqual(took, PONG_S + GRACE_S)
        self.assertLess(took, PING_S + PONG_S + GRACE_S + 2)

    async def test_only_the_last_connection_of_a_user_counts(self):
        ann, bo, bo2 = [await self.client(name) for name in ("ann", "bo", "bo")]
        for client in (ann, bo, bo2):
            await client.join("brief:c")
        self.broken(bo2)
        await self.until(ann, "brief:c", {"ann": 1, "bo": 1})
        await bo.send("leave_room", "brief:c")  # the other may come back: it is awaited
        self.assertEqual((await ann.next("user_left"))["payload"], {"user_id": "bo"})
        self.assertEqual([m["type"] for m in told(await ann.silence())], ["user_joined"])

    # ---- what one says of oneself

    async def test_info_comes_with_the_join_and_changes_with_update_presence(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("lobby2")
        await bo.join("lobby2", info={"colour": "red"})
        self.assertEqual((await ann.next("user_joined"))["payload"],
                         {"user_id": "bo", "info": {"colour": "red"}})
        message_id = await bo.send("update_presence", "lobby2", {"info": {"colour": "blue"}})
        await bo.next("ack", correlation_id=message_id)
        update = {"user_id": "bo", "info": {"colour": "blue"}}
        self.assertEqual((await ann.next("user_updated"))["payload"], update)
        self.assertEqual((await bo.next("user_updated"))["payload"], update)  # his other tabs, too
        self.assertEqual((await self.presence(ann, "lobby2"))["members"],
                         [{"user_id": "ann", "connections": 1},
                          {"user_id": "bo", "connections": 1, "info": {"colour": "blue"}}])
        # Nothing new is not told.
        message_id = await bo.send("update_presence", "lobby2", {"info": {"colour": "blue"}})
        await bo.next("ack", correlation_id=message_id)
        self.assertEqual(told(await ann.silence()), [])

    async def test_info_of_a_connection_is_what_its_user_brings_into_a_room_and_no_more(self):
        ann = await self.client("ann")
        await ann.join("lobby6")
        bo = Client(await websockets.connect(f"{self.daemon.ws}/ws"))
        self.clients.append(bo)
        await bo.send("connect", payload={"user_id": "bo", "info": {"n": 1}})
        await bo.next("connection_ack")
        await bo.join("lobby6")
        self.assertEqual((await ann.next("user_joined"))["payload"],
                         {"user_id": "bo", "info": {"n": 1}})
        await bo.send("update_presence", "lobby6", {"info": {"n": 2}})
        await ann.next("user_updated")
        # Another tab, which says the same as the first one did, takes back nothing.
        token = self.token("bo", "--info", '{"n":1}', "--room", "lobby6=join")
        bo2 = await self.client(token=token)
        await bo2.next("room_joined", correlation_id=await bo2.send("join_room", "lobby6"))
        self.assertEqual((await self.presence(ann, "lobby6"))["members"][1],
                         {"user_id": "bo", "connections": 2, "info": {"n": 2}})
        self.assertEqual(told(await ann.silence()), [])

    async def test_updates_that_cannot_be_are_refused(self):
        ann = await self.client("ann")
        self.assertEqual((await self.refusal(ann, "update_presence", "lobby3",
                                             {"info": {}}))["code"], "not_joined")
        await ann.join("quiet:a")
        self.assertEqual((await self.refusal(ann, "update_presence", "quiet:a",
                                             {"info": {}}))["code"], "invalid")
        for info in (5, {"x": "y" * 1024}):
            message_id = await ann.send("update_presence", "quiet:a", {"info": info})
            error = await ann.next("validation_error", correlation_id=message_id)
            self.assertEqual(error["payload"]["errors"][0]["path"], "payload.info")

    # ---- lists and rights

    async def test_counts_come_without_lists(self):
        ann, bo, bo2 = [await self.client(name) for name in ("ann", "bo", "bo")]
        for client in (ann, bo, bo2):
            await client.join("lobby4")
        self.assertEqual(await self.presence(ann, "lobby4", counts=True),
                         {"count": 2, "connections": 3})

    async def test_rooms_without_presence_tell_and_list_nobody(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("quiet:b")
        joined = await bo.join("quiet:b")
        self.assertNotIn("members", joined["payload"])
        self.assertEqual(joined["payload"]["member_count"], 2)
        self.assertEqual((await self.refusal(ann, "presence", "quiet:b"))["code"], "invalid")
        await bo.socket.close()
        self.assertEqual(told(await ann.silence()), [])

    async def test_who_may_not_see_presence_sees_none_of_it(self):
        blind = await self.client(token=self.token("blind", "--room", "lobby5=join"))
        ann = await self.client(
            token=self.token("ann", "--room", "lobby5=join,presence,publish"))
        self.assertEqual((await self.refusal(blind, "join_room", "lobby5",
                                             {"presence": True}))["code"], "forbidden")
        await blind.next("room_joined", correlation_id=await blind.send("join_room", "lobby5"))
        await ann.join("lobby5")
        bo = await self.client("bo")
        await bo.join("lobby5")
        await bo.send("update_presence", "lobby5", {"info": {"n": 1}})
        await bo.socket.close()
        for type in ("user_joined", "user_updated", "user_left"):
            await ann.next(type)
        await ann.send("room_message", "lobby5", {"n": 1})
        await blind.next("room_message")
        self.assertEqual(told(await blind.silence()), [])
        self.assertEqual((await self.refusal(blind, "presence", "lobby5"))["code"], "forbidden")

    # ---- large rooms

    async def test_a_large_room_tells_differences_once_per_interval(self):
        ann = await self.client("ann")
        await ann.join("hall:a")
        others = [await self.client(f"user{i}") for i in range(8)]
        for other in others:
            await other.join("hall:a")
        heard = set()
        while len(heard) < 8:  # three or four join a small room, the others a large one
            for message in told(ann.kept):
                ann.kept.remove(message)
                joined = message["payload"].get("joined", [message["payload"]])
                heard |= {member["user_id"] for member in joined}
            if len(heard) < 8:
                ann.kept.append(await ann.next("presence_diff"))
        await others[0].send("update_presence", "hall:a", {"info": {"n": 1}})
        await others[1].send("leave_room", "hall:a")
        await others[2].send("leave_room", "hall:a")
        await others[2].next("room_left")
        await others[2].join("hall:a")  # comes back before anybody was told
        diff = (await ann.next("presence_diff"))["payload"]
        self.assertEqual(diff, {"joined": [], "left": ["user1"], "count": 8,
                                "updated": [{"user_id": "user0", "info": {"n": 1}}]})
        self.assertEqual(told(await ann.silence()), [])
        # More than may be named: the count alone.
        for other in others[:1] + others[2:]:
            await other.socket.close()
        diff = (await ann.next("presence_diff"))["payload"]
        self.assertEqual(diff, {"count": 1})

    # ---- never a ghost

    async def test_after_any_course_of_connections_the_list_is_the_truth(self):
        seed = random.randrange(1 << 32)
        rng = random.Random(seed)
        truth = {}  # socket to (user, rooms)
        rooms = ["brief:t1", "brief:t2", "wide:t"]

        def connect():
            user = f"u{rng.randrange(12)}"
            sock = self.daemon.connect()
            sock.sendall(wire.handshake(f"/ws?user={user}"))
            head, _ = wire.read_head(sock)
            self.assertIn(b" 101 ", head)
            truth[sock] = (user, set())

        def speak(sock, type, room):
            wire.send_what_is_taken(sock, wire.frame(1, json.dumps(
                {"type": type, "room": room}).encode()))

        def end(sock):
            way = rng.randrange(4)
            if way == 0:
                wire.reset(sock)
            elif way == 1:
                sock.close()
            else:
                wire.send_what_is_taken(sock, wire.frame(8, (1000 + way % 2).to_bytes(2, "big")))
                sock.close()
            del truth[sock]

        def answer():
            """The pings, for clients that live but do not read."""
            for sock in truth:
                wire.send_what_is_taken(sock, wire.frame(10))

        answered = time.monotonic()
        for _ in range(600):
            if time.monotonic() - answered > PING_S / 4:
                answer()
                answered = time.monotonic()
            what = rng.random()
            if len(truth) < 8 or what < 0.2:
                connect()
                continue
            sock = rng.choice(list(truth))
            user, joined = truth[sock]
            room = rng.choice(rooms)
            if what < 0.65:
                speak(sock, "join_room", room)  # perhaps for the second time
                joined.add(room)
            elif what < 0.8:
                speak(sock, "leave_room", room)
                joined.discard(room)
            else:
                end(sock)

        witness = await self.client("witness")
        alive = True

        async def answer_pings():
            while alive:
                answer()
                await asyncio.sleep(PING_S / 4)

        pongs = asyncio.create_task(answer_pings())
        try:
            for room in rooms:
                expected = {}
                for user, joined in truth.values():
                    if room in joined:
                        expected[user] = expected.get(user, 0) + 1
                end_at = time.monotonic() + DEADLINE_S
                while (members := await self.room_or_nobody(witness, room)) != expected:
                    self.assertLess(time.monotonic(), end_at,
                                    f"seed {seed}, {room}: {members} should be {expected}")
                    await asyncio.sleep(0.02)
        finally:
            alive = False
            await pongs
            for sock in truth:
                sock.close()

    async def room_or_nobody(self, client, room):
        message_id = await client.send("presence", room)
        while True:
            message = json.loads(await asyncio.wait_for(client.socket.recv(), DEADLINE_S))
            if message.get("correlation_id") != message_id:
                continue
            if message["type"] == "error_message":
                return {}
            return {m["user_id"]: m["connections"] for m in message["payload"]["members"]}


if __name__ == "__main__":
    unittest.main(verbosity=2)
