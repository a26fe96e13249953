"""Rooms, seen by a client that nobody here wrote (python websockets), on two cores."""

import asyncio
import json
import unittest

import websockets
from daemon import DEADLINE_S, Daemon
from native_client import Client, NativeCase


class Rooms(NativeCase):
    options = ("--rooms-per-connection-max", "4")

    async def test_the_greeting_says_who_one_is_and_what_the_limits_are(self):
        ann = await self.client("ann")
        payload = ann.ack["payload"]
        self.assertEqual(payload["user_id"], "ann")
        self.assertEqual(payload["max_message_bytes"], 65536)
        self.assertEqual(payload["heartbeat_interval"], 25)
        self.assertRegex(payload["connection_id"], "^[0-9a-f]{20}$")

    async def test_a_name_can_also_come_with_connect_and_rooms_with_it(self):
        socket = await websockets.connect(f"{self.daemon.ws}/ws")
        client = Client(socket)
        self.clients.append(client)
        await client.send("connect", payload={"user_id": "kim", "rooms": [{"room": "a"}, {"room": "b"}]})
        ack = await client.next("connection_ack")
        self.assertEqual(ack["payload"]["user_id"], "kim")
        await client.next("room_joined", room="a")
        await client.next("room_joined", room="b")

    async def test_every_member_hears_the_same_in_the_same_order_on_whichever_core(self):
        members = [await self.client(f"user{i}") for i in range(16)]
        await asyncio.gather(*(member.join("order") for member in members))
        await asyncio.gather(*(
            member.send("room_message", "order", {"from": i, "n": n})
            for n in range(20) for i, member in enumerate(members)))
        heard = []
        for member in members:
            heard.append([await member.next("room_message", room="order") for _ in range(320)])
        for other in heard[1:]:
            self.assertEqual(other, heard[0])
        self.assertEqual([m["sequence"] for m in heard[0]], list(range(1, 321)))
        for i in range(16):
            own = [m["payload"]["n"] for m in heard[0] if m["sender"] == f"user{i}"]
            self.assertEqual(own, list(range(20)))

    async def test_the_publisher_gets_an_ack_with_its_place_and_knows_its_echo(self):
        ann = await self.client("ann")
        joined = await ann.join("acks")
        message_id = await ann.send("room_message", "acks", {"text": "hi"}, sender="eve", sequence=99)
        ack = await ann.next("ack", correlation_id=message_id)
        echo = await ann.next("room_message", correlation_id=message_id)
        self.assertEqual(ack["payload"], {"room": "acks", "sequence": 1,
                                          "epoch": joined["payload"]["epoch"], "level": "stored"})
        self.assertEqual((echo["sequence"], echo["sender"], echo["payload"]), (1, "ann", {"text": "hi"}))

    async def test_joining_and_leaving_are_told_to_the_others_once_per_user(self):
        ann, bo, bo2 = [await self.client(name) for name in ("ann", "bo", "bo")]
        self.assertEqual((await ann.join("door"))["payload"]["members"], ["ann"])
        self.assertEqual((await bo.join("door"))["payload"]["members"], ["ann", "bo"])
        self.assertEqual((await ann.next("user_joined"))["payload"], {"user_id": "bo"})
        await bo2.join("door")
        await bo.send("leave_room", "door")
        await bo.next("room_left", room="door")
        await bo2.socket.close()
        self.assertEqual((await ann.next("user_left"))["payload"], {"user_id": "bo"})
        self.assertEqual([m for m in await ann.silence() if m["type"].startswith("user_")], [])
        self.assertEqual([m for m in await bo.silence() if m["type"].startswith("user_")], [])

    async def test_of_many_cursor_positions_the_newest_is_what_others_hear(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("cursors")
        await bo.join("cursors")
        batch = [{"type": "cursor_position", "room": "cursors", "payload": {"x": x}}
                 for x in range(100)]
        await ann.socket.send(json.dumps({"type": "message_batch", "payload": {"messages": batch}}))
        heard = []
        while not heard or heard[-1] != 99:
            heard.append((await bo.next("cursor_position"))["payload"]["x"])
        self.assertEqual(heard, sorted(set(heard)), "never back, never twice")
        self.assertLess(len(heard), 100)

    async def test_typing_reaches_the_others_without_a_sequence(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("types")
        await bo.join("types")
        await ann.send("typing_indicator", "types", {"typing": True})
        await ann.send("cursor_position", "types", {"x": 1})
        typing = await bo.next("typing_indicator")
        self.assertEqual((typing["sender"], typing["payload"]), ("ann", {"typing": True}))
        self.assertNotIn("sequence", typing)
        await bo.next("cursor_position")
        await ann.send("quote_update", "types", {"price": 5})
        self.assertEqual((await bo.next("quote_update"))["sequence"], 1)
        self.assertEqual([m for m in await ann.silence() if m["type"] == "typing_indicator"], [])

    async def test_nothing_is_heard_after_leaving(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("left")
        await bo.join("left")
        await bo.send("leave_room", "left")
        await bo.next("room_left")
        await ann.next("ack", correlation_id=await ann.send("room_message", "left", {"n": 1}))
        self.assertEqual([m for m in await bo.silence() if m["type"] == "room_message"], [])

    async def test_refusals_say_what_is_wrong_and_change_nothing(self):
        ann = await self.client("ann")

        async def error(code, *args, **fields):
            message_id = await ann.send(*args, **fields)
            refusal = await ann.next("error_message", correlation_id=message_id)
            self.assertEqual(refusal["payload"]["code"], code, refusal)
            self.assertGreater(len(refusal["payload"]["message"]), 10)

        await error("not_joined", "room_message", "nowhere", {"n": 1})
        await error("not_joined", "leave_room", "nowhere")
        await ann.join("one")
        await error("already_joined", "join_room", "one")
        for room in ("two", "three", "four"):
            await ann.join(room)
        await error("forbidden", "join_room", "five")
        await error("forbidden", "join_room", "user:bo")
        await error("unavailable", "query_request", payload={"query": "x"})
        await error("bad_request", "connect", payload={"user_id": "eve"})
        # All of that left the connection and its rooms as they were.
        await ann.next("ack", correlation_id=await ann.send("room_message", "one", {"n": 1}))

    async def test_a_message_that_is_none_gets_a_validation_error_with_its_path(self):
        ann = await self.client("ann")
        for text, path in (("null", ""), ("[]", ""), ("1", ""), ('{"type":5}', "type"),
                           ('{"type":"Bad Type"}', "type"), ('{"type":"join_room"}', "room"),
                           ('{"type":"room_message","room":"a","payload":5}', "payload")):
            await ann.socket.send(text)
            message = await ann.next("validation_error")
            self.assertEqual(message["payload"]["errors"][0]["path"], path, text)
        for text in ("{", '{"type":"ping"} x', '{"x":tru}'):
            await ann.socket.send(text)
            while True:
                message = json.loads(await asyncio.wait_for(ann.socket.recv(), DEADLINE_S))
                if message["type"] in ("error_message", "validation_error"):
                    break

    async def test_a_batch_is_answered_message_by_message_in_order(self):
        ann = await self.client("ann")
        await ann.send("message_batch", payload={"messages": [
            {"type": "join_room", "message_id": "a", "room": "batch"},
            {"type": "room_message", "message_id": "b", "room": "batch", "payload": {"n": 1}},
            {"type": "nonsense!", "message_id": "c"},
            {"type": "room_message", "message_id": "d", "room": "batch", "payload": {"n": 2}},
        ]})
        await ann.next("room_joined", correlation_id="a")
        self.assertEqual((await ann.next("ack", correlation_id="b"))["payload"]["sequence"], 1)
        await ann.next("validation_error", correlation_id="c")
        self.assertEqual((await ann.next("ack", correlation_id="d"))["payload"]["sequence"], 2)

    async def test_ping_and_heartbeat_are_answered(self):
        ann = await self.client("ann")
        await ann.next("pong", correlation_id=await ann.send("ping"))
        await ann.next("heartbeat", correlation_id=await ann.send("heartbeat"))

    async def test_the_api_publishes_into_a_room_and_can_leave_one_connection_out(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("api")
        await bo.join("api")
        status, answer = await asyncio.to_thread(self.api, "/api/publish", {
            "room": "api", "type": "news", "payload": {"n": 1}, "message_id": "from-outside",
            "exclude": bo.ack["payload"]["connection_id"]})
        self.assertEqual((status, answer["room"], answer["sequence"]), (200, "api", 1))
        news = await ann.next("news")
        self.assertEqual(news["message_id"], answer["message_id"])
        self.assertEqual(news["correlation_id"], "from-outside")
        self.assertNotIn("sender", news)
        self.assertEqual([m for m in await bo.silence() if m["type"] == "news"], [])

    async def test_the_api_reaches_rooms_users_and_everybody(self):
        clients = [await self.client(name) for name in ("ann", "bo", "cy", "bo")]
        ann, bo, cy, bo2 = clients
        await cy.join("reach")
        self.assertEqual((await asyncio.to_thread(self.api, "/api/broadcast", {
            "type": "to_some", "payload": {"n": 1}, "rooms": ["reach"], "users": ["bo"]}))[0], 200)
        for client in (bo, bo2, cy):
            self.assertEqual((await client.next("to_some"))["payload"], {"n": 1})
        status, answer = await asyncio.to_thread(self.api, "/api/broadcast", {
            "type": "to_one", "payload": {}, "connections": [bo2.ack["payload"]["connection_id"]]})
        self.assertEqual((status, answer["connections"], answer["everybody"]), (200, 1, False))
        await bo2.next("to_one")
        self.assertEqual([m for m in await bo.silence() if m["type"] == "to_one"], [])
        self.assertEqual((await asyncio.to_thread(self.api, "/api/broadcast", {
            "type": "to_all", "payload": {"n": 2}}))[0], 200)
        for client in clients:
            await client.next("to_all")
        self.assertEqual([m for m in await ann.silence() if m["type"] == "to_some"], [])

    async def test_the_api_names_what_is_wrong(self):
        good = {"room": "api", "type": "news", "payload": {}}
        cases = [
            (401, "unauthorized", good, None), (401, "unauthorized", good, "wrong"),
            (422, "room", {**good, "room": ""}, 1), (422, "type", {**good, "type": "Not A Type"}, 1),
            (422, "payload", {**good, "payload": []}, 1), (422, "colour", {**good, "colour": 1}, 1),
            (422, "payload", {"room": "api", "type": "news"}, 1), (422, "JSON object", [], 1),
            (422, "exclude", {**good, "exclude": "me"}, 1),
        ]
        for status, word, body, key in cases:
            with self.subTest(word):
                answer = await asyncio.to_thread(
                    self.api, "/api/publish", body, *([key] if key != 1 else []))
                self.assertEqual(answer[0], status, answer)
                self.assertIn(word, answer[1]["error"]["code"] + answer[1]["error"]["message"])
                self.assertTrue(answer[1]["error"]["request_id"])
        status, answer = await asyncio.to_thread(self.api, "/api/publish", b"{")
        self.assertEqual(status, 400)

    async def test_health_ready_metrics_and_page_are_there(self):
        for path, word in (("/health", "ok"), ("/ready", "True"), ("/", "<html"),
                           ("/metrics", "ringroom_publish_total")):
            status, text = await asyncio.to_thread(self.daemon.request, "GET", path)
            self.assertEqual(status, 200, path)
            self.assertIn(word, str(text))
        self.assertEqual((await asyncio.to_thread(self.daemon.request, "GET", "/no"))[0], 404)
        self.assertEqual((await asyncio.to_thread(self.daemon.request, "PUT", "/health"))[0], 405)

    async def test_a_raw_room_passes_bytes_through_in_both_opcodes(self):
        url = f"{self.daemon.ws}/raw/bytes?mode="
        async with websockets.connect(url + "both") as both, \
                websockets.connect(url + "subscribe") as listener, \
                websockets.connect(url + "publish") as speaker:
            await both.send("hello")  # hears itself: the join is done
            self.assertEqual(await asyncio.wait_for(both.recv(), DEADLINE_S), "hello")
            seen = await self.settle(listener, speaker)
            await speaker.send(b"\x00\xff")
            await speaker.send("text")
            for client in (both, listener):
                got = []
                while "text" not in got:
                    got.append(await asyncio.wait_for(client.recv(), DEADLINE_S))
                self.assertEqual(got[-2:], [b"\x00\xff", "text"])
            self.assertTrue(seen)

    async def settle(self, listener, speaker):
        """Speaks until the listener hears: its join has been answered."""
        while True:
            await speaker.send("are you there")
            try:
                return await asyncio.wait_for(listener.recv(), 0.2)
            except asyncio.TimeoutError:
                continue

    async def test_json_members_of_a_raw_room_get_objects(self):
        ann = await self.client("ann")
        await ann.join("mixed")
        async with websockets.connect(f"{self.daemon.ws}/raw/mixed?mode=publish") as speaker:
            await speaker.send('say "hi"')
            await speaker.send(b"\x00\xff")
            self.assertEqual((await ann.next("room_message"))["payload"], {"text": 'say "hi"'})
            self.assertEqual((await ann.next("room_message"))["payload"], {"base64": "AP8="})


if __name__ == "__main__":
    unittest.main(verbosity=2)
