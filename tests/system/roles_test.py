"""Rights by role, and by a token for one room (A3): who may do what where, until when."""

import time
import unittest

import signed
import websockets
from daemon import Daemon
from live_rights_test import API_KEY, PREMIUM, RightsCase
from native_client import Client

ROLES = ("--role", "editor:rooms=doc:*=join+publish lobby=join,permissions=premium:view",
         "--role", "basic:rooms=hall=join", "--role", "guest:rooms=hall=join,permissions=guest:view",
         "--default-role", "basic", "--anonymous-role", "guest")


class WithRoles(RightsCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "2", "--api-key", API_KEY, *signed.OPTIONS, *ROLES,
                            dev=False).start()

    async def anonymous(self):
        client = Client(await websockets.connect(f"{self.daemon.ws}/ws"))
        self.clients.append(client)
        await client.send("connect", payload={})
        client.ack = (await client.next("connection_ack"))["payload"]
        return client


class Roles(WithRoles):
    async def test_a_token_lists_what_its_user_is(self):
        editor = await self.client(rooms={"own": ["join"]}, roles=["editor", "of-another-service"])
        for room in ("doc:1", "lobby", "hall", "own"):
            await self.join(editor, room)
        await self.hears(editor, "doc:1", "tip", requires=PREMIUM)
        asked = await editor.send("note", "doc:1", {"text": "mine"})
        await editor.next("ack", correlation_id=asked)
        await self.refused(editor, "forbidden", "note", "lobby", {})
        await self.refused(editor, "forbidden", "join_room", "secret")

    async def test_everybody_with_a_token_has_the_default_one(self):
        plain = await self.client(rooms={})
        await self.join(plain, "hall")
        await self.refused(plain, "forbidden", "join_room", "doc:1")
        asked = await plain.send("refresh_token", payload={
            "token": signed.token(self.user, rooms={}, roles=["editor"])})
        await plain.next("ack", correlation_id=asked)
        await self.join(plain, "doc:1")
        asked = await plain.send("refresh_token", payload={
            "token": signed.token(self.user, rooms={})})
        await plain.next("ack", correlation_id=asked)
        self.assertEqual((await plain.next("room_left", room="doc:1"))["payload"]["reason"],
                         "forbidden")

    async def test_who_has_no_token_is_a_guest_of_his_own(self):
        one, other = await self.anonymous(), await self.anonymous()
        self.assertTrue(one.ack["user_id"].startswith("anonymous:"), one.ack)
        self.assertNotEqual(one.ack["user_id"], other.ack["user_id"])
        await self.join(one, "hall")
        await self.hears(one, "hall", "for guests", requires="guest:view")
        for type in ("join_room", "history"):
            await self.refused(one, "forbidden", type, "doc:1", {"limit": 1})
        await self.refused(one, "forbidden", "note", "hall", {})
        # A bad token is no token to be let in without.
        bad = Client(await websockets.connect(f"{self.daemon.ws}/ws?token=nonsense"))
        self.clients.append(bad)
        await self.closed(bad, 4401)

    async def test_what_the_api_denies_no_role_gives(self):
        editor = await self.client(rooms={}, roles=["editor"])
        await self.join(editor, "doc:1")
        self.api("grants", {"user": self.user, "rooms": {"doc:*": {"deny": ["join"]}},
                            "permissions": {"deny": [PREMIUM]}})
        await editor.next("room_left", room="doc:1")
        await self.refused(editor, "forbidden", "join_room", "doc:1")


class RoomTokens(WithRoles):
    async def borrow(self, client, where, **claims):
        made = signed.token(self.user, rooms=claims.pop("rooms", None) or {}, **claims)
        asked = await client.send("join_room", where, {"token": made})
        return await client.next("room_joined", correlation_id=asked)

    async def test_a_token_opens_its_room_and_no_other(self):
        client = await self.client(rooms={})
        await self.borrow(client, "den", room="den", actions=["join", "publish"])
        await client.send("note", "den", {"text": "x"})
        await client.next("note", room="den")
        await self.refused(client, "forbidden", "history", "den", {"limit": 1})
        for room, claims in (("other", {"room": "den"}), ("d*", {"room": "d*"}),
                             (f"user:{self.user}x", {"room": f"user:{self.user}x"}),
                             ("other", {"rooms": {"den": ["join"]}})):
            made = signed.token(self.user, **{"rooms": {}, **claims})
            await self.refused(client, "forbidden", "join_room", room, {"token": made})
        made = signed.token("somebody-else", rooms={}, room="den2")
        await self.refused(client, "forbidden", "join_room", "den2", {"token": made})
        made = signed.token(self.user, rooms={}, room="den2", secret="another secret" * 4)
        await self.refused(client, "unauthorized", "join_room", "den2", {"token": made})

    async def test_by_rooms_it_grants_what_it_says_of_this_one(self):
        client = await self.client(rooms={})
        await self.borrow(client, "set:1", rooms={"set:*": ["join", "history"]})
        asked = await client.send("history", "set:1", {"limit": 1})
        await client.next("history", correlation_id=asked)
        await self.refused(client, "forbidden", "join_room", "set:2")
        await client.send("leave_room", "set:1")
        await client.next("room_left", room="set:1")
        for type in ("join_room", "history"):  # it went with the subscription
            await self.refused(client, "forbidden", type, "set:1", {"limit": 1})

    async def test_the_subscription_ends_with_it_and_the_connection_goes_on(self):
        client = await self.client(rooms={})
        # Within the skew of 30 s.
        await self.borrow(client, "brief", room="brief", lives_s=-27)
        left = await client.next("room_left", room="brief")
        self.assertEqual(left["payload"]["reason"], "token_expired")
        await self.refused(client, "forbidden", "join_room", "brief")
        await self.join(client, "hall")

    async def test_a_fresh_one_takes_its_place(self):
        client = await self.client(rooms={})
        await self.borrow(client, "long", room="long", lives_s=-26)
        made = signed.token(self.user, rooms={}, room="long", actions=["join", "publish"])
        asked = await client.send("join_room", "long", {"token": made})
        await client.next("ack", correlation_id=asked)
        # What must not happen has no event: the first one ends within 4 s, and all the while it hears.
        end, count = time.monotonic() + 5, 0
        while time.monotonic() < end:
            count += 1
            await self.hears(client, "long", str(count))
        self.assertEqual([m for m in client.kept if m["type"] == "room_left"], [])

    async def test_it_is_taken_back_like_any_other(self):
        client = await self.client(rooms={})
        await self.borrow(client, "taken", room="taken", jti="lent-1")
        self.assertEqual(self.api("revoke", {"jti": "lent-1"}), {"closed": 0})
        left = await client.next("room_left", room="taken")
        self.assertEqual(left["payload"]["reason"], "revoked")
        made = signed.token(self.user, rooms={}, room="taken", jti="lent-1")
        await self.refused(client, "unauthorized", "join_room", "taken", {"token": made})
        await self.borrow(client, "taken", room="taken")
        self.api("block", {"user": self.user, "rooms": ["taken"]})
        left = await client.next("room_left", room="taken")
        self.assertEqual(left["payload"]["reason"], "blocked")
        made = signed.token(self.user, rooms={}, room="taken")
        await self.refused(client, "forbidden", "join_room", "taken", {"token": made})

    async def test_it_opens_no_connection(self):
        made = signed.token(self.user, rooms={}, room="den")
        stranger = Client(await websockets.connect(f"{self.daemon.ws}/ws?token={made}"))
        self.clients.append(stranger)
        await self.closed(stranger, 4401)
        client = await self.client(rooms={})
        asked = await client.send("refresh_token", payload={"token": made})
        answer = await client.next("error_message", correlation_id=asked)
        self.assertEqual(answer["payload"]["code"], "forbidden")
        for claims in ({"actions": ["join"]}, {"room": 5}, {"room": "x", "actions": ["fly"]},
                       {"room": "x", "actions": "join"}):
            made = signed.token(self.user, rooms={}, **claims)
            await self.refused(client, "unauthorized", "join_room", "x", {"token": made})


if __name__ == "__main__":
    unittest.main()
