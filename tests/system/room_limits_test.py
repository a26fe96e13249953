"""How many rooms there may be: of a connection, of a user over all of its connections, in all."""

import asyncio
import json
import unittest

from daemon import DEADLINE_S, until
from native_client import NativeCase


class Limited(NativeCase):
    async def answer(self, client, message_id):
        while True:
            for i, message in enumerate(client.kept):
                if message.get("correlation_id") == message_id:
                    return client.kept.pop(i)
            client.kept.append(json.loads(await asyncio.wait_for(client.socket.recv(), DEADLINE_S)))

    async def ask(self, client, type, room, payload=None):
        return await self.answer(client, await client.send(type, room, payload))

    def metric(self, name):
        return self.daemon.metrics()[f"ringroom_{name}"]

    async def become(self, name, value):
        await asyncio.to_thread(until, lambda: self.metric(name) == value, f"{name} to be {value}")


class OfAUser(Limited):
    options = ("--rooms-per-user-max", "4", "--namespace", "default:members-max=0",
               "--namespace", "fixed:auto-create=false")

    async def test_are_counted_over_all_connections_on_all_cores(self):
        clients = [await self.client("ann") for _ in range(4)]
        for i, client in enumerate(clients):
            self.assertEqual((await self.ask(client, "join_room", f"a{i}"))["type"], "room_joined")
        for client in clients:
            refused = await self.ask(client, "join_room", "one-more")
            self.assertEqual(refused["payload"]["code"], "forbidden", refused)
            self.assertIn("this user is in as many rooms", refused["payload"]["message"])
            self.assertEqual((await self.ask(client, "room_message", "one-more"))["payload"]["code"],
                             "not_joined")
        self.assertEqual(self.metric("refused_limit_total"), 4)
        other = await self.client("bo")
        self.assertEqual((await self.ask(other, "join_room", "a0"))["type"], "room_joined")
        # A leave, a refusal by the room and a connection that ends give their places back.
        self.assertEqual((await self.ask(clients[0], "leave_room", "a0"))["type"], "room_left")
        await self.until_joined(clients[1], "b")
        self.assertEqual((await self.ask(clients[1], "leave_room", "b"))["type"], "room_left")
        for _ in range(3):
            refused = await self.ask(clients[2], "join_room", "fixed:x")
            self.assertEqual(refused["payload"]["code"], "not_found", refused)
        await self.until_joined(clients[1], "b")
        await clients[3].socket.close()
        await self.until_joined(clients[1], "c")
        self.assertEqual((await self.ask(clients[2], "join_room", "d"))["payload"]["code"], "forbidden")

    async def until_joined(self, client, room):
        """The place comes back by way of the user's home core, so the first try may be early."""
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while (answer := await self.ask(client, "join_room", room))["type"] != "room_joined":
            self.assertEqual(answer["payload"]["code"], "forbidden", answer)
            self.assertLess(asyncio.get_running_loop().time(), end, "the place never comes back")

    async def test_joins_at_the_same_moment_get_exactly_as_many_places(self):
        for user in ("cy", "di", "ed", "fay"):
            clients = [await self.client(user) for _ in range(5)]
            asked = [(client, await client.send("join_room", f"{user}{i}"))
                     for i in range(3) for client in clients]
            answers = [await self.answer(client, message_id) for client, message_id in asked]
            kinds = [answer["type"] for answer in answers]
            self.assertEqual(kinds.count("room_joined"), 4, kinds)
            self.assertEqual(kinds.count("error_message"), 11, kinds)

    async def test_what_is_said_behind_a_join_waits_for_it_in_order(self):
        for round in range(8):
            client = await self.client(f"gus{round}")
            asked = []
            for room in ("x", "y"):
                name = f"{room}{round}"
                await client.send("join_room", name)
                for i in range(20):
                    asked.append((name, i, await client.send("room_message", name, {"n": i})))
                await client.send("update_presence", name, {"info": {"at": room}})
            for name, i, message_id in asked:
                ack = await client.next("ack", correlation_id=message_id)
                self.assertEqual(ack["payload"]["sequence"], i + 1)
                heard = await client.next("room_message", room=name)
                self.assertEqual((heard["payload"]["n"], heard["sequence"]), (i, i + 1))

    async def test_what_is_said_behind_a_refused_join_is_refused(self):
        client = await self.client("hal")
        for i in range(4):
            await client.join(f"h{i}")
        join, speech = await client.send("join_room", "h4"), await client.send("room_message", "h4")
        self.assertEqual((await self.answer(client, join))["payload"]["code"], "forbidden")
        self.assertEqual((await self.answer(client, speech))["payload"]["code"], "not_joined")

    async def test_who_leaves_while_the_answer_is_on_its_way_keeps_no_place(self):
        client = await self.client("ira")
        for _ in range(20):
            await client.send("join_room", "fleeting")
            await client.send("leave_room", "fleeting")
        await client.silence()
        await self.become("subscriptions", 0)
        for i in range(4):
            await self.until_joined(client, f"i{i}")


class OfAConnection(Limited):
    options = ("--rooms-per-connection-max", "3")

    async def test_are_so_many_and_others_may_be_in_more(self):
        client, other = await self.client("ann"), await self.client("ann")
        for i in range(3):
            await client.join(f"r{i}")
        refused = await self.ask(client, "join_room", "r3")
        self.assertEqual(refused["payload"]["code"], "forbidden", refused)
        self.assertEqual(self.metric("refused_limit_total"), 1)
        await other.join("r3")
        await self.ask(client, "leave_room", "r0")
        await client.join("r3")


class InAll(Limited):
    options = ("--rooms-max", "6", "--namespace", "default:empty-room-ms=0")

    async def test_are_so_many_whoever_makes_them_and_have_room_again_when_some_are_forgotten(self):
        client = await self.client("ann")
        before = self.metric("refused_limit_total")
        joined, refused = [], 0
        for i in range(30):
            answer = await self.ask(client, "join_room", f"r{i}")
            if answer["type"] == "room_joined":
                joined.append(f"r{i}")
                continue
            refused += 1
            self.assertEqual(answer["payload"]["code"], "unavailable", answer)
            self.assertIn("as many rooms", answer["payload"]["message"])
        # Half of them on each core; a room's name says on which it is.
        self.assertEqual((len(joined), refused), (6, 24))
        self.assertEqual(self.metric("rooms"), 6)
        for path, body in (("/api/publish", {"room": "q", "type": "tick", "payload": {}}),
                           ("/api/ws/rooms", {"room": "q"})):
            status, answer = await asyncio.to_thread(self.api, path, body)
            self.assertEqual((status, answer["error"]["code"]), (503, "unavailable"))
        self.assertEqual(self.metric("refused_limit_total") - before, 26)
        for room in joined:
            await self.ask(client, "leave_room", room)
        await self.become("rooms", 0)
        await client.join("q")


if __name__ == "__main__":
    unittest.main(verbosity=2)
