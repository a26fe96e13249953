"""Rights that change while somebody is connected (A5): blocks, grants and permissions by the server API; and that
nobody gets at what is another's by coming back (AUTH-10)."""

import asyncio
import itertools
import json
import time
import unittest

import signed
import websockets
from daemon import DEADLINE_S, Daemon
from native_client import API_KEY, Client

PREMIUM = "premium:view"


class RightsCase(unittest.IsolatedAsyncioTestCase):
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "2", "--api-key", API_KEY, *signed.OPTIONS, "--namespace",
                            "user:offline-count=50", "--revocations-max", "40", dev=False).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # unittest turns it on: five times slower
        self.clients = []
        self.user = f"ann-{next(self.numbers)}"

    async def asyncTearDown(self):
        for client in self.clients:
            await client.socket.close()

    async def client(self, user=None, **claims):
        made = signed.token(user or self.user, **claims)
        client = Client(await websockets.connect(f"{self.daemon.ws}/ws?token={made}"))
        self.clients.append(client)
        client.ack = (await client.next("connection_ack"))["payload"]
        return client

    async def member(self, room, user=None, **claims):
        client = await self.client(user, **claims)
        await self.join(client, room)
        return client

    async def join(self, client, room):
        asked = await client.send("join_room", room)
        return await client.next("room_joined", correlation_id=asked)

    def api(self, path, body, expected=200):
        status, answer = self.daemon.request("POST", f"/api/{path}", body,
                                             {"Authorization": f"Bearer {API_KEY}"})
        self.assertEqual(status, expected, answer)
        return answer

    def say(self, room, text, expected=200, **fields):
        return self.api("publish", {"room": room, "type": "note", "payload": {"text": text},
                                    **fields}, expected)

    async def hears(self, client, room, text, **fields):
        self.say(room, text, **fields)
        await client.next("note", payload={"text": text})

    async def refused(self, client, code, type, room, payload=None):
        asked = await client.send(type, room, payload)
        answer = await client.next("error_message", correlation_id=asked)
        self.assertEqual(answer["payload"]["code"], code, answer)
        return answer["payload"]["message"]

    async def closed(self, client, code):
        with self.assertRaises(websockets.exceptions.ConnectionClosed):
            while True:
                message = json.loads(await asyncio.wait_for(client.socket.recv(), DEADLINE_S))
                client.kept.append(message)
        self.assertEqual(client.socket.close_code, code)


class Blocks(RightsCase):
    async def test_who_is_blocked_is_closed_on_every_core_and_not_let_in_until_unblocked(self):
        watcher = await self.member("hall", "watcher")
        here = [await self.member("hall") for _ in range(4)]
        await watcher.next("user_joined")
        self.assertEqual(self.api("block", {"user": self.user}),
                         {"connections": 4, "closed": 4, "left": 0})
        for client in here:
            await self.closed(client, 4403)
        left = await watcher.next("user_left")
        self.assertEqual(left["payload"]["user_id"], self.user)
        for _ in range(3):  # one or the other core
            socket = await websockets.connect(
                f"{self.daemon.ws}/ws?token={signed.token(self.user)}")
            stranger = Client(socket)
            refusal = await stranger.next("error_message")
            self.assertEqual(refusal["payload"]["code"], "forbidden")
            await self.closed(stranger, 4403)
        self.assertEqual(self.api("unblock", {"user": self.user})["closed"], 0)
        await self.member("hall")

    async def test_what_waits_for_a_blocked_user_goes_and_nothing_more_waits(self):
        room = f"user:{self.user}"
        self.say(room, "before")
        self.api("block", {"user": self.user})
        answer = self.say(room, "during", expected=403)
        self.assertIn("blocked", answer["error"]["message"])
        self.api("unblock", {"user": self.user})
        client = await self.client()
        await self.hears(client, room, "after")
        self.assertEqual([m for m in client.kept if m["type"] == "note"], [])

    async def test_a_block_ends_at_its_time(self):
        self.api("block", {"user": self.user, "expires": time.time() + 2})
        end = time.monotonic() + DEADLINE_S
        while True:
            socket = await websockets.connect(
                f"{self.daemon.ws}/ws?token={signed.token(self.user)}")
            first = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))
            await socket.close()
            if first["type"] == "connection_ack":
                return
            self.assertLess(time.monotonic(), end)
            await asyncio.sleep(0.1)

    async def test_rooms_can_be_closed_to_a_user(self):
        inside, outside = await self.client(), await self.member("other:1")
        for room in ("chat:1", "chat:2", "talk"):
            await self.join(inside, room)
        answer = self.api("block", {"user": self.user, "rooms": ["chat:*"]})
        self.assertEqual(answer, {"connections": 2, "closed": 0, "left": 2})
        for room in ("chat:1", "chat:2"):
            left = await inside.next("room_left", room=room)
            self.assertEqual(left["payload"]["reason"], "blocked")
            for type, payload in (("join_room", None), ("history", {"limit": 1}), ("presence", None),
                                  ("room_info", None)):
                await self.refused(inside, "forbidden", type, room, payload)
            await self.refused(inside, "not_joined", "note", room, {})
        await self.hears(inside, "talk", "still here")
        await self.hears(outside, "other:1", "untouched")
        self.api("unblock", {"user": self.user, "rooms": ["chat:*"]})
        await self.join(inside, "chat:1")

    async def test_a_pattern_brings_no_room_that_was_taken_away(self):
        client = await self.client()
        asked = await client.send("join_room", "quote:*")
        await client.next("ack", correlation_id=asked)
        self.say("quote:eur", "1")
        await client.next("room_joined", room="quote:eur")
        self.api("block", {"user": self.user, "rooms": ["quote:eur", "quote:usd"]})
        await client.next("room_left", room="quote:eur")
        self.say("quote:usd", "2")
        await self.hears(client, "quote:gbp", "3")
        self.assertEqual([m["room"] for m in client.kept if m["type"] == "room_joined"],
                         ["quote:gbp"])
        self.api("block", {"user": self.user, "rooms": ["quote:*"]})
        self.assertEqual((await client.next("room_left", room="quote:*"))["payload"]["reason"],
                         "blocked")
        await self.refused(client, "not_joined", "note", "quote:gbp", {})


class GrantsChanged(RightsCase):
    async def test_rights_are_narrowed_and_widened_in_place(self):
        client = await self.member("wide:1", rooms={"wide:*": ["join", "publish"]})
        await self.refused(client, "forbidden", "join_room", "more")
        self.api("grants", {"user": self.user, "rooms": {
            "wide:*": {"deny": ["publish"], "allow": ["history"]},
            "more": {"allow": ["join", "publish"]}}})
        await self.refused(client, "forbidden", "note", "wide:1", {})
        asked = await client.send("history", "wide:1", {"limit": 1})
        await client.next("history", correlation_id=asked)
        await self.join(client, "more")
        # Each call is the last word.
        answer = self.api("grants", {"user": self.user, "rooms": {"wide:1": {"deny": ["join"]}}})
        self.assertEqual(answer["left"], 2)
        for room in ("wide:1", "more"):
            self.assertEqual((await client.next("room_left", room=room))["payload"]["reason"],
                             "forbidden")
        self.api("grants", {"user": self.user})
        await self.join(client, "wide:1")
        await client.send("note", "wide:1", {"text": "again"})
        await client.next("note")

    async def test_what_is_denied_no_other_grant_gives(self):
        client = await self.client(rooms={"*": ["admin"]})
        self.api("grants", {"user": self.user, "rooms": {
            "a:*": {"deny": ["publish"]}, "a:b": {"allow": ["admin"]}}})
        await self.join(client, "a:b")
        await self.refused(client, "forbidden", "note", "a:b", {})
        await self.join(client, "c")
        await client.send("note", "c", {"text": "x"})
        await client.next("note", room="c")

    async def test_permissions_are_given_and_taken_while_somebody_listens(self):
        client = await self.member("tips")
        self.say("tips", "1", requires=PREMIUM)
        self.api("grants", {"user": self.user, "permissions": {"allow": [PREMIUM]}})
        await self.hears(client, "tips", "2", requires=PREMIUM)
        asked = await client.send("refresh_token", payload={
            "token": signed.token(self.user, permissions=["other"])})
        await client.next("ack", correlation_id=asked)
        await self.hears(client, "tips", "3", requires=PREMIUM)  # a fresh token does not undo it
        self.api("grants", {"user": self.user, "permissions": {"deny": [PREMIUM]}})
        self.say("tips", "4", requires=PREMIUM)
        await self.hears(client, "tips", "5")
        self.assertEqual([m for m in client.kept if m["type"] == "note"], [])
        asked = await client.send("history", "tips", {"limit": 10})
        page = await client.next("history", correlation_id=asked)
        self.assertEqual([m["payload"]["text"] for m in page["payload"]["messages"]], ["5"])

    async def test_one_connection_can_be_meant_and_no_other(self):
        one, other = await self.member("room"), await self.member("room")
        answer = self.api("grants", {"connection": one.ack["connection_id"],
                                     "rooms": {"room": {"deny": ["join"]}}})
        self.assertEqual(answer, {"connections": 1, "closed": 0, "left": 1})
        await one.next("room_left", room="room")
        await self.hears(other, "room", "here")
        await self.refused(one, "forbidden", "join_room", "room")
        await one.socket.close()
        self.clients.remove(one)
        fresh = await self.member("room")
        await self.hears(fresh, "room", "back")
        self.api("grants", {"connection": one.ack["connection_id"]}, expected=404)

    async def test_what_was_allowed_for_a_time_ends_with_it(self):
        client = await self.client(rooms={"mine": ["join"]})
        self.api("grants", {"user": self.user, "rooms": {"lent": {"allow": ["join"]}},
                            "expires": time.time() + 2})
        await self.join(client, "lent")
        left = await client.next("room_left", room="lent")
        self.assertEqual(left["payload"]["reason"], "forbidden")
        await self.refused(client, "forbidden", "join_room", "lent")

    async def test_who_comes_later_has_what_was_said_before(self):
        self.api("grants", {"user": self.user, "rooms": {"*": {"deny": ["publish"]}},
                            "permissions": {"allow": [PREMIUM]}})
        client = await self.member("late")
        await self.refused(client, "forbidden", "note", "late", {})
        await self.hears(client, "late", "1", requires=PREMIUM)

    async def test_what_cannot_be_understood_is_refused_by_its_field(self):
        for path, body, field in (
                ("block", {}, "user"), ("block", {"user": ""}, "user"),
                ("block", {"user": "a\u001fb"}, "user"), ("block", {"user": "a" * 256}, "user"),
                ("block", {"user": "a", "rooms": []}, "rooms"),
                ("block", {"user": "a", "rooms": ["*****"]}, "rooms"),
                ("block", {"user": "a", "expires": 1}, "expires"),
                ("block", {"user": "a", "why": "x"}, "why"),
                ("unblock", {"user": "a", "expires": 9e9}, "expires"),
                ("grants", {"rooms": {}}, "user"),
                ("grants", {"user": "a", "connection": "0-0-0"}, "connection"),
                ("grants", {"connection": "nonsense"}, "connection"),
                ("grants", {"user": "a", "rooms": {"x": ["join"]}}, "rooms"),
                ("grants", {"user": "a", "rooms": {"x": {}}}, "rooms"),
                ("grants", {"user": "a", "rooms": {"x": {"allow": ["jump"]}}}, "rooms"),
                ("grants", {"user": "a", "rooms": {"a\nb": {"allow": ["join"]}}}, "rooms"),
                ("grants", {"user": "a", "permissions": ["x"]}, "permissions"),
                ("grants", {"user": "a", "permissions": {"allow": [1]}}, "permissions"),
                ("grants", {"user": "a", "permissions": {"give": ["x"]}}, "permissions")):
            answer = self.api(path, body, expected=422)
            self.assertEqual(answer["error"]["path"], f"$.{field}", body)

    async def test_as_much_as_may_be_is_remembered_and_no_more(self):
        users = [f"full-{n}" for n in range(60)]
        statuses = []
        for user in users:
            statuses.append(self.daemon.request(
                "POST", "/api/grants", {"user": user, "rooms": {"x": {"deny": ["join"]}}},
                {"Authorization": f"Bearer {API_KEY}"})[0])
        self.assertIn(503, statuses)
        self.assertLessEqual(statuses.count(200), 40)
        here = await self.member("full")
        self.api("block", {"user": self.user}, expected=503)
        await self.closed(here, 4403)  # it is not remembered, but it is done
        for user in users:
            self.api("unblock", {"user": user})
            self.api("grants", {"user": user}, expected=200)
        self.api("block", {"user": self.user})
        self.api("unblock", {"user": self.user})


class ComingBack(RightsCase):
    async def test_a_position_opens_nothing_that_is_not_granted(self):
        owner = await self.member("secret", "owner")
        epoch = self.say("secret", "1")["epoch"]
        await owner.next("note")
        position = {"sequence": 0, "epoch": epoch}
        stranger = await self.client(rooms={"lobby": ["join"], "half": ["join"]})
        for type, payload in (("join_room", {"recover": position}),
                              ("join_room", {"history": 10}), ("history", {"limit": 10}),
                              ("history", {"limit": 10, "since": position}), ("presence", None),
                              ("room_info", None), ("delete_room", None)):
            await self.refused(stranger, "forbidden", type, "secret", payload)
        for type in ("note", "typing_indicator", "update_presence", "leave_room"):
            await self.refused(stranger, "not_joined", type, "secret",
                               {"info": {}} if type == "update_presence" else {})
        # Joining is not reading what was said before, nor seeing who is there.
        await self.refused(stranger, "forbidden", "join_room", "half", {"history": 10})
        await self.refused(stranger, "forbidden", "join_room", "half", {"presence": True})

    async def test_what_was_taken_is_not_recovered(self):
        client = await self.member("gone")
        epoch = self.say("gone", "1")["epoch"]
        await client.next("note")
        self.api("block", {"user": self.user, "rooms": ["gone"]})
        await client.next("room_left")
        self.say("gone", "2")
        await self.refused(client, "forbidden", "join_room", "gone",
                           {"recover": {"sequence": 1, "epoch": epoch}})
        back = await self.client()
        await self.refused(back, "forbidden", "join_room", "gone",
                           {"recover": {"sequence": 1, "epoch": epoch}})

    async def test_what_is_for_one_person_is_nobody_elses(self):
        self.say(f"user:{self.user}", "for ann")
        thief = await self.client("thief", rooms={"*": ["admin"], "user:*": ["admin"]})
        room = f"user:{self.user}"
        epoch = self.say(room, "more")["epoch"]
        for type, payload in (("join_room", None), ("history", {"limit": 10}), ("presence", None),
                              ("join_room", {"recover": {"sequence": 0, "epoch": epoch}})):
            await self.refused(thief, "forbidden", type, room, payload)
        await self.refused(thief, "invalid", "acknowledge", room,
                           {"sequence": 2, "epoch": epoch})
        # In `connect` it is asked for as any other room, and refused.
        made = signed.token("thief")
        socket = Client(await websockets.connect(f"{self.daemon.ws}/ws"))
        self.clients.append(socket)
        asked = await socket.send("connect", payload={"token": made, "rooms": [
            {"room": room, "sequence": 0, "epoch": epoch}]})
        await socket.next("connection_ack")
        refusal = await socket.next("error_message", correlation_id=asked)
        self.assertEqual(refusal["payload"]["code"], "forbidden")
        owner = await self.client()
        self.assertEqual([(await owner.next("note"))["payload"]["text"] for _ in range(2)],
                         ["for ann", "more"])


if __name__ == "__main__":
    unittest.main()
