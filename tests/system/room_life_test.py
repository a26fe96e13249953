"""Rooms as things of their own: made, described, listed, full, deleted; by clients and by the API."""

import asyncio
import json
import unittest

from native_client import API_KEY, NativeCase


class RoomLife(NativeCase):
    options = ("--namespace", "default:members-max=0",
               "--namespace", "fixed:auto-create=false,client-create=false",
               "--namespace", "small:members-max=2")

    async def ask(self, client, type, room=None, payload=None):
        """The answer to a command, whatever it is."""
        message_id = await client.send(type, room, payload)
        while True:
            for i, message in enumerate(client.kept):
                if message.get("correlation_id") == message_id:
                    return client.kept.pop(i)
            client.kept.append(json.loads(await asyncio.wait_for(client.socket.recv(), 10)))

    def code(self, answer):
        self.assertEqual(answer["type"], "error_message", answer)
        return answer["payload"]["code"]

    def rest(self, method, path, body=None):
        return self.daemon.request(method, path, body, {"Authorization": f"Bearer {API_KEY}"})

    async def test_a_room_is_made_described_and_deleted_by_its_owner(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        made = await self.ask(ann, "create_room", "den",
                              {"max_members": 5, "public": False, "metadata": {"color": "red"}})
        self.assertEqual(made["type"], "room_created")
        self.assertEqual((made["payload"]["owner"], made["payload"]["max_members"]), ("ann", 5))
        self.assertEqual(self.code(await self.ask(bo, "create_room", "den", {})), "conflict")
        await bo.join("den")
        await ann.join("den")
        info = await self.ask(bo, "room_info", "den")
        self.assertEqual(info["payload"]["members"], 2)
        self.assertEqual(info["payload"]["metadata"], {"color": "red"})
        deleted = await self.ask(ann, "delete_room", "den")
        self.assertEqual(deleted["type"], "room_deleted")
        for client in (ann, bo):
            left = await client.next("room_left", room="den")
            self.assertEqual(left["payload"]["reason"], "deleted")
        self.assertEqual(self.code(await self.ask(bo, "room_info", "den")), "not_found")
        self.assertEqual(self.code(await self.ask(bo, "room_message", "den", {})), "not_joined")
        joined = await bo.join("den")  # it can be made anew, by joining, with another numbering
        self.assertNotEqual(joined["payload"]["epoch"], info["payload"]["epoch"])

    async def test_listing_shows_what_one_may_see(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        for name, public in (("shop-a", True), ("shop-b", False), ("shop-c", True)):
            await self.ask(ann, "create_room", name, {"public": public})
        names = {}
        for client, user in ((ann, "ann"), (bo, "bo")):
            listed = await self.ask(client, "list_rooms", payload={"prefix": "shop-"})
            self.assertEqual(listed["type"], "room_list", listed)
            names[user] = [room["room"] for room in listed["payload"]["rooms"]]
        self.assertEqual(names, {"ann": ["shop-a", "shop-b", "shop-c"], "bo": ["shop-a", "shop-c"]})
        few = await self.ask(ann, "list_rooms", payload={"prefix": "shop-", "limit": 1})
        self.assertEqual(len(few["payload"]["rooms"]), 1)

    async def test_a_full_room_takes_no_further_member_but_further_connections(self):
        ann, bo, cy = [await self.client(user) for user in ("ann", "bo", "cy")]
        await ann.join("small:x")
        await bo.join("small:x")
        self.assertEqual(self.code(await self.ask(cy, "join_room", "small:x")), "room_full")
        again = await self.client("ann")
        await again.join("small:x")
        await self.ask(bo, "leave_room", "small:x")
        await cy.join("small:x")

    async def test_a_namespace_can_leave_making_rooms_to_the_backend(self):
        ann = await self.client("ann")
        self.assertEqual(self.code(await self.ask(ann, "join_room", "fixed:x")), "not_found")
        self.assertEqual(self.code(await self.ask(ann, "create_room", "fixed:x", {})), "forbidden")
        self.assertEqual(self.rest("POST", "/api/ws/rooms", {"room": "fixed:x"})[0], 201)
        await ann.join("fixed:x")
        self.assertEqual(self.rest("DELETE", "/api/ws/rooms/fixed%3Ax")[0], 200)
        await ann.next("room_left", room="fixed:x")
        self.assertEqual(self.rest("GET", "/api/ws/rooms/fixed%3Ax")[0], 404)

    async def test_the_api_makes_lists_and_names_what_is_wrong(self):
        status, made = self.rest("POST", "/api/ws/rooms",
                                 {"room": "api/1", "max_members": 3, "owner": "ann"})[:2]
        self.assertEqual(status, 201)
        self.assertEqual(self.rest("POST", "/api/ws/rooms", {"room": "api/1"})[0], 409)
        status, one = self.rest("GET", "/api/ws/rooms/api%2F1")[:2]
        self.assertEqual(status, 200)
        status, listed = self.rest("GET", "/api/ws/rooms?prefix=api/")[:2]
        self.assertEqual(status, 200)
        self.assertIn("api/1", json.dumps(listed) if not isinstance(listed, str) else listed)
        self.assertEqual(self.rest("GET", "/api/ws/rooms?limit=x")[0], 422)
        for wrong in ({"room": ""}, {"room": "x", "max_members": "3"}, {"room": "x", "public": 1},
                      {"room": "x", "metadata": []}, {"room": "x", "color": 1}):
            self.assertEqual(self.rest("POST", "/api/ws/rooms", wrong)[0], 422, wrong)

    async def test_deleting_a_busy_room_ends_it_for_everybody_on_every_core(self):
        clients = [await self.client(f"u{n}") for n in range(20)]
        for client in clients:
            await client.join("busy")
        for client in clients:
            await client.send("room_message", "busy", {"text": "x"})
        self.assertEqual(self.rest("DELETE", "/api/ws/rooms/busy")[0], 200)
        for client in clients:
            await client.next("room_left", room="busy")
        self.assertEqual(self.rest("GET", "/api/ws/rooms/busy")[0], 404)


if __name__ == "__main__":
    unittest.main()
