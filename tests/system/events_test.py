"""Clients that listen to events: each hears the types that it asked for, in every form of the dialect."""

import unittest

from dialect_client import DialectCase


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


if __name__ == "__main__":
    unittest.main(verbosity=2)
