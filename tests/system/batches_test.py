"""Clients that asked for batches: what a room says in one turn comes to them as one message."""

import unittest

import websockets
from dialect_client import LIMIT, DialectCase, DialectClient, batch, encode


class Batches(DialectCase):
    """Who asked for batches hears several messages of a room at once, the same as all others hear."""

    async def burst(self, speaker, room, count, **fields):
        await speaker.send("message_batch", payload={"messages": [
            {"type": "fact", "room": room, "payload": {"n": n}, **fields} for n in range(count)]})

    async def test_what_a_room_says_in_one_turn_comes_as_one_message(self):
        speaker = await self.client("speaker", "json")
        await speaker.join("batches")
        for ask in ("&batch=1", ""):
            listener = await self.client("ann", "json", ask)
            plain = await self.client("bo", "json")
            await listener.join("batches")
            await plain.join("batches")
            await self.burst(speaker, "batches", 50)
            heard = [await listener.next("fact") for _ in range(50)]
            self.assertEqual(heard, [await plain.next("fact") for _ in range(50)])
            self.assertEqual([m["payload"]["n"] for m in heard], list(range(50)))
            self.assertEqual(sum(listener.batches, []).count("fact"), 50 if ask else 0)
            self.assertEqual(plain.batches, [])
            await self.burst(speaker, "batches", 1)
            listener.batches.clear()
            await listener.next("fact")
            self.assertEqual(listener.batches, [])  # one message is itself

    async def test_a_client_asks_for_batches_as_it_says_who_it_is(self):
        socket = await websockets.connect(f"{self.daemon.ws}/ws", **self.client_options)
        client = DialectClient(socket, "json")
        self.clients.append(client)
        await client.send("connect", payload={"user_id": "ann", "batch": True, "rooms": [{"room": "asked"}]})
        await client.next("connection_ack")
        await client.next("room_joined")
        await self.burst(client, "asked", 20)
        self.assertEqual([(await client.next("fact"))["payload"]["n"] for _ in range(20)], list(range(20)))
        self.assertEqual(sum(client.batches, []).count("fact"), 20)

    async def test_a_batch_has_bounds(self):
        speaker = await self.client("speaker", "binary")
        await speaker.join("bounds")
        listener = await self.client("ann", "json", "&batch=1")
        await listener.join("bounds")
        number = speaker.numbers["bounds"]
        await speaker.socket.send(batch([encode("fact", number=number, payload={"n": n}) for n in range(100)]))
        await speaker.socket.send(batch([encode("fact", number=number, payload={"n": n}) for n in range(100)]))
        for _ in range(200):
            await listener.next("fact")
        large = "x" * 20_000
        for _ in range(3):
            await speaker.socket.send(batch([encode("fact", number=number, payload={"pad": large})] * 3))
            await speaker.socket.send(batch([encode("fact", number=number, payload={"pad": "y"})] * 9))
        for _ in range(36):
            await listener.next("fact")
        self.assertLessEqual(max(len(types) for types in listener.batches), 128)
        self.assertLess(max(listener.batch_bytes), LIMIT + 1024)  # the commas, and what is around them
        speaker.socket.transport.abort()  # a close would wait for it to read all that it has said

    async def test_what_one_must_not_hear_is_not_in_a_batch(self):
        ann = await self.client("ann", "json", "&batch=1")
        bo = await self.client("bo", "json", "&batch=1")
        for each in (ann, bo):
            await each.join("private")
        await ann.send("message_batch", payload={"messages": [
            {"type": "fact", "room": "private", "payload": {"n": 1}},
            {"type": "cursor_position", "room": "private", "payload": {"n": 2}},
            {"type": "fact", "room": "private", "payload": {"n": 3}}]})
        self.assertEqual((await bo.next("cursor_position"))["payload"], {"n": 2})
        self.assertEqual([(await bo.next("fact"))["payload"]["n"] for _ in range(2)], [1, 3])
        self.assertEqual([m["payload"]["n"] for m in await ann.silence() if m["type"] != "user_joined"], [1, 3])
        status, _ = self.api("/api/publish", {"room": "private", "type": "fact", "payload": {"n": 4},
                                              "exclude": ann.ack["payload"]["connection_id"]})
        self.assertEqual(status, 200)
        await bo.next("fact", payload={"n": 4})
        self.assertEqual(await ann.silence(), [])

    async def test_who_comes_back_recovers_as_all_do(self):
        speaker = await self.client("speaker", "json")
        position = (await speaker.join("again"))["payload"]
        await self.burst(speaker, "again", 30)
        for _ in range(30):
            await speaker.next("fact")
        client = await self.client("ann", "json", "&batch=1")
        joined = await client.join("again", recover={"sequence": 10, "epoch": position["epoch"]})
        self.assertEqual([m["sequence"] for m in joined["payload"]["messages"]], list(range(11, 31)))
        await self.burst(speaker, "again", 5)
        self.assertEqual([(await client.next("fact"))["sequence"] for _ in range(5)], list(range(31, 36)))


class BatchesDeflated(Batches):
    client_options = {"close_timeout": 0.1}


class BatchesInContexts(Batches):
    options = ("--compression-context-takeover",)
    client_options = {"close_timeout": 0.1}


if __name__ == "__main__":
    unittest.main(verbosity=2)
