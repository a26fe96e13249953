"""Every dialect in one room: what is said in one is heard in all, each in its own form."""

import asyncio
import base64
import unittest

import websockets
from daemon import DEADLINE_S, Daemon
from dialect_client import DIALECTS, DialectCase, DialectClient, batch, encode
from native_client import API_KEY

NOISE = bytes(range(256))


class OneRoom(DialectCase):
    async def test_a_message_of_any_dialect_reaches_all(self):
        members = await self.members("all", copies=2)
        sequence = 0
        for speaker in members:
            sequence += 1
            text = f"from {speaker.dialect} " + "x" * 600
            message_id = await speaker.send("room_message", "all", {"text": text})
            ack = await speaker.next("ack", correlation_id=message_id)
            self.assertEqual(ack["payload"]["sequence"], sequence)
            for member in members:
                heard = await member.next("room_message")
                self.assertEqual(heard["sequence"], sequence, member.dialect)
                self.assertEqual(heard["payload"], {"text": text}, member.dialect)
                if member.dialect == "binary":
                    self.assertEqual(heard["room_id"], member.numbers["all"])
                    self.assertNotIn("room", heard)
                else:
                    self.assertEqual(heard["room"], "all")
                if member.dialect != "event":  # which says what happened, not who did
                    self.assertEqual(heard["correlation_id"], message_id)
                    self.assertEqual(heard["sender"], ack_sender(speaker, members))

    async def test_a_burst_is_heard_in_order_by_all(self):
        members = await self.members("burst")
        speaker = members[1]  # binary
        number = speaker.numbers["burst"]
        for begin in range(0, 200, 50):
            await speaker.socket.send(batch([encode("tick", number=number, payload={"n": n})
                                             for n in range(begin, begin + 50)]))
        for member in members:
            heard = [await member.next("tick") for _ in range(200)]
            self.assertEqual([m["payload"]["n"] for m in heard], list(range(200)), member.dialect)
            self.assertEqual([m["sequence"] for m in heard], list(range(1, 201)), member.dialect)

    async def test_raw_bytes_reach_each_in_a_form_it_can_say(self):
        members = await self.members("bytes")
        raw = await websockets.connect(f"{self.daemon.ws}/raw/bytes", **self.client_options)
        speaker = members[1]
        await speaker.send("blob", "bytes", NOISE)
        shown = {"base64": base64.b64encode(NOISE).decode()}
        for member in members:
            heard = await member.next("blob")
            if member.dialect == "binary":
                self.assertEqual(heard["payload"], NOISE)
            else:
                self.assertEqual(heard["payload"], shown)
                self.assertTrue(heard["raw"])
        self.assertEqual(await asyncio.wait_for(raw.recv(), DEADLINE_S), NOISE)
        # And the other way: the bytes and the text of a raw publisher.
        await raw.send(b"\x00\xff")
        await raw.send("plain text")
        for member in members:
            heard = [await member.next("room_message") for _ in range(2)]
            self.assertEqual(heard[0]["payload"],
                             b"\x00\xff" if member.dialect == "binary" else {"base64": "AP8="})
            self.assertEqual(heard[1]["payload"], {"text": "plain text"})
            self.assertNotIn("raw", heard[1])
        await raw.close()

    async def test_what_is_ephemeral_reaches_all_but_its_sender(self):
        members = await self.members("typing")
        for speaker in members:
            await speaker.silence()
        for speaker in members:
            await speaker.send("cursor_position", "typing",
                               b"\x01\x02" if speaker.dialect == "binary" else {"x": 1})
            for member in members:
                if member is not speaker:
                    heard = await member.next("cursor_position")
                    self.assertNotIn("sequence", heard)
            self.assertEqual([m for m in await speaker.silence() if m["type"] == "cursor_position"], [])

    async def test_who_comes_and_goes_is_told_in_every_dialect(self):
        members = await self.members("door")
        guest = await self.client("guest", "binary")
        await guest.join("door")
        for member in members:
            heard = await member.next("user_joined", payload={"user_id": "guest"})
            self.assertEqual(heard["room_id"] if member.dialect == "binary" else heard["room"],
                             member.numbers.get("door", "door"))
        await guest.send("leave_room", "door")
        await guest.next("room_left")
        for member in members:
            await member.next("user_left", payload={"user_id": "guest"})
        self.assertEqual(await guest.silence(), [])

    async def test_a_deleted_room_says_so_in_every_dialect(self):
        members = await self.members("gone")
        owner = await self.client("owner", "binary")
        await owner.send("create_room", "gone2", {"max_members": 9})
        self.assertEqual((await owner.next("room_created"))["payload"]["owner"], "owner")
        self.daemon.request("DELETE", "/api/ws/rooms/gone", None, {"X-API-Key": API_KEY})
        for member in members:
            left = await member.next("room_left")
            self.assertEqual(left["payload"], {"reason": "deleted"})
            self.assertEqual(left["room"], "gone")

    async def test_the_server_api_reaches_every_dialect(self):
        members = await self.members("api")
        self.assertEqual(self.api("/api/publish", {"room": "api", "type": "news", "payload": {"n": 1}})[0], 200)
        for member in members:
            self.assertEqual((await member.next("news"))["payload"], {"n": 1})
        for body in ({}, {"users": ["json0", "binary0", "event0"]}):
            status, _ = self.api("/api/broadcast", {"type": "notice", "payload": {"to": "you"}, **body})
            self.assertEqual(status, 200)
            for member in members:
                self.assertEqual((await member.next("notice"))["payload"], {"to": "you"})

    async def test_answers_come_in_the_dialect_of_the_question(self):
        for member in await self.members("answers"):
            asked = await member.send("presence", "answers")
            listed = await member.next("presence", correlation_id=asked)
            self.assertGreaterEqual(listed["payload"]["count"], 1)
            asked = await member.send("room_info", "answers")
            self.assertEqual((await member.next("room_info", correlation_id=asked))["room"], "answers")
            asked = await member.send("list_rooms", payload={"prefix": "answers"})
            self.assertEqual((await member.next("room_list", correlation_id=asked))["payload"]["count"], 1)
            asked = await member.send("join_room", "answers")
            refused = await member.next("error_message", correlation_id=asked)
            self.assertEqual(refused["payload"]["code"], "already_joined")
            asked = await member.send("history", "answers", {})
            invalid = await member.next("validation_error", correlation_id=asked)
            self.assertEqual(invalid["payload"]["errors"][0]["path"], "payload.limit")
            asked = await member.send("heartbeat")
            await member.next("heartbeat", correlation_id=asked)

    async def test_connect_says_who_one_is_in_every_dialect(self):
        socket = await websockets.connect(f"{self.daemon.ws}/ws", subprotocols=["ringroom.v1.bin"],
                                          **self.client_options)
        client = DialectClient(socket, "binary")
        self.clients.append(client)
        await client.send("connect", payload={"user_id": "late", "rooms": [{"room": "late"}]})
        self.assertEqual((await client.next("connection_ack"))["payload"]["user_id"], "late")
        self.assertEqual((await client.next("room_joined"))["room"], "late")


def ack_sender(speaker, members):
    """The user of a client: its dialect and which copy it is."""
    return f"{speaker.dialect}{members.index(speaker) // len(DIALECTS)}"


class OneRoomDeflated(OneRoom):
    """The same, every client with permessage-deflate: each dialect has a compressed form."""

    client_options = {"close_timeout": 0.1}


class OneRoomInContexts(OneRoom):
    """The same, each connection with a compression context of its own."""

    options = ("--compression-context-takeover",)
    client_options = {"close_timeout": 0.1}


class Numbers(DialectCase):
    async def test_a_room_has_one_number_on_the_whole_node(self):
        for room in (f"room{n}" for n in range(8)):
            clients = [await self.client(f"u{n}", "binary") for n in range(4)]
            numbers = {(await client.join(room))["payload"]["room_id"] for client in clients}
            self.assertEqual(len(numbers), 1)
            for client in clients:
                await client.close()

    async def test_no_two_rooms_share_a_number_and_none_is_used_again(self):
        client = await self.client("ann", "binary")
        numbers = []
        for n in range(40):
            room = f"own{n % 20}"
            numbers.append((await client.join(room))["payload"]["room_id"])
            client.numbers.clear()
            asked = await client.send("delete_room", room)
            await client.next("room_deleted", correlation_id=asked)
            await client.next("room_left")
        self.assertEqual(len(set(numbers)), 40)
        self.assertNotIn(0, numbers)

    async def test_a_number_is_good_for_members_only(self):
        ann, bo = await self.client("ann", "binary"), await self.client("bo", "binary")
        await ann.join("secret")
        await bo.join("other")
        bo.numbers["secret"] = ann.numbers["secret"]
        for number in (ann.numbers["secret"], 2**32 - 1, 12345):
            bo.numbers["secret"] = number
            asked = await bo.send("room_message", "secret", {"text": "hi"})
            refused = await bo.next("error_message", correlation_id=asked)
            self.assertEqual(refused["payload"]["code"], "not_joined")
        self.assertEqual([m for m in await ann.silence() if m["type"] == "room_message"], [])

    async def test_json_connections_are_told_no_number(self):
        for dialect in ("json", "event"):
            client = await self.client("ann", dialect)
            self.assertNotIn("room_id", (await client.join("plain"))["payload"])


class Past(DialectCase):
    async def said(self, room, count):
        """A speaker that has said `count` messages, JSON and bytes in turn."""
        speaker = await self.client("speaker", "binary")
        position = (await speaker.join(room))["payload"]
        for n in range(count):
            asked = await speaker.send("fact", room, bytes([n, 0, 255]) * n if n % 2 else {"n": n})
            await speaker.next("ack", correlation_id=asked)
        return speaker, position

    def check(self, client, messages, numbers):
        self.assertEqual([m["sequence"] for m in messages], [n + 1 for n in numbers], client.dialect)
        for message, n in zip(messages, numbers):
            data = bytes([n, 0, 255]) * n
            shown = {"n": n} if n % 2 == 0 else (
                data if client.dialect == "binary" else {"base64": base64.b64encode(data).decode()})
            self.assertEqual(message["payload"], shown, client.dialect)
            self.assertEqual(message["type"], "fact")

    async def test_who_comes_back_recovers_in_its_own_dialect(self):
        for dialect in DIALECTS:
            room = f"back-{dialect}"
            speaker, position = await self.said(room, 9)
            client = await self.client("ann", dialect)
            joined = await client.join(room, recover={"sequence": 3, "epoch": position["epoch"]})
            self.assertTrue(joined["payload"]["recovered"])
            self.check(client, await client.following(joined), range(3, 9))
            # What is said now goes on from there.
            await speaker.send("fact", room, {"n": "next"})
            live = await client.next("fact")
            self.assertEqual(live["sequence"], joined["payload"]["sequence"] + 1)
            await client.send("leave_room", room)
            await client.next("room_left")
            client.numbers.clear()
            joined = await client.join(room, recover={"sequence": live["sequence"],
                                                      "epoch": position["epoch"]})
            self.assertTrue(joined["payload"]["recovered"])
            self.assertEqual(await client.following(joined), [])

    async def test_a_position_of_another_epoch_is_told(self):
        await self.said("epochs", 4)
        for dialect in DIALECTS:
            client = await self.client("ann", dialect)
            joined = await client.join("epochs", recover={"sequence": 1, "epoch": "another"})
            self.assertFalse(joined["payload"]["recovered"])
            self.assertEqual(await client.following(joined), [])

    async def test_history_is_read_in_every_dialect_and_both_directions(self):
        await self.said("pages", 150)  # more than one batch holds, and more than the room keeps
        for dialect in DIALECTS:
            client = await self.client("ann", dialect)
            for reverse in (False, True):
                await client.send("history", "pages", {"limit": 100, "reverse": reverse})
                answer = await client.next("history")
                numbers = list(range(50, 150))
                self.check(client, await client.following(answer), numbers[::-1] if reverse else numbers)
            joined = await client.join("pages", history=3)
            self.check(client, await client.following(joined), range(147, 150))

    async def test_a_payload_as_deep_as_may_be_comes_back_too(self):
        deep = {"a": None}
        for _ in range(100):
            deep = {"a": deep}
        speaker = await self.client("speaker", "binary")
        await speaker.join("deep")
        asked = await speaker.send("fact", "deep", deep)
        await speaker.next("ack", correlation_id=asked)
        for dialect in DIALECTS:
            client = await self.client("ann", dialect)
            joined = await client.join("deep", history=1)
            self.assertEqual((await client.following(joined))[0]["payload"], deep)


class Personal(DialectCase):
    options = ("--namespace", "user")

    async def test_what_is_for_a_person_comes_in_its_dialect_whatever_it_has_asked_for(self):
        for dialect in DIALECTS:
            user = f"late-{dialect}"
            for n in range(2):
                status, _ = self.api("/api/publish", {"room": f"user:{user}", "type": "note", "payload": {"n": n}})
                self.assertEqual(status, 200)
            client = await self.client(user, dialect, events=())
            self.api("/api/publish", {"room": f"user:{user}", "type": "note", "payload": {"n": 2}})
            notes = [await client.next("note") for _ in range(3)]
            self.assertEqual([note["payload"]["n"] for note in notes], [0, 1, 2], dialect)
            self.assertEqual([note["sequence"] for note in notes], [1, 2, 3], dialect)
            if dialect == "binary":
                number = client.ack["payload"]["rooms"][f"user:{user}"]["room_id"]
                self.assertEqual({note["room_id"] for note in notes}, {number})


class Leaving(unittest.IsolatedAsyncioTestCase):
    async def test_a_drain_says_goodbye_in_every_dialect(self):
        daemon = Daemon("--cores", "2", "--drain-ms", "100").start()
        clients = [await DialectClient.open(daemon, "ann", dialect) for dialect in DIALECTS]
        await asyncio.gather(asyncio.to_thread(daemon.stop), *(self.goodbye(c) for c in clients))

    async def goodbye(self, client):
        self.assertIn("delay_ms", (await client.next("reconnect"))["payload"])
        with self.assertRaises(websockets.ConnectionClosed):
            await asyncio.wait_for(client.socket.recv(), DEADLINE_S)
        self.assertEqual(client.socket.close_code, 4503)


if __name__ == "__main__":
    unittest.main(verbosity=2)
