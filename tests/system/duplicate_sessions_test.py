"""A user's second connection (`duplicate-sessions`): allowed, refused, or it replaces the first; for the
whole server and for the rooms of a namespace, whichever cores the connections are on."""

import asyncio
import json
import unittest

import websockets
import wire
from daemon import DEADLINE_S, until
from native_client import API_KEY, Client, NativeCase

ROUNDS = 12  # connections land on either core by the kernel's hash: so many see every pair of cores


class Duplicates(NativeCase):
    async def end_of(self, client):
        """(code, reason) of its close."""
        await asyncio.wait_for(client.socket.wait_closed(), DEADLINE_S)
        return client.socket.close_code, client.socket.close_reason

    async def alive(self, client):
        await client.silence()

    async def one_stays(self, clients):
        """All but one end with 4409, and that one is in service."""
        ends = [asyncio.ensure_future(client.socket.wait_closed()) for client in clients]
        waiting = set(ends)
        while len(waiting) > 1:
            done, waiting = await asyncio.wait(waiting, timeout=DEADLINE_S,
                                               return_when=asyncio.FIRST_COMPLETED)
            self.assertTrue(done, f"{len(waiting)} connections of one user stay")
        stays = [client for client, end in zip(clients, ends) if end in waiting]
        self.assertEqual(len(stays), 1, "nobody stays")
        await self.alive(stays[0])
        for end in waiting:
            end.cancel()
        codes = {client.socket.close_code for client in clients if client is not stays[0]}
        self.assertEqual(codes, {4409})
        return stays[0]

    async def connections(self, count):
        await asyncio.to_thread(until, lambda: self.daemon.metrics()[
            "ringroom_connections_authenticated"] == count, f"{count} connections to be left")

    async def at_once(self, user, count):
        """So many connections of one user, their handshakes side by side; refused ones too."""
        return await asyncio.gather(*(self.bare(user) for _ in range(count)))

    async def bare(self, user):
        client = Client(await websockets.connect(f"{self.daemon.ws}/ws?user={user}"))
        self.clients.append(client)
        return client

    def vanished(self, user):
        """A connection whose peer is gone without a word: nothing of it is ever read or answered."""
        sock = self.daemon.connect()
        self.addCleanup(sock.close)
        sock.sendall(wire.handshake(f"/ws?user={user}"))
        self.assertIn(b" 101 ", wire.read_head(sock)[0])
        return sock


class Refused(Duplicates):
    options = ("--duplicate-sessions", "refuse")

    async def test_the_second_connection_is_closed_and_the_first_goes_on(self):
        for _ in range(ROUNDS):
            first = await self.client("ann")
            second = await self.bare("ann")
            code, reason = await self.end_of(second)
            self.assertEqual(code, 4409)
            self.assertIn("connected already", reason)
            await self.alive(first)
            await self.alive(await self.client("bo"))
            await first.socket.close()
            await self.clients.pop().socket.close()
            await self.connections(0)

    async def test_the_place_is_free_again_when_its_connection_has_ended(self):
        for _ in range(ROUNDS):
            first = await self.client("cy")
            await first.socket.close()
            # The close is answered before the other core hears of it, so the first try may be early.
            await self.connections(0)
            again = await self.client("cy")
            await self.alive(again)
            await again.socket.close()
            await self.connections(0)

    async def test_of_several_at_the_same_moment_exactly_one_stays(self):
        for round in range(ROUNDS):
            stays = await self.one_stays(await self.at_once(f"di{round}", 5))
            await self.connections(1)
            await stays.socket.close()
            await self.connections(0)

    async def test_refusals_are_counted(self):
        before = self.daemon.metrics()["ringroom_duplicate_sessions_total"]
        await self.client("ed")
        for _ in range(3):
            await self.end_of(await self.bare("ed"))
        self.assertEqual(self.daemon.metrics()["ringroom_duplicate_sessions_total"] - before, 3)


class Replaced(Duplicates):
    options = ("--duplicate-sessions", "replace")

    async def test_the_first_connection_is_closed_and_the_second_goes_on(self):
        first = await self.client("ann")
        for _ in range(ROUNDS):
            second = await self.client("ann")
            code, reason = await self.end_of(first)
            self.assertEqual(code, 4409)
            self.assertIn("replaced", reason)
            await self.alive(second)
            await self.connections(1)
            first = second

    async def test_of_several_at_the_same_moment_exactly_one_stays(self):
        for round in range(ROUNDS):
            stays = await self.one_stays(await self.at_once(f"di{round}", 5))
            await self.connections(1)
            await stays.socket.close()
            await self.connections(0)

    async def test_who_comes_back_need_not_wait_until_the_dead_connection_is_noticed(self):
        for round in range(3):
            room = f"room{round}"
            self.vanished("fy")
            await self.connections(1)
            again = await self.client("fy")
            await again.join(room)
            await again.send("room_message", room, {"text": "here"})
            await again.next("room_message", sender="fy")
            await self.connections(1)
            await again.socket.close()
            await self.connections(0)


class InRooms(Duplicates):
    options = ("--namespace", "default:presence=true,presence-grace-ms=0",
               "--namespace", "one:duplicate-sessions=refuse", "--namespace", "last:duplicate-sessions=replace",
               "--namespace", "small:duplicate-sessions=replace,members-max=1,presence=false")

    async def ask(self, client, type, room):
        message_id = await client.send(type, room)
        while True:
            for i, message in enumerate(client.kept):
                if message.get("correlation_id") == message_id:
                    return client.kept.pop(i)
            client.kept.append(json.loads(await asyncio.wait_for(client.socket.recv(), DEADLINE_S)))

    async def test_the_second_is_refused_and_may_come_when_the_first_has_left(self):
        for round in range(ROUNDS):
            room = f"one:{round}"
            first, second, other = [await self.client(user) for user in ("ann", "ann", "bo")]
            await first.join(room)
            refused = await self.ask(second, "join_room", room)
            self.assertEqual(refused["payload"]["code"], "already_joined", refused)
            self.assertEqual((await self.ask(second, "join_room", "lobby"))["type"], "room_joined")
            self.assertEqual((await self.ask(other, "join_room", room))["type"], "room_joined")
            self.assertEqual((await self.ask(first, "leave_room", room))["type"], "room_left")
            await self.until_joined(second, room)
            await second.socket.close()
            await self.until_joined(first, room)
            for client in (first, other):
                await client.socket.close()

    async def until_joined(self, client, room):
        """The other connection's leave comes from another core, so the first try may be early."""
        end = asyncio.get_running_loop().time() + DEADLINE_S
        while (answer := await self.ask(client, "join_room", room))["type"] != "room_joined":
            self.assertEqual(answer["payload"]["code"], "already_joined", answer)
            self.assertLess(asyncio.get_running_loop().time(), end, "the place is never free again")

    async def test_the_first_is_told_that_it_was_replaced_and_nobody_else_notices(self):
        for round in range(ROUNDS):
            room = f"last:{round}"
            witness = await self.client("witness")
            first, second = await self.client("ann"), await self.client("ann")
            await first.join(room)
            await witness.join(room)
            await second.join(room)
            left = await first.next("room_left", room=room)
            self.assertEqual(left["payload"]["reason"], "replaced")
            self.assertEqual((await self.ask(first, "room_message", room))["payload"]["code"], "not_joined")
            await self.ask(second, "room_message", room)
            await witness.next("room_message", room=room)
            kinds = [message["type"] for message in await witness.silence()]
            self.assertEqual(kinds, [], "the user was there all the time")
            self.assertNotIn("room_message", [message["type"] for message in await first.silence()])
            # Back in the other direction, as by a page that is shown again.
            await first.join(room)
            self.assertEqual((await second.next("room_left", room=room))["payload"]["reason"], "replaced")
            for client in (witness, first, second):
                await client.socket.close()

    async def test_of_several_joins_at_the_same_moment_exactly_one_stays(self):
        clients = [await self.client("gil") for _ in range(5)]
        for namespace in ("one", "last"):
            for round in range(ROUNDS):
                room = f"{namespace}:race{round}"
                await asyncio.gather(*(client.send("join_room", room) for client in clients))
                await asyncio.to_thread(until, lambda: self.daemon.request(
                    "GET", f"/api/ws/rooms/{room}", headers={"X-API-Key": API_KEY}
                )[1].get("members") == 1, "one to be in the room")
                # Whoever is in it hears this, and nobody twice.
                status, _ = await asyncio.to_thread(self.api, "/api/publish", {
                    "room": room, "type": "who_is_here", "payload": {}})
                self.assertEqual(status, 200)
                heard = 0
                for client in clients:
                    heard += sum(message["type"] == "who_is_here" for message in await client.silence())
                    client.kept.clear()
                self.assertEqual(heard, 1, room)

    async def test_a_place_is_handed_over_in_a_room_that_is_full(self):
        first, second = await self.client("ann"), await self.client("ann")
        await first.join("small:1")
        await second.join("small:1")
        self.assertEqual((await first.next("room_left"))["payload"]["reason"], "replaced")
        other = await self.client("bo")
        self.assertEqual((await self.ask(other, "join_room", "small:1"))["payload"]["code"], "room_full")

    async def test_who_comes_back_need_not_wait_until_the_dead_connection_is_noticed(self):
        sock = self.vanished("hal")
        sock.sendall(wire.frame(1, b'{"type":"join_room","room":"last:dead"}'))
        await asyncio.to_thread(until, lambda: self.daemon.metrics()["ringroom_subscriptions"] == 1,
                                "the one that will die to be in the room")
        again = await self.client("hal")
        await again.join("last:dead")
        await asyncio.to_thread(until, lambda: self.daemon.metrics()["ringroom_subscriptions"] == 1,
                                "the dead one to be out of it")


class Allowed(Duplicates):
    async def test_a_user_has_as_many_connections_as_it_likes_unless_somebody_says_otherwise(self):
        clients = [await self.client("ann") for _ in range(5)]
        for client in clients:
            await client.join("lobby")
        for client in clients:
            await self.alive(client)
        self.assertEqual(self.daemon.metrics()["ringroom_duplicate_sessions_total"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
