"""Priorities: what is urgent overtakes what waits for a connection that does not read, of other rooms only."""

import asyncio
import random
import unittest

from checker import Checker
from daemon import Daemon, until
from stream import DEFLATE, Stream, identity

TEXT_BYTES, MESSAGES = 4000, 1000
# What the kernel holds and is being given is in order already: some 400 KiB of the 4 MB.
UNDER_WAY = 1024 * 1024 // TEXT_BYTES


class Client(Stream):
    """In several rooms on one connection; remembers what it heard, in order."""

    def __init__(self, checker, name):
        super().__init__(checker, name, None)
        self.heard = []  # (type, room, sequence)

    async def join_room(self, room, message_id="join"):
        await self.send(type="join_room", message_id=message_id, room=room)

    def _tell(self, message):
        self.room = message.get("room")
        self.heard.append((message["type"], self.room, message.get("sequence")))
        super()._tell(message)

    def place_of(self, type, room, sequence=None):
        return next(i for i, (t, r, s) in enumerate(self.heard)
                    if (t, r) == (type, room) and sequence in (None, s))


class Priorities(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.daemon = Daemon("--cores", "2", "--queue-bytes-max", "64MiB", "--compression-context-takeover",
                             "--namespace", "default:presence=false", "--namespace", "chat:priority=low",
                             "--namespace", "alarm:priority=critical").start()
        self.addCleanup(self.daemon.stop)
        self.checker = Checker()
        self.random = random.Random(1)
        self.count = 0

    async def client(self, name, *rooms, **options):
        client = await Client(self.checker, name).open(self.daemon.port, name, **options)
        for room in rooms:
            await client.join_room(room)
            await client.until("room_joined", room=room)
        return client

    async def slow(self, *rooms, **options):
        return await self.client("slow", *rooms, receive_bytes=4096, **options)

    async def say(self, speaker, room, count=1, **fields):
        """Returns when the room has taken them; not compressible, so that buffers fill."""
        for _ in range(count):
            self.count += 1
            message_id, text = f"m{self.count}", self.random.randbytes(TEXT_BYTES // 2).hex()
            self.checker.published(speaker.name, room, identity(message_id, text))
            await speaker.send(type="room_message", message_id=message_id, room=room, payload={"text": text}, **fields)
            ack = (await speaker.until("ack", correlation_id=message_id))["payload"]
            self.checker.acked(speaker.name, room, ack["epoch"], ack["sequence"], identity(message_id, text))

    async def until_last(self, client, *positions):
        """Reads on until it has heard these (room, sequence)."""
        for room, sequence in positions:
            while self.checker.position(client.name, room)[1] < sequence:
                self.assertIsNotNone(await client.next(), f"closed: {client.close_code}")

    def judge(self):
        self.checker.left("speaker")  # it reads on only to its last answer
        self.checker.tell()

    async def flood(self, speaker, low, critical, **fields):
        await self.say(speaker, low, MESSAGES)
        await self.say(speaker, critical, **fields)

    async def test_a_critical_message_of_another_room_overtakes_what_waits(self):
        slow = await self.slow("chat:a", "alarm:b")
        speaker = await self.client("speaker", "chat:a", "alarm:b")
        await self.flood(speaker, "chat:a", "alarm:b")
        await self.until_last(slow, ("chat:a", MESSAGES), ("alarm:b", 1))
        ahead = slow.place_of("room_message", "alarm:b", 1)
        print(f"# {ahead} messages of {MESSAGES} came before the critical one")
        self.assertLess(ahead, UNDER_WAY)
        self.judge()

    async def test_without_priorities_all_waits_in_order(self):
        slow = await self.slow("a", "b")
        speaker = await self.client("speaker", "a", "b")
        await self.flood(speaker, "a", "b")
        await self.until_last(slow, ("a", MESSAGES), ("b", 1))
        self.assertGreater(slow.place_of("room_message", "b", 1), slow.place_of("room_message", "a", MESSAGES))
        self.judge()

    async def test_a_message_may_say_its_own_priority_and_so_may_the_api(self):
        slow = await self.slow("chat:a", "x", "y")
        speaker = await self.client("speaker", "chat:a", "x", "y")
        await self.flood(speaker, "chat:a", "x", priority="high")
        status, _ = self.daemon.request("POST", "/api/publish", {
            "room": "y", "type": "notice", "payload": {}, "priority": "critical"})
        self.assertEqual(status, 200)
        await self.until_last(slow, ("chat:a", MESSAGES), ("x", 1), ("y", 1))
        self.assertLess(slow.place_of("room_message", "x", 1), UNDER_WAY)
        self.assertLess(slow.place_of("notice", "y", 1), slow.place_of("room_message", "x", 1))
        status, answer = self.daemon.request("POST", "/api/publish", {
            "room": "y", "type": "notice", "payload": {}, "priority": "urgent"})
        self.assertEqual((status, answer["error"]["code"]), (422, "invalid"))

    async def test_messages_of_one_room_never_overtake_each_other(self):
        for offer in (None, DEFLATE, "permessage-deflate"):
            with self.subTest(offer=offer):
                room = f"mixed{self.count}"
                slow = await self.slow(room, offer=offer)
                speaker = await self.client("speaker", room)
                for n in range(MESSAGES):
                    await self.say(speaker, room, priority=("low", "critical", "medium", "high")[n % 4])
                await self.until_last(slow, (room, MESSAGES))
                slow.close()
                speaker.close()
                self.checker.left("slow")
                self.checker.left("speaker")
        self.judge()

    async def test_who_joins_while_it_does_not_read_hears_the_join_first(self):
        slow = await self.slow("chat:a")
        speaker = await self.client("speaker", "chat:a", "alarm:b")
        await self.say(speaker, "chat:a", MESSAGES)
        await slow.join_room("alarm:b")
        await asyncio.to_thread(until, lambda: self.daemon.metrics()["ringroom_joins_total"] == 4, "the late join")
        await self.say(speaker, "alarm:b", 3)
        await self.until_last(slow, ("chat:a", MESSAGES))
        while self.checker.position("slow", "alarm:b") is None:
            await slow.next()
        await self.until_last(slow, ("alarm:b", 3))
        self.judge()

    async def test_who_leaves_and_joins_again_hears_nothing_twice(self):
        slow = await self.slow("chat:a")
        speaker = await self.client("speaker", "chat:a")
        await self.say(speaker, "chat:a", MESSAGES)
        await slow.send(type="leave_room", message_id="leave", room="chat:a")
        await slow.join_room("chat:a", "again")
        await asyncio.to_thread(until, lambda: self.daemon.metrics()["ringroom_joins_total"] == 3, "the second join")
        await self.say(speaker, "chat:a", 3, priority="critical")
        await slow.until("room_left", room="chat:a")
        self.assertEqual(self.checker.position("slow", "chat:a")[1], MESSAGES)
        await slow.until("room_joined", correlation_id="again")
        await self.until_last(slow, ("chat:a", MESSAGES + 3))
        self.judge()


if __name__ == "__main__":
    unittest.main()
