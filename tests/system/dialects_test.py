"""Every dialect in one room: what is said in one is heard in all, each in its own form."""

import asyncio
import base64
import unittest

import websockets
from daemon import DEADLINE_S, Daemon
from dialect_client import DialectClient, TYPES, batch, encode, varint

API_KEY = "test-key-of-the-api-0123456789abcdef"
DIALECTS = ("json", "binary", "event")
NOISE = bytes(range(256))
LIMIT = 65536


class DialectCase(unittest.IsolatedAsyncioTestCase):
    """Cases that speak to one daemon; a class names its options and what its clients offer."""

    options = ()
    # Who has not read all that it was sent does not answer a close either: no test waits for that.
    client_options = {"compression": None, "close_timeout": 0.1}

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "2", "--api-key", API_KEY, "--max-message-bytes", str(LIMIT),
                            *cls.options).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    async def asyncSetUp(self):
        self.clients = []

    async def asyncTearDown(self):
        for client in self.clients:
            await client.close()

    async def client(self, user, dialect, query="", **fields):
        client = await DialectClient.open(self.daemon, user, dialect, query,
                                          **{**self.client_options, **fields})
        self.clients.append(client)
        return client

    async def members(self, room, copies=1):
        """Clients of every dialect, `copies` of each, all in the room."""
        out = []
        for copy in range(copies):
            for dialect in DIALECTS:
                client = await self.client(f"{dialect}{copy}", dialect)
                await client.join(room)
                out.append(client)
        return out

    def api(self, path, body):
        return self.daemon.request("POST", path, body, {"Authorization": f"Bearer {API_KEY}"})


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


class Events(DialectCase):
    """What an event connection hears is what it has asked for, wherever that lies in a batch."""

    async def speaker(self, room):
        speaker = await self.client("speaker", "json")
        await speaker.join(room)
        return speaker

    async def burst(self, speaker, room, types):
        """All in one turn of the server: one message_batch."""
        await speaker.send("message_batch", payload={"messages": [
            {"type": type, "room": room, "payload": {"n": n}} for n, type in enumerate(types)]})
        for type in types:
            await speaker.next(type)

    def heard(self, messages):
        return [(m["type"], m["payload"]["n"]) for m in messages if m["type"] in ("a", "b", "c")]

    async def test_nothing_is_heard_before_it_is_asked_for(self):
        speaker = await self.speaker("ask")
        listener = await self.client("ann", "event", events=())
        await listener.join("ask")
        await self.burst(speaker, "ask", "abc")
        self.assertEqual(await listener.silence(), [])
        self.assertEqual(await listener.subscribe("b", "a"), ["a", "b"])
        await self.burst(speaker, "ask", "abc")
        self.assertEqual(self.heard(await listener.silence()), [("a", 0), ("b", 1)])
        self.assertEqual(await listener.subscribe("a", "c"), ["a", "b", "c"])
        self.assertEqual(await listener.unsubscribe("a", "z"), ["b", "c"])
        await self.burst(speaker, "ask", "abc")
        self.assertEqual(self.heard(await listener.silence()), [("b", 1), ("c", 2)])
        self.assertEqual(await listener.unsubscribe("b", "c"), [])
        await self.burst(speaker, "ask", "abc")
        self.assertEqual(self.heard(await listener.silence()), [])
        self.assertEqual(await listener.subscribe("*"), ["*"])
        await self.burst(speaker, "ask", "abc")
        self.assertEqual(self.heard(await listener.silence()), [("a", 0), ("b", 1), ("c", 2)])

    async def test_every_part_of_a_batch_may_be_left_out(self):
        speaker = await self.speaker("parts")
        wanted = [(), ("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]
        listeners = []
        for events in wanted * 2:
            listener = await self.client("ann", "event", events=events)
            await listener.join("parts")
            listeners.append(listener)
        for types in ("aabbcc", "abcabc", "cba", "a", "bbbbabbbb", "ccccccca"):
            await self.burst(speaker, "parts", types)
            for events, listener in zip(wanted * 2, listeners):
                self.assertEqual(self.heard(await listener.silence()),
                                 [(t, n) for n, t in enumerate(types) if t in events], (types, events))
        self.assertGreater(self.daemon.metrics()["ringroom_events_unheard_total"], 0)

    async def test_what_one_must_not_hear_is_left_out_too(self):
        quiet = await self.client("quiet", "event", events=("cursor_position", "a"))
        loud = await self.client("loud", "event", events=("cursor_position",))
        for each in (quiet, loud):
            await each.join("both")
        await quiet.send("message_batch", payload={"messages": [
            {"type": "a", "room": "both", "payload": {"n": 1}},
            {"type": "cursor_position", "room": "both", "payload": {"n": 2}},
            {"type": "a", "room": "both", "payload": {"n": 3}}]})
        self.assertEqual((await loud.next("cursor_position"))["payload"], {"n": 2})
        self.assertEqual([(m["type"], m["payload"]["n"]) for m in await quiet.silence()],
                         [("a", 1), ("a", 3)])
        self.assertEqual(await loud.silence(), [])

    async def test_who_comes_is_an_event_like_others(self):
        hears = await self.client("ann", "event", events=("user_joined",))
        deaf = await self.client("bo", "event", events=("user_left",))
        for each in (hears, deaf):
            await each.join("door")
        await self.client("cy", "event")  # into the workspace only
        guest = await self.client("guest", "json")
        await guest.join("door")
        await hears.next("user_joined", room="door", payload={"user_id": "guest"})
        self.assertEqual([m for m in await deaf.silence() if m["type"] == "user_joined"], [])

    async def test_a_json_connection_becomes_one_of_events_by_its_first_message(self):
        speaker = await self.speaker("workspace:default")
        client = await self.client("ann", "json")
        await client.send("subscribe", event_types=["metrics_update"])
        client.dialect = "event"
        self.assertIn("connection_id", await client.next("connected"))
        self.assertEqual((await client.next("subscribed"))["payload"], {"event_types": ["metrics_update"]})
        await client.next("room_joined", room="workspace:default")
        await speaker.send("metrics_update", "workspace:default", {"cpu": 5})
        await speaker.send("other", "workspace:default", {"cpu": 6})
        event = await client.next("metrics_update")
        self.assertEqual(sorted(event), ["data", "event", "payload", "sequence", "timestamp", "type"])
        self.assertEqual(event["data"], {"cpu": 5})
        self.assertEqual([m["type"] for m in await client.silence()], [])

    async def test_who_comes_back_to_its_workspace_recovers_what_it_asks_for(self):
        speaker = await self.speaker("workspace:default")
        client = await self.client("ann", "event", events=("a",))
        position = {key: client.workspace["payload"][key] for key in ("sequence", "epoch")}
        await self.burst(speaker, "workspace:default", "abab")
        self.assertEqual([m["sequence"] - position["sequence"] for m in await client.silence()], [1, 3])
        again = await self.client("ann", "event", events=())
        await again.subscribe("a", payload={"recover": position})
        joined = await again.next("room_joined")
        self.assertTrue(joined["payload"]["recovered"])
        self.assertEqual([(m["type"], m["sequence"] - position["sequence"])
                          for m in await again.following(joined)], [("a", 1), ("a", 3)])

    async def test_a_room_is_joined_and_left_by_subscribing_to_it(self):
        for dialect in ("json", "binary", "event"):
            client = await self.client("ann", dialect)
            asked = await client.send("subscribe", payload={"room_id": "by-name"})
            await client.next("room_joined", correlation_id=asked)
            asked = await client.send("unsubscribe", payload={"room_id": "by-name"})
            self.assertEqual((await client.next("room_left", correlation_id=asked))["room"], "by-name")
            asked = await client.send("unsubscribe", payload={"room_id": "by-name"})
            self.assertEqual((await client.next("error_message", correlation_id=asked))["payload"]["code"],
                             "not_joined")

    async def test_where_events_cannot_be_asked_for_it_is_said_why(self):
        for dialect in ("json", "binary"):
            client = await self.client("ann", dialect)
            await client.join("somewhere")
            for type in ("subscribe", "unsubscribe"):
                asked = await client.send(type, payload={"event_types": ["a"]})
                refused = await client.next("error_message", correlation_id=asked)
                self.assertEqual(refused["payload"]["code"], "bad_request")
        client = await self.client("ann", "event")
        for begin in range(0, 255, 51):
            await client.subscribe(*(f"t{n}" for n in range(begin, begin + 51)))
        asked = await client.send("subscribe", event_types=["one", "more"])
        refused = await client.next("error_message", correlation_id=asked)
        self.assertEqual(refused["payload"]["code"], "forbidden")
        self.assertEqual(len(await client.unsubscribe("t0")), 255)

    async def test_the_server_api_is_heard_by_those_who_asked(self):
        hears = await self.client("ann", "event", events=("notice",))
        deaf = await self.client("bo", "event", events=("other",))
        for body in ({}, {"users": ["ann", "bo"]},
                     {"connections": [c.ack["connection_id"] for c in (hears, deaf)]}):
            self.assertEqual(self.api("/api/broadcast", {"type": "notice", "payload": {}, **body})[0], 200)
            await hears.next("notice")
            self.assertEqual([m for m in await deaf.silence() if m["type"] == "notice"], [])


class EventsDeflated(Events):
    client_options = {"close_timeout": 0.1}


class EventsInContexts(Events):
    options = ("--compression-context-takeover",)
    client_options = {"close_timeout": 0.1}


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
