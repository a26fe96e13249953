"""Messages that require a permission (A4): who hears them, in every dialect, live and afterwards."""

import asyncio
import itertools
import unittest

import signed
from dialect_client import DialectClient
from native_client import API_KEY
from daemon import Daemon

PREMIUM = "premium:view"
STAFF = "staff:view"
# What a deflate offer changes is where the frames lie, so everything is asked of both.
# Who reads late is closed in the end all the same: what waits to be read must not hold up its close.
DEFLATED = {"max_queue": None}
PLAIN = {"compression": None, **DEFLATED}
FORMS = [("json", ""), ("json", "&batch=1"), ("binary", ""), ("event", "")]


class RequiresCase(unittest.IsolatedAsyncioTestCase):
    namespaces = ()
    websocket = PLAIN
    ends = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        options = [part for name in cls.namespaces for part in ("--namespace", name)]
        cls.daemon = Daemon("--cores", "2", "--api-key", API_KEY, "--compression-bytes-min", "0",
                            *signed.OPTIONS, *options, dev=False).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # unittest turns it on: five times slower
        self.clients = []

    async def asyncTearDown(self):
        for client in self.clients:
            await client.socket.close()

    async def client(self, user, *permissions, form=("json", ""), **claims):
        dialect, query = form
        made = signed.token(user, permissions=permissions, **claims)
        client = await DialectClient.open(self.daemon, user, dialect, f"&token={made}{query}",
                                          **self.websocket)
        self.clients.append(client)
        return client

    async def member(self, user, room, *permissions, form=("json", ""), **payload):
        client = await self.client(user, *permissions, form=form)
        asked = await client.send("join_room", room, payload or None)
        client.joined = await client.next("room_joined", correlation_id=asked)
        client.room = room
        return client

    def api(self, path, body):
        return self.daemon.request("POST", path, body, {"Authorization": f"Bearer {API_KEY}"})

    def say(self, room, text, requires=None, **fields):
        body = {"room": room, "type": "note", "payload": {"text": text}, **fields}
        if requires:
            body["requires"] = requires
        status, answer = self.api("/api/publish", body)
        self.assertEqual(status, 200, answer)
        return answer

    @staticmethod
    def texts(messages):
        return [m["payload"]["text"] for m in messages if m["type"] == "note"]

    async def notes(self, client, room=None):
        """What the client has heard of its room until now: the room's order ends it, not the clock."""
        end = f"end {next(self.ends)}"
        self.say(room or client.room, end)
        await client.next("note", payload={"text": end})
        kept, client.kept = client.kept, []
        return [m for m in kept if m["type"] == "note" and not m["payload"]["text"].startswith("end ")]

    async def heard(self, client, room=None):
        return self.texts(await self.notes(client, room))


class Live(RequiresCase):
    async def test_only_who_holds_the_permission_hears_it_in_every_dialect(self):
        for room in ("requires-0", "requires-1", "requires-2"):  # homes on both cores
            free = [await self.member(f"f{n}", room, form=form) for n, form in enumerate(FORMS)]
            held = [await self.member(f"h{n}", room, PREMIUM, "other", form=form)
                    for n, form in enumerate(FORMS)]
            both = [await self.member(f"b{n}", room, STAFF, PREMIUM, form=form)
                    for n, form in enumerate(FORMS)]
            for text, requires in (("1", None), ("2", PREMIUM), ("3", STAFF), ("4", None)):
                self.say(room, text, requires)
            for client in free:
                self.assertEqual(await self.heard(client), ["1", "4"], client.dialect)
            for client in held:
                self.assertEqual(await self.heard(client), ["1", "2", "4"], client.dialect)
            for client in both:
                self.assertEqual(await self.heard(client), ["1", "2", "3", "4"], client.dialect)

    async def test_of_a_batch_each_hears_its_own_part(self):
        # 40 of one turn: whatever a batch begins and ends with, and long runs of either kind.
        pattern = [None, PREMIUM, PREMIUM, None, STAFF, None, None, PREMIUM, STAFF, PREMIUM] * 4
        for start in range(3):
            room = f"parts-{start}"
            order = pattern[start:] + pattern[:start]
            speaker = await self.member("speaker", room)
            members = [(await self.member(f"m{i}-{j}", room, *held, form=form), held)
                       for i, form in enumerate(FORMS) for j, held in
                       enumerate(((), (), (PREMIUM,), (PREMIUM,), (STAFF,), (PREMIUM, STAFF)))]
            messages = [{"type": "note", "room": room, "payload": {"text": str(n)},
                         **({"requires": needed} if needed else {})}
                        for n, needed in enumerate(order)]
            await speaker.send("message_batch", payload={"messages": [
                *messages, {"type": "note", "room": room, "payload": {"text": "end"}}]})
            await speaker.next("note", payload={"text": "end"})
            for client, held in members:
                expected = [str(n) for n, needed in enumerate(order)
                            if needed is None or needed in held]
                self.assertEqual(await self.heard(client), expected + ["end"],
                                 (client.dialect, held))

    async def test_who_hears_the_next_message_can_tell_that_nothing_of_its_own_was_lost(self):
        room = "previous"
        free, held = await self.member("free", room), await self.member("held", room, PREMIUM)
        for text, requires in (("1", None), ("2", PREMIUM), ("3", PREMIUM), ("4", STAFF),
                               ("5", PREMIUM), ("6", None), ("7", None)):
            self.say(room, text, requires)
        for client, expected in ((free, ["1", "6", "7"]), (held, ["1", "2", "3", "5", "6", "7"])):
            messages = await self.notes(client)
            self.assertEqual(self.texts(messages), expected)
            at = 0
            for message in messages:
                self.assertLessEqual(message.get("previous", message["sequence"] - 1), at)
                at = message["sequence"]

    async def test_what_is_ephemeral_and_what_is_for_many_is_held_to_it_too(self):
        room = "others"
        speaker = await self.member("speaker", room)
        free, held = await self.member("free", room), await self.member("held", room, PREMIUM)
        await speaker.send("typing_indicator", room, {"typing": True}, requires=PREMIUM)
        self.assertEqual((await held.next("typing_indicator"))["sender"], "speaker")
        for where in ({}, {"users": ["free", "held"]}, {"rooms": [room, "oth*"]},
                      {"connections": [c.ack["payload"]["connection_id"] for c in (free, held)]}):
            status, answer = self.api("/api/broadcast", {"type": "wide", "payload": {},
                                                         "requires": PREMIUM, **where})
            self.assertEqual(status, 200, answer)
            await held.next("wide")
        types = {m["type"] for m in await free.silence()}
        self.assertFalse(types & {"wide", "typing_indicator"}, types)

    async def test_a_fresh_token_changes_what_is_heard_at_once(self):
        room = "refreshed"
        client = await self.member("ann", room)
        for permissions, expected in (((PREMIUM,), ["a"]), ((), []), ((STAFF, PREMIUM), ["c"])):
            asked = await client.send("refresh_token", payload={
                "token": signed.token("ann", permissions=permissions)})
            await client.next("ack", correlation_id=asked)
            self.say(room, expected[0] if expected else "b", PREMIUM)
            self.assertEqual(await self.heard(client), expected)

    async def test_a_value_cannot_require_a_permission(self):
        status, answer = self.api("/api/publish", {"room": "kept", "type": "note", "payload": {},
                                                   "key": "k", "requires": PREMIUM})
        self.assertEqual(status, 422, answer)
        client = await self.member("ann", "kept")
        asked = await client.send("note", "kept", {}, key="k", requires=PREMIUM)
        refused = await client.next("validation_error", correlation_id=asked)
        self.assertEqual(refused["payload"]["errors"][0]["path"], "requires")

    async def test_more_sets_of_permissions_than_are_shared_hear_what_is_theirs(self):
        room = "many-sets"
        members = [await self.member(f"u{n}", room, f"own:{n}", *([PREMIUM] if n % 2 else []))
                   for n in range(40)]
        speaker = await self.member("speaker", room)
        messages = [{"type": "note", "room": room, "payload": {"text": f"own:{n}"},
                     "requires": f"own:{n}"} for n in range(40)]
        await speaker.send("message_batch", payload={"messages": messages + [
            {"type": "note", "room": room, "payload": {"text": "premium"}, "requires": PREMIUM},
            {"type": "note", "room": room, "payload": {"text": "all"}}]})
        await speaker.next("note", payload={"text": "all"})
        for n, member in enumerate(members):
            self.assertEqual(await self.heard(member),
                             [f"own:{n}", *(["premium"] if n % 2 else []), "all"])


class LiveDeflated(Live):
    websocket = DEFLATED


class Past(RequiresCase):
    namespaces = ("short:history-count=5", "user:offline-count=50",
                  "lossy:history-count=100,slow-consumer=drop-oldest")

    async def test_history_and_recovery_bring_what_one_may_hear(self):
        for room in ("past-0", "past-1", "past-2"):
            epoch = self.say(room, "1")["epoch"]
            for text, requires in (("2", PREMIUM), ("3", STAFF), ("4", None), ("5", PREMIUM)):
                self.say(room, text, requires)
            for form in FORMS[:3]:
                for held, expected in (((), ["1", "4"]), ((PREMIUM,), ["1", "2", "4", "5"])):
                    client = await self.member("ann", room, *held, form=form,
                                               recover={"sequence": 0, "epoch": epoch})
                    self.assertIs(client.joined["payload"]["recovered"], True)
                    self.assertEqual(client.joined["payload"]["sequence"], 5)
                    self.assertEqual(self.texts(await client.following(client.joined)), expected)
                    asked = await client.send("history", room, {"limit": 10})
                    page = await client.next("history", correlation_id=asked)
                    self.assertEqual(self.texts(await client.following(page)), expected)
                    client = await self.member("ann", room, *held, form=form, history=2)
                    self.assertEqual(self.texts(await client.following(client.joined)),
                                     expected[-2:])

    async def test_what_one_may_not_hear_is_no_loss_when_it_is_gone(self):
        room = "short:room"  # five are kept
        epoch = self.say(room, "1")["epoch"]
        for n in range(2, 31):
            self.say(room, str(n), PREMIUM)
        self.say(room, "31")
        for sequence, held, recovered in (
                (1, (), True), (0, (), False), (1, (PREMIUM,), False), (26, (PREMIUM,), True),
                (25, (PREMIUM,), False), (1, (STAFF,), True), (31, (), True)):
            client = await self.member("ann", room, *held,
                                       recover={"sequence": sequence, "epoch": epoch})
            self.assertIs(client.joined["payload"]["recovered"], recovered, (sequence, held))
            if recovered and sequence < 31 and not held:
                self.assertEqual(self.texts(client.joined["payload"]["messages"]), ["31"])
            asked = await client.send("history", room, {
                "limit": 10, "since": {"sequence": sequence, "epoch": epoch}})
            if recovered:
                await client.next("history", correlation_id=asked)
            else:
                refused = await client.next("error_message", correlation_id=asked)
                self.assertEqual(refused["payload"]["code"], "unrecoverable")

    async def test_what_waits_for_a_user_is_what_it_may_hear(self):
        room = "user:ann"
        for text, requires in (("1", PREMIUM), ("2", None), ("3", STAFF), ("4", PREMIUM)):
            self.say(room, text, requires)
        free = await self.client("ann")
        self.assertEqual(await self.heard(free, room), ["2"])
        held = await self.client("ann", PREMIUM)
        self.assertEqual(await self.heard(held, room), ["1", "2", "4"])
        self.say(room, "5", PREMIUM)
        self.assertEqual(await self.heard(held, room), ["5"])
        self.assertEqual(await self.heard(free, room), [])


if __name__ == "__main__":
    unittest.main()
