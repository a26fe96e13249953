"""Clients that listen to a pattern, whichever cores they and the rooms are on."""

import asyncio
import unittest

import websockets
from checker import Checker
from daemon import DEADLINE_S, Daemon, run
from native_client import API_KEY, Client
from reach_case import Reach


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


if __name__ == "__main__":
    unittest.main(verbosity=2)
