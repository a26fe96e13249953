"""One message for many: broadcasts of a backend to rooms by name and pattern, to users and everybody; and the
first messages of rooms that come to be meanwhile."""

import asyncio
import concurrent.futures
import json
import os
import re
import unittest

import wire
from checker import Checker
from daemon import DEADLINE_S, Daemon, raise_descriptor_limit, until
from native_client import API_KEY
from reach_case import Reach

ROOMS = int(os.environ.get("REACH_ROOMS", "1000"))


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


class Everybody(unittest.TestCase):
    """More connections on a core than are told in one turn."""

    COUNT, SAID = 1500, 12

    def come(self, daemon, user):
        sock = daemon.connect()
        sock.sendall(wire.handshake(f"/ws?user={user}"))
        self.addCleanup(sock.close)
        return sock

    def heard(self, sock, count):
        """The first so many broadcasts that it hears, by their numbers."""
        text = b""
        while len(numbers := re.findall(rb'"n": ?(\d+)', text)) < count:
            chunk = sock.recv(65536)
            self.assertTrue(chunk, "the connection was closed")
            text += chunk
        return [int(number) for number in numbers]

    def test_each_hears_each_once_in_order_whoever_comes_and_goes_meanwhile(self):
        raise_descriptor_limit()
        with Daemon("--cores", "1", "--api-key", API_KEY, "--ping-interval-ms", "1h") as daemon:
            crowd = [self.come(daemon, f"u{n}") for n in range(self.COUNT)]
            until(lambda: daemon.metrics()["ringroom_connections_authenticated"] == self.COUNT, "all to be there")
            gone = crowd[::7]
            crowd = [sock for sock in crowd if sock not in gone]

            def say(n):
                return daemon.request("POST", "/api/broadcast", {"type": "news", "payload": {"n": n}},
                                      {"Authorization": f"Bearer {API_KEY}"})

            # Several under way at a time, from connections of their own: so their order is not ours to know.
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                answers = [pool.submit(say, n) for n in range(self.SAID)]
                for n, sock in enumerate(gone):
                    sock.close()
                    self.come(daemon, f"late{n}")
                for answer in answers:
                    self.assertEqual(answer.result(), (200, {"rooms": 0, "users": 0, "connections": 0, "everybody": True}))
            self.assertEqual(say(self.SAID)[0], 200)
            first = self.heard(crowd[0], self.SAID + 1)
            self.assertEqual((sorted(first), first[-1]), (list(range(self.SAID + 1)), self.SAID))
            for sock in crowd[1:]:
                self.assertEqual(self.heard(sock, self.SAID + 1), first)


if __name__ == "__main__":
    unittest.main(verbosity=2)
