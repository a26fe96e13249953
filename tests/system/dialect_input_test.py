"""What is no message in the dialect that it comes in."""

import asyncio
import unittest

import websockets
from daemon import DEADLINE_S
from dialect_client import LIMIT, TYPES, DialectCase, DialectClient, batch, encode, varint


class BadInput(DialectCase):
    """What breaks one connection, or only one message, leaves the others alone."""

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.bystanders = await self.members("calm")

    async def asyncTearDown(self):
        await self.bystanders[0].send("room_message", "calm", {"text": "still here"})
        for bystander in self.bystanders:
            self.assertEqual((await bystander.next("room_message"))["payload"], {"text": "still here"})
        await super().asyncTearDown()

    async def close_code_of(self, client, data):
        await client.socket.send(data)
        with self.assertRaises(websockets.ConnectionClosed):
            while True:
                await asyncio.wait_for(client.socket.recv(), DEADLINE_S)
        return client.socket.close_code

    async def test_the_other_kind_of_frame_closes_with_1003(self):
        message = encode("ping", "1")
        for dialect, data in (("json", message), ("event", message),
                              ("binary", '{"type":"ping","message_id":"1"}')):
            client = await self.client("ann", dialect)
            self.assertEqual(await self.close_code_of(client, data), 1003, dialect)

    async def test_a_message_beyond_the_limit_closes_with_1009(self):
        client = await self.client("ann", "binary")
        await client.join("large")
        await client.send("fact", "large", bytes(LIMIT - 100))
        self.assertEqual(len((await client.next("fact"))["payload"]), LIMIT - 100)
        self.assertEqual(await self.close_code_of(client, bytes(LIMIT + 1)), 1009)

    async def test_a_message_cut_anywhere_is_refused_and_the_connection_lives(self):
        client = await self.client("ann", "binary")
        await client.join("cut")
        whole = encode("a_custom_type", "id", number=client.numbers["cut"], payload={"a": [1, "é"]},
                       fields={"key": "k"})
        for size in range(len(whole)):
            await client.socket.send(whole[:size])
        # Without its payload a message is whole: an empty object is what is left.
        heard = await client.silence()
        errors = [m for m in heard if m["type"] in ("error_message", "validation_error")]
        self.assertGreaterEqual(len(errors), len(whole) - 2)
        for error in errors:
            self.assertIn(error["payload"]["code"], ("bad_request", "invalid"))

    async def test_what_is_no_message_is_told_in_a_sentence(self):
        client = await self.client("ann", "binary")
        wrong = {
            "empty": b"",
            "another version": b"\x21\x00\x00\x10",
            "another kind": b"\x13\x00\x00\x10",
            "no such type": b"\x11\x00\x00" + varint(len(TYPES)),
            "a length beyond the end": b"\x11\x80\x00\x10\xff\x01",
            "a number that never ends": b"\x11\x00" + b"\xff" * 11,
            "fields that are no object": b"\x11\x80\x00\x10\x02[]",
            "broken JSON": encode("room_message", "1", room="calm") + b"{\"a\":tru}",
            "text that is not UTF-8": encode("room_message", "1", room="calm") + b"{\"a\":\"\xff\"}",
            "raw bytes where JSON is needed": encode("join_room", "1", room="calm", raw=b"x"),
            "a key with raw bytes": encode("fact", "1", room="calm", raw=b"x", fields={"key": "k"}),
            "a batch in a batch": batch([batch([encode("ping", "1")])]),
            "an empty batch": b"\x12",
            "a batch cut short": batch([encode("ping", "1")])[:-1],
            "a batch of too many": batch([encode("ping", "1")] * 129),
            "a server's type": encode("ack", "1", room="calm", payload={}),
        }
        for name, data in wrong.items():
            with self.subTest(name):
                await client.socket.send(data)
                message = (await client.silence())
                self.assertEqual([m["type"] in ("error_message", "validation_error") for m in message],
                                 [True], f"{name}: {message}")

    async def test_a_batch_goes_on_behind_a_wrong_message_and_answers_each(self):
        client = await self.client("ann", "binary")
        await client.socket.send(batch([encode("ping", "1"), b"", encode("nonsense here", "2"),
                                        encode("ping", "3")]))
        heard = await client.silence()
        self.assertEqual([m["type"] for m in heard], ["pong", "error_message", "validation_error", "pong"])
        self.assertEqual([m.get("correlation_id") for m in heard], ["1", None, "2", "3"])

    async def test_who_has_not_said_who_it_is_is_closed_with_4401(self):
        for subprotocol in (["ringroom.v1.bin"], None):
            socket = await websockets.connect(self.daemon.ws + "/ws" + ("" if subprotocol else "?dialect=event"),
                                              subprotocols=subprotocol, **self.client_options)
            client = DialectClient(socket, "binary" if subprotocol else "event")
            await client.send("join_room", "calm")
            self.assertEqual((await client.next("error_message"))["payload"]["code"], "unauthorized")
            with self.assertRaises(websockets.ConnectionClosed):
                await asyncio.wait_for(socket.recv(), DEADLINE_S)
            self.assertEqual(socket.close_code, 4401)

    async def test_a_dialect_that_is_not_there_is_refused_before_the_upgrade(self):
        status, answer = self.daemon.request("GET", "/ws?dialect=morse")
        self.assertEqual((status, answer["error"]["code"]), (400, "bad_request"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
