"""One message for many: broadcasts of a backend to rooms by name and pattern, to users and everybody; and
clients that listen to a pattern, whichever cores they and the rooms are on."""

import asyncio
import concurrent.futures
import json
import os
import unittest

import websockets
from checker import Checker
from daemon import DEADLINE_S, Daemon, run, until
from native_client import API_KEY, Client, NativeCase

ROOMS = int(os.environ.get("REACH_ROOMS", "1000"))


class Reach(NativeCase):
    async def client(self, user):
        # Without pings of its own: with thousands of messages under way, on a busy machine, Python reads
        # their answers too late and gives up.
        socket = await websockets.connect(f"{self.daemon.ws}/ws?user={user}", ping_interval=None)
        client = Client(socket)
        self.clients.append(client)
        client.ack = await client.next("connection_ack")
        return client

    async def answer(self, client, message_id):
        while True:
            for i, message in enumerate(client.kept):
                if message.get("correlation_id") == message_id:
                    return client.kept.pop(i)
            client.kept.append(json.loads(await asyncio.wait_for(client.socket.recv(), DEADLINE_S)))

    async def ask(self, client, type, room=None, payload=None):
        return await self.answer(client, await client.send(type, room, payload))

    async def listen(self, client, pattern):
        """Joins a pattern; the rooms that it came into, by name."""
        answer = await self.ask(client, "join_room", pattern)
        self.assertEqual((answer["type"], answer["payload"]), ("ack", {"room": pattern}), answer)
        came = {m["room"]: m for m in client.kept if m["type"] == "room_joined" and "correlation_id" not in m}
        client.kept = [m for m in client.kept if m not in came.values()]
        return came

    async def post(self, path, **body):
        return await asyncio.to_thread(self.api, path, body)

    async def publish(self, room, n=0):
        status, answer = await self.post("/api/publish", room=room, type="tick", payload={"n": n})
        self.assertEqual(status, 200, answer)
        return answer

    async def broadcast(self, **body):
        status, answer = await self.post("/api/broadcast", type="news", payload={"n": 1}, **body)
        self.assertEqual(status, 200, answer)
        return answer

    async def heard(self, client, type):
        """What has come of that type, as the rooms it came in."""
        rooms = sorted(m.get("room", "") for m in await client.silence() if m["type"] == type)
        client.kept = [m for m in client.kept if m["type"] != type]
        return rooms

    def metric(self, name):
        return self.daemon.metrics()[f"ringroom_{name}"]

    async def become(self, name, value):
        await asyncio.to_thread(until, lambda: self.metric(name) == value, f"{name} to be {value}")


class Broadcasts(Reach):
    options = ("--rooms-per-connection-max", "10000", "--queue-bytes-max", "64MiB", "--ping-interval-ms", "10min", "--namespace", "default",
               "--namespace", "fixed:auto-create=false", "--namespace", "plant:history-count=10")

    async def test_reach_every_room_that_matches_once_and_no_other(self):
        client = await self.client("ann")
        names = [f"plant:system_monitoring:{i}" for i in range(20)]
        others = ["plant:system", "plant:users:1", "slant:system_monitoring:1", "lobby"]
        for name in names + others:
            await client.join(name)
        answer = await self.broadcast(rooms=["plant:system_monitoring:*"])
        self.assertEqual(answer, {"rooms": 20, "users": 0, "connections": 0, "everybody": False})
        self.assertEqual(await self.heard(client, "news"), sorted(names))
        # By name and by two patterns, and still once; a room that is not there is made by its name only.
        answer = await self.broadcast(rooms=["plant:system_monitoring:1*", names[1], names[1], "*ant:*", "lobby",
                                              "brand:new"])
        self.assertEqual(await self.heard(client, "news"), sorted(names + others))
        self.assertEqual(answer["rooms"], 25)
        self.assertEqual((await self.broadcast(rooms=["nobody:*"]))["rooms"], 0)
        # Each room numbers its own: the second of names[0], the third for whoever had another before.
        self.assertEqual((await self.publish(names[0]))["sequence"], 3)
        self.assertEqual((await self.publish("brand:new"))["sequence"], 2)

    async def test_reach_what_is_for_one_person_only_if_they_say_so(self):
        client = await self.client("ann")
        await client.join("user:ann")
        await self.broadcast(rooms=["*"])
        await self.broadcast(rooms=["us*"])
        self.assertEqual(await self.heard(client, "news"), [])
        await self.broadcast(rooms=["user:*"])
        self.assertEqual(await self.heard(client, "news"), ["user:ann"])

    async def test_leave_one_connection_out_everywhere(self):
        ann, bo, also = await self.client("ann"), await self.client("bo"), await self.client("ann")
        for client in (ann, bo, also):
            await client.join("out:1")
        me = ann.ack["payload"]["connection_id"]
        for request in ({"rooms": ["out:*"]}, {"rooms": ["out:1"]}, {"users": ["ann", "bo"]}, {},
                        {"connections": [c.ack["payload"]["connection_id"] for c in (ann, bo, also)]}):
            with self.subTest(str(request)):
                await self.broadcast(exclude=me, **request)
                heard = [len(await self.heard(client, "news")) for client in (ann, bo, also)]
                self.assertEqual(heard, [0, 1, 1])

    async def test_reach_each_connection_of_a_list_of_users_once(self):
        clients = [await self.client(f"many{i % 10}") for i in range(30)]
        other = await self.client("another")
        answer = await self.broadcast(users=[f"many{i}" for i in range(10)] + ["nobody"])
        self.assertEqual((answer["users"], answer["rooms"]), (11, 0))
        self.assertEqual([len(await self.heard(client, "news")) for client in clients], [1] * 30)
        self.assertEqual(await self.heard(other, "news"), [])

    async def test_say_how_many_rooms_did_not_take_it(self):
        answer = await self.broadcast(rooms=["fixed:1", "fixed:2", "taken:1"])
        self.assertEqual((answer["rooms"], answer["rooms_refused"]), (1, 2))

    async def test_name_what_is_wrong(self):
        good = {"type": "news", "payload": {}}
        for word, body in (("rooms", {**good, "rooms": ["a*b*c*d*e*"]}), ("rooms", {**good, "rooms": ["a*"] * 17}),
                           ("exclude", {**good, "exclude": "me"}), ("rooms", {**good, "rooms": "a"})):
            status, answer = await self.post("/api/broadcast", **body)
            self.assertEqual(status, 422, answer)
            self.assertIn(word, answer["error"]["message"])
        for path, body in (("/api/publish", {**good, "room": "a:*"}), ("/api/ws/rooms", {"room": "a:*"})):
            status, answer = await self.post(path, **body)
            self.assertEqual(status, 422, answer)
            self.assertIn("pattern", answer["error"]["message"])

    async def test_reach_thousands_of_rooms_while_others_come_and_go(self):
        count = 3000
        client, other = await self.client("ann"), await self.client("bo")
        names = [f"bulk:{i}" for i in range(count)]
        for i in range(0, count, 100):
            await client.send("message_batch", payload={"messages": [
                {"type": "join_room", "room": name} for name in names[i:i + 100]]})
        await client.silence()
        client.kept.clear()

        async def churn():
            for i in range(300):
                await other.join(f"bulk-not:{i}")
                await self.ask(other, "leave_room", f"bulk-not:{i}")

        churning = asyncio.ensure_future(churn())
        answers = await asyncio.gather(*(self.broadcast(rooms=["bulk:*"]) for _ in range(3)))
        await churning
        self.assertEqual([answer["rooms"] for answer in answers], [count] * 3)
        self.assertEqual(await self.heard(client, "news"), sorted(names * 3))


class Patterns(Reach):
    options = ("--rooms-per-connection-max", "20", "--patterns-per-connection-max", "3", "--patterns-max", "20",
               "--namespace", "default:presence=true,history-count=50,presence-grace-ms=0",
               "--namespace", "brief:empty-room-ms=0,history-count=0,presence=false",
               "--namespace", "small:members-max=1,presence=false")

    async def test_bring_the_rooms_that_are_there_and_those_that_come(self):
        client = await self.client("ann")
        for i in range(4):
            await self.publish(f"pa:{i}")
        await self.publish("pb:1")
        came = await self.listen(client, "pa:*")
        self.assertEqual(sorted(came), [f"pa:{i}" for i in range(4)])
        self.assertEqual({m["payload"]["sequence"] for m in came.values()}, {1})
        for i in range(8):
            await self.publish(f"pa:{i}")
        await self.publish("pb:1")
        joined = {m["room"]: m["payload"]["sequence"] for m in await client.silence() if m["type"] == "room_joined"}
        self.assertEqual(joined, {f"pa:{i}": 0 for i in range(4, 8)})
        self.assertEqual(await self.heard(client, "tick"), [f"pa:{i}" for i in range(8)])
        # Leaving the pattern leaves what came by it.
        self.assertEqual((await self.ask(client, "leave_room", "pa:*"))["type"], "room_left")
        for i in range(12):
            await self.publish(f"pa:{i}")
        self.assertEqual(await self.heard(client, "tick"), [])
        await self.become("patterns", 0)
        self.assertEqual((await self.ask(client, "leave_room", "pa:*"))["payload"]["code"], "not_joined")

    async def test_say_each_message_once_to_who_came_by_name_or_two_patterns_as_well(self):
        client = await self.client("ann")
        await client.join("tw:name-first")
        await self.listen(client, "tw:*")
        await self.listen(client, "t*:*")
        await client.join("tw:new")           # comes by its patterns before the answer, or with it
        await self.publish("tw:pattern-first")
        await client.next("room_joined", room="tw:pattern-first")
        self.assertEqual((await client.join("tw:pattern-first"))["payload"]["sequence"], 1)
        again = await self.ask(client, "join_room", "tw:pattern-first")
        self.assertEqual(again["payload"]["code"], "already_joined")
        rooms = ["tw:name-first", "tw:new", "tw:pattern-first"]
        await self.heard(client, "tick")
        for room in rooms:
            await self.publish(room)
        self.assertEqual(await self.heard(client, "tick"), rooms)
        # What was asked for by name stays, whatever becomes of the patterns.
        await self.publish("tw:only-pattern")
        await self.ask(client, "leave_room", "tw:*")
        await self.publish("tw:only-pattern")
        self.assertEqual(await self.heard(client, "tick"), ["tw:only-pattern"] * 2)
        await self.ask(client, "leave_room", "t*:*")
        for room in rooms + ["tw:only-pattern"]:
            await self.publish(room)
        self.assertEqual(await self.heard(client, "tick"), rooms)
        info = await self.ask(client, "room_info", "tw:pattern-first")
        self.assertEqual(info["payload"]["members"], 1)

    async def test_recover_by_name_and_listen_on(self):
        checker = Checker()
        client = await self.client("ann")
        for room in ("re:1", "re:2"):
            for n in range(3):
                answer = await self.publish(room, n)
                checker.acked("api", room, answer["epoch"], answer["sequence"], answer["message_id"])
        for room, joined in (await self.listen(client, "re:*")).items():
            checker.joined("ann", room, joined["payload"]["epoch"], joined["payload"]["sequence"])
        await client.socket.close()
        for room in ("re:1", "re:2", "re:3"):
            answer = await self.publish(room)
            checker.acked("api", room, answer["epoch"], answer["sequence"], answer["message_id"])
        client = await self.client("ann")
        asked = {}
        for room in ("re:1", "re:2"):
            epoch, sequence = checker.position("ann", room)
            asked[room] = await client.send("join_room", room, {"recover": {"sequence": sequence, "epoch": epoch}})
        pattern = await client.send("join_room", "re:*")
        for room, message_id in asked.items():
            joined = (await self.answer(client, message_id))["payload"]
            self.assertTrue(joined["recovered"])
            checker.joined("ann", room, joined["epoch"], joined["sequence"], True,
                           [(m["sequence"], m["message_id"]) for m in joined["messages"]])
        self.assertEqual((await self.answer(client, pattern))["type"], "ack")
        joined = await client.next("room_joined", room="re:3")
        checker.joined("ann", "re:3", joined["payload"]["epoch"], joined["payload"]["sequence"])
        for room in ("re:1", "re:2", "re:3"):
            answer = await self.publish(room)
            checker.acked("api", room, answer["epoch"], answer["sequence"], answer["message_id"])
            tick = await client.next("tick", room=room)
            checker.delivered("ann", room, tick["sequence"], tick["message_id"])
        self.assertEqual(await self.heard(client, "room_joined"), [])
        checker.tell(lambda text: None)
        # The other way round is refused rather than answered with what was heard already.
        message_id = await client.send("join_room", "re:3", {"recover": {"sequence": 0, "epoch": "x"}})
        self.assertEqual((await self.answer(client, message_id))["payload"]["code"], "already_joined")

    async def test_listen_and_are_no_members(self):
        client, member, other = [await self.client(user) for user in ("ann", "bo", "cy")]
        await self.listen(client, "small:*")
        await self.listen(client, "pr:*")
        self.assertEqual((await self.ask(member, "join_room", "small:1"))["payload"]["member_count"], 1)
        self.assertEqual((await self.ask(other, "join_room", "small:1"))["payload"]["code"], "room_full")
        joined = await member.join("pr:1")
        self.assertEqual(joined["payload"]["members"], ["bo"])
        await other.join("pr:1")
        for user in ("bo", "cy"):  # who may see who is there, does
            told = await client.next("user_joined", room="pr:1")
            self.assertEqual(told["payload"]["user_id"], user)
        listed = await self.ask(member, "presence", "pr:1")
        self.assertEqual([m["user_id"] for m in listed["payload"]["members"]], ["bo", "cy"])
        await client.socket.close()
        await self.become("patterns", 0)
        self.assertEqual([m["type"] for m in await member.silence()], ["user_joined"])

    async def test_end_at_the_limit_of_rooms_and_say_so(self):
        client = await self.client("ann")
        await self.listen(client, "li:*")
        for i in range(25):
            await self.publish(f"li:{i}")
        left = await client.next("room_left", room="li:*")
        self.assertEqual(left["payload"]["reason"], "limit")
        self.assertEqual(len(await self.heard(client, "room_joined")), 20)
        self.assertEqual(len(await self.heard(client, "tick")), 20)
        for i in range(25):
            await self.publish(f"li:{i}")
        self.assertEqual(len(await self.heard(client, "tick")), 20)  # the rooms it has stay
        await self.become("patterns", 0)
        # And with rooms that were there before.
        other = await self.client("bo")
        asked = await other.send("join_room", "li:*")
        self.assertEqual((await other.next("room_left", room="li:*"))["payload"]["reason"], "limit")
        self.assertEqual(len(await self.heard(other, "room_joined")), 20)
        self.assertNotIn(asked, [m.get("correlation_id") for m in other.kept])
        await self.become("patterns", 0)

    async def test_are_limited_per_connection_and_in_all(self):
        clients = [await self.client(f"u{i}") for i in range(12)]
        for i in range(3):
            await self.listen(clients[0], f"a{i}*")
        for pattern, code in (("b*", "forbidden"), ("a0*", "already_joined"), ("a*a*a*a*a*", "invalid"),
                              ("user:*", "forbidden"), ("user:u0*", "forbidden")):
            answer = await self.ask(clients[0], "join_room", pattern)
            self.assertEqual(answer["payload"]["code"], code, pattern)
        for payload in ({"presence": True}, {"history": 5}, {"recover": {"sequence": 1, "epoch": "e"}}):
            answer = await self.ask(clients[0], "join_room", "c*", payload)
            self.assertEqual(answer["payload"]["code"], "invalid", payload)
        stood, refused = 3, 0
        for client in clients[1:]:
            for i in range(3):
                answer = await self.ask(client, "join_room", f"d{i}*")
                if answer["type"] == "ack":
                    stood += 1
                else:
                    refused += 1
                    self.assertEqual(answer["payload"]["code"], "unavailable", answer)
        # A core has half of the twenty, and the kernel says which connection is on which.
        self.assertGreaterEqual(stood, 10)
        self.assertLessEqual(stood, 20)
        self.assertEqual(self.metric("patterns"), stood)
        self.assertEqual(stood + refused, 36)
        for client in clients:
            await client.socket.close()
        await self.become("patterns", 0)

    async def test_keep_no_room_alive_and_bring_it_again_when_it_comes_back(self):
        client = await self.client("ann")
        await self.listen(client, "brief:*")
        epochs = set()
        for _ in range(3):
            await self.publish("brief:1")
            joined = await client.next("room_joined", room="brief:1")
            epochs.add(joined["payload"]["epoch"])
            self.assertEqual((await client.next("tick", room="brief:1"))["sequence"], 1)
            left = await client.next("room_left", room="brief:1")
            self.assertEqual(left["payload"]["reason"], "empty")
            await self.become("subscriptions", 0)
        self.assertEqual(len(epochs), 3)

    async def test_hear_that_a_room_was_deleted_and_that_it_is_there_again(self):
        client = await self.client("ann")
        await self.listen(client, "de:*")
        await self.publish("de:1")
        self.assertEqual(self.daemon.request("DELETE", "/api/ws/rooms/de:1", headers={"X-API-Key": API_KEY})[0], 200)
        self.assertEqual((await client.next("room_left", room="de:1"))["payload"]["reason"], "deleted")
        await self.until_published("de:1")
        await client.next("room_joined", room="de:1")
        await client.next("room_joined", room="de:1")

    async def until_published(self, room):
        """A room that is being deleted takes nothing until the last has left it."""
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while (await self.post("/api/publish", room=room, type="tick", payload={}))[0] != 200:
            self.assertLess(asyncio.get_running_loop().time(), end)

    async def test_come_and_go_while_rooms_do_and_nothing_of_them_stays(self):
        clients = [await self.client("ann") for _ in range(4)]

        async def flutter(client, i):
            for _ in range(30):
                await client.send("join_room", "fl:*")
                await client.send("join_room", f"fl:{i}")
                await client.send("leave_room", "fl:*")
                await client.send("leave_room", f"fl:{i}")
            await client.silence()

        async def speak():
            for n in range(60):
                await self.publish(f"fl:{n % 6}", n)

        await asyncio.gather(speak(), *(flutter(client, i) for i, client in enumerate(clients)))
        for client in clients:
            await client.silence()
        await self.become("patterns", 0)
        await self.become("subscriptions", 0)
        for i in range(6):
            info = await self.ask(clients[0], "room_info", f"fl:{i}")
            self.assertEqual(info["payload"]["members"], 0)
        # The books are right: whoever listens now hears each message once.
        await self.listen(clients[0], "fl:*")
        await self.heard(clients[0], "tick")
        for i in range(6):
            await self.publish(f"fl:{i}")
        self.assertEqual(await self.heard(clients[0], "tick"), [f"fl:{i}" for i in range(6)])


class OfAUser(Reach):
    options = ("--rooms-per-user-max", "5",)

    async def test_patterns_end_at_the_limit_of_a_users_rooms(self):
        first, second = await self.client("ann"), await self.client("ann")
        await second.join("by-name")
        await self.listen(first, "u:*")
        for i in range(8):
            await self.publish(f"u:{i}")
        self.assertEqual((await first.next("room_left", room="u:*"))["payload"]["reason"], "limit")
        await self.become("subscriptions", 5)
        self.assertEqual((await self.ask(second, "join_room", "more"))["payload"]["code"], "forbidden")
        await first.socket.close()
        await self.become("subscriptions", 1)
        for i in range(4):
            await self.until_joined(second, f"n{i}")
        self.assertEqual((await self.ask(second, "join_room", "more"))["payload"]["code"], "forbidden")

    async def until_joined(self, client, room):
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while (await self.ask(client, "join_room", room))["type"] != "room_joined":
            self.assertLess(asyncio.get_running_loop().time(), end, "the place never comes back")


class OwnRooms(Reach):
    options = ("--namespace", "default", "--namespace", "user:history-count=10")

    async def test_a_star_in_a_users_id_makes_no_pattern_of_the_users_room(self):
        client, other = await self.client("a*b"), await self.client("aXb")
        self.assertEqual((await self.ask(client, "leave_room", "user:a*b"))["type"], "room_left")
        self.assertEqual((await self.ask(client, "join_room", "user:a*b"))["type"], "room_joined")
        answer = await self.broadcast(users=["a*b"])
        self.assertEqual((answer["users"], answer["rooms"]), (1, 0))
        self.assertEqual(await self.heard(client, "news"), ["user:a*b"])
        self.assertEqual(await self.heard(other, "news"), [])
        self.assertEqual((await self.broadcast(rooms=["user:a*"]))["rooms"], 2)
        self.assertEqual(await self.heard(other, "news"), ["user:aXb"])


class Granted(unittest.IsolatedAsyncioTestCase):
    async def test_a_pattern_needs_a_grant_that_covers_all_of_it(self):
        secrets = {"RINGROOM_TOKEN_HMAC_SECRET": "0123456789abcdef0123456789abcdef", "RINGROOM_API_KEY": API_KEY}
        made = run("token", "make", "--sub", "ann", "--room", "quote:*=join", "--room", "a*z=join",
                   "--room", "deaf:*=publish", env=secrets)
        self.assertEqual(made.returncode, 0, made.stderr)
        with Daemon("--cores", "2", "--namespace", "default", dev=False, env=secrets) as daemon:
            async with websockets.connect(f"{daemon.ws}/ws?token={made.stdout.strip()}") as socket:
                client = Client(socket)
                for pattern, code in (("quote:*", None), ("quote:e*:*", None), ("a*m*z", None),
                                      ("*", "forbidden"), ("quote*", "forbidden"), ("a*", "forbidden"),
                                      ("*z", "forbidden"), ("deaf:*", "forbidden")):
                    message_id = await client.send("join_room", pattern)
                    answer = await client.next("error_message" if code else "ack", correlation_id=message_id)
                    if code:
                        self.assertEqual(answer["payload"]["code"], code, pattern)
                for room in ("quote:eur", "deaf:1", "abz", "other"):
                    status, _ = await asyncio.to_thread(daemon.request, "POST", "/api/publish", {
                        "room": room, "type": "tick", "payload": {}}, {"X-API-Key": API_KEY})
                    self.assertEqual(status, 200)
                await client.silence()
                self.assertEqual([m["room"] for m in client.kept if m["type"] == "tick"], ["quote:eur"])
                # The pattern lets hear, and nothing else.
                message_id = await client.send("room_message", "quote:eur", {})
                answer = await client.next("error_message", correlation_id=message_id)
                self.assertEqual(answer["payload"]["code"], "forbidden")


    async def test_a_fresh_token_that_grants_less_ends_the_pattern(self):
        secrets = {"RINGROOM_TOKEN_HMAC_SECRET": "0123456789abcdef0123456789abcdef", "RINGROOM_API_KEY": API_KEY}
        tokens = []
        for grants in (("quote:*=join", "chat:*=join"), ("chat:*=join", "quote:eur=join")):
            made = run("token", "make", "--sub", "ann", *(word for grant in grants for word in ("--room", grant)),
                       env=secrets)
            self.assertEqual(made.returncode, 0, made.stderr)
            tokens.append(made.stdout.strip())
        with Daemon("--cores", "2", "--namespace", "default", dev=False, env=secrets) as daemon:
            async with websockets.connect(f"{daemon.ws}/ws?token={tokens[0]}") as socket:
                client = Client(socket)
                for pattern in ("quote:*", "chat:*"):
                    await client.next("ack", correlation_id=await client.send("join_room", pattern))

                async def ticks():
                    for room in ("quote:eur", "quote:usd", "chat:1"):
                        status, _ = await asyncio.to_thread(daemon.request, "POST", "/api/publish", {
                            "room": room, "type": "tick", "payload": {}}, {"X-API-Key": API_KEY})
                        self.assertEqual(status, 200)
                    await client.silence()
                    rooms = [m["room"] for m in client.kept if m["type"] == "tick"]
                    client.kept.clear()
                    return sorted(rooms)

                self.assertEqual(await ticks(), ["chat:1", "quote:eur", "quote:usd"])
                await client.send("refresh_token", payload={"token": tokens[1]})
                left = await client.next("room_left", room="quote:*")
                self.assertEqual(left["payload"]["reason"], "forbidden")
                self.assertEqual(await ticks(), ["chat:1"])


class FirstMessages(Reach):
    """Rooms come to be while others listen to their pattern: the first message is heard like any other."""

    options = ("--rooms-per-connection-max", "20000", "--queue-bytes-max", "64MiB", "--ping-interval-ms", "10min",
               "--namespace", "default:presence=true,history-count=5")
    count = ROOMS
    each = 3  # messages of a room

    async def hear(self, client, checker, name, count):
        """Until so many messages have come."""
        heard = 0
        while heard < count:
            message = json.loads(await asyncio.wait_for(client.socket.recv(), DEADLINE_S))
            if message["type"] == "room_joined":
                payload = message["payload"]
                checker.joined(name, message["room"], payload["epoch"], payload["sequence"])
                heard += payload["sequence"]  # said before it came
            elif message["type"] == "tick":
                checker.delivered(name, message["room"], message["sequence"], message["message_id"])
                heard += 1

    async def speak_as_client(self, checker, rooms, who):
        """Joins and speaks without waiting for answers: the join makes the room, or the first word does."""
        client = await self.client(who)
        for room in rooms:
            await client.send("join_room", room)
            ids = [await client.send("tick", room, {"n": n}) for n in range(self.each)]
            for message_id in ids:
                ack = (await client.next("ack", correlation_id=message_id))["payload"]
                heard = await client.next("tick", room=room, correlation_id=message_id)
                self.assertEqual(heard["sequence"], ack["sequence"])
                checker.acked(who, room, ack["epoch"], ack["sequence"], heard["message_id"])
            await client.send("leave_room", room)
            client.kept.clear()

    def speak_as_backend(self, checker, rooms):
        for room in rooms:
            for n in range(self.each):
                status, answer = self.api("/api/publish", {"room": room, "type": "tick", "payload": {"n": n}})
                self.assertEqual(status, 200, answer)
                checker.acked("api", room, answer["epoch"], answer["sequence"], answer["message_id"])

    async def race(self, prefix, count, early):
        """`early`: the pattern stands before the first room does; else it is joined among them."""
        checker = Checker()
        rooms = [f"{prefix}:{i}" for i in range(count)]
        listeners = [await self.client(f"listener{i}") for i in range(4)]
        total = count * self.each
        if early:
            for listener in listeners:
                await self.listen(listener, f"{prefix}:*")
        halves = rooms[::2], rooms[1::2]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            loop = asyncio.get_running_loop()
            speaking = [loop.run_in_executor(pool, self.speak_as_backend, checker, halves[0][i::2])
                        for i in range(2)]
            speaking += [asyncio.ensure_future(self.speak_as_client(checker, halves[1][i::2], f"{prefix}{i}"))
                         for i in range(2)]
            if not early:
                for listener in listeners:
                    await listener.send("join_room", f"{prefix}:*")
            await asyncio.gather(*(self.hear(listener, checker, f"listener{i}", total)
                                   for i, listener in enumerate(listeners)), *speaking)
        checker.tell(print)
        if early:
            self.assertEqual(checker.counts["ok"], total * len(listeners))
        for listener in listeners:
            self.assertEqual(await self.heard(listener, "tick"), [])

    async def test_of_new_rooms_are_heard_once_by_all_who_listen_to_their_pattern(self):
        await self.race("new", self.count, early=True)

    async def test_who_comes_while_rooms_do_hears_each_from_where_it_was_told(self):
        await self.race("amid", 300, early=False)


class OnOneCore(FirstMessages):
    count = 300

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "1", "--api-key", API_KEY, *cls.options).start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
