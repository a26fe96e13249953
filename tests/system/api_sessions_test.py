"""Users and their connections by the server API: into rooms, out of them, away; and who is connected."""

import asyncio
import unittest

import websockets
from native_client import API_KEY, NativeCase


class ApiSessions(NativeCase):
    options = ("--namespace", "default:presence=true,history-count=100,members-max=0", "--namespace",
               "small:members-max=1,presence=true", "--rooms-per-connection-max", "4")

    def get(self, path):
        status, answer = self.daemon.request("GET", path, None, {"X-API-Key": API_KEY})
        self.assertEqual(status, 200, answer)
        return answer

    def post(self, path, **body):
        status, answer = self.api(path, body)
        self.assertEqual(status, 200, answer)
        return answer

    async def crowd(self, user, count):
        """Connections of one user; so many that both cores have some."""
        return [await self.client(user) for _ in range(count)]

    async def test_all_connections_of_a_user_are_put_into_a_room_and_hear_what_follows(self):
        anns = await self.crowd("ann", 12)
        await anns[0].join("club")
        bo = await self.client("bo")
        await bo.join("club")
        answer = await asyncio.to_thread(self.post, "/api/join", user="ann", room="club")
        self.assertEqual(answer, {"joined": 11, "already_joined": 1, "refused": 0})
        said = await asyncio.to_thread(self.post, "/api/publish", room="club", type="x", payload={})
        for ann in anns:
            if ann is not anns[0]:
                joined = await ann.next("room_joined", room="club")
                self.assertEqual(joined["payload"]["sequence"], said["sequence"] - 1)
            self.assertEqual((await ann.next("x"))["sequence"], said["sequence"])
        stats = await asyncio.to_thread(self.get, "/api/ws/rooms/club/presence/stats")
        self.assertEqual(stats, {"count": 2, "connections": 13})
        members = await asyncio.to_thread(self.get, "/api/ws/rooms/club/presence")
        self.assertEqual(sorted((m["user_id"], m["connections"]) for m in members["members"]),
                         [("ann", 12), ("bo", 1)])

    async def test_they_are_taken_out_again_and_hear_no_more(self):
        cys = await self.crowd("cy", 6)
        for cy in cys[:4]:
            await cy.join("hall")
        answer = await asyncio.to_thread(self.post, "/api/leave", user="cy", room="hall")
        self.assertEqual(answer, {"left": 4, "not_joined": 2})
        await asyncio.to_thread(self.post, "/api/publish", room="hall", type="x", payload={})
        for cy in cys[:4]:
            left = await cy.next("room_left", room="hall")
            self.assertEqual(left["payload"]["reason"], "removed")
        for cy in cys:
            self.assertNotIn("x", [message["type"] for message in await cy.silence()])

    async def test_a_join_is_counted_as_refused_where_a_limit_or_the_room_says_no(self):
        one, two = await self.client("di"), await self.client("di")
        for n in range(4):
            await one.join(f"room-{n}")
        answer = await asyncio.to_thread(self.post, "/api/join", user="di", room="room-9")
        self.assertEqual(answer, {"joined": 1, "already_joined": 0, "refused": 1})
        await (await self.client("ed")).join("small:x")
        answer = await asyncio.to_thread(self.post, "/api/join", user="di", room="small:x")
        self.assertEqual(answer, {"joined": 0, "already_joined": 0, "refused": 2})
        for client in (one, two):  # they did not ask, so they hear nothing of it
            self.assertNotIn("error_message", [message["type"] for message in await client.silence()])
        self.assertEqual(await asyncio.to_thread(self.post, "/api/join", user="nobody", room="x"),
                         {"joined": 0, "already_joined": 0, "refused": 0})

    async def test_connections_that_end_while_they_are_put_into_rooms_hold_nobody_up(self):
        for round in range(5):
            clients = await self.crowd("flo", 8)
            asked = asyncio.create_task(asyncio.to_thread(self.post, "/api/join", user="flo", room="r"))
            for client in clients:
                client.socket.transport.abort()
            answer = await asked
            self.assertLessEqual(sum(answer.values()), 8 * (round + 1))

    async def test_a_user_or_a_connection_is_closed_with_the_code_and_the_reason_given(self):
        gus = await self.crowd("gus", 6)
        hal = await self.client("hal")
        one = gus[0].ack["payload"]["connection_id"]
        answer = await asyncio.to_thread(self.post, "/api/disconnect", connection=one, code=4999, reason="you")
        self.assertEqual(answer, {"closed": 1})
        await gus[0].socket.wait_closed()
        self.assertEqual((gus[0].socket.close_code, gus[0].socket.close_reason), (4999, "you"))
        stays = gus[1].ack["payload"]["connection_id"]
        answer = await asyncio.to_thread(self.post, "/api/disconnect", user="gus", **{"except": stays})
        self.assertEqual(answer, {"closed": 4})
        for client in gus[2:]:
            await client.socket.wait_closed()
            self.assertEqual(client.socket.close_code, 4403)
        await gus[1].silence(), await hal.silence()
        self.assertEqual(await asyncio.to_thread(self.post, "/api/disconnect", connection=one), {"closed": 0})

    def pages(self, query):
        shown, cursor = [], ""
        while True:
            page = self.get(f"/api/ws/connections?{query}{cursor}")
            shown += page["connections"]
            if "next" not in page:
                return shown
            cursor = f"&cursor={page['next']}"

    async def test_every_connection_is_on_exactly_one_page_while_others_come_and_go(self):
        stay = await self.crowd("ida", 25)
        await stay[0].join("seen")
        ids = sorted(client.ack["payload"]["connection_id"] for client in stay)
        ends = asyncio.Event()

        async def others():
            while not ends.is_set():
                async with websockets.connect(f"{self.daemon.ws}/ws?user=jo"):
                    pass

        coming = [asyncio.create_task(others()) for _ in range(3)]
        for limit in (1, 3, 10, 1000):
            shown = await asyncio.to_thread(self.pages, f"limit={limit}")
            mine = sorted(c["connection_id"] for c in shown if c.get("user") == "ida")
            self.assertEqual(mine, ids, limit)
            of_user = await asyncio.to_thread(self.pages, f"limit={limit}&user=ida")
            self.assertEqual(sorted(c["connection_id"] for c in of_user), ids, limit)
        ends.set()
        await asyncio.gather(*coming)
        in_room = await asyncio.to_thread(self.pages, "room=seen")
        self.assertEqual([c["connection_id"] for c in in_room], [stay[0].ack["payload"]["connection_id"]])
        self.assertEqual((in_room[0]["rooms"], in_room[0]["address"]), (1, "127.0.0.1"))
        here = await asyncio.to_thread(self.pages, "user=ida&address=127.0.0.0/8")
        self.assertEqual(len(here), 25)
        self.assertEqual(await asyncio.to_thread(self.pages, "user=ida&address=10.0.0.0/8"), [])

    async def test_rooms_are_listed_by_name_a_page_at_a_time(self):
        names = sorted(f"page-{n:03d}" for n in range(57))
        for name in names:
            self.assertEqual(self.api("/api/publish", {"room": name, "type": "x", "payload": {}})[0], 200)
        for limit in (1, 10, 57, 100):
            shown, after = [], ""
            while True:
                page = self.get(f"/api/ws/rooms?prefix=page-&limit={limit}&after={after}")["rooms"]
                shown += [room["room"] for room in page]
                if len(page) < limit:
                    break
                after = page[-1]["room"]
            self.assertEqual(shown, names, limit)

    async def test_a_room_that_stays_is_listed_once_whatever_comes_and_goes_between_the_pages(self):
        names = [f"stays-{n:03d}" for n in range(60)]
        for n, name in enumerate(names):
            for room in (name, f"{name}-goes"):
                self.assertEqual(self.api("/api/publish", {"room": room, "type": "x", "payload": {}})[0], 200)
        shown, after = [], "earlier"  # a name in front of all that begin so
        while True:
            page = self.get(f"/api/ws/rooms?prefix=stays-&limit=7&after={after}")["rooms"]
            shown += [room["room"] for room in page]
            if len(page) < 7:
                break
            after = page[-1]["room"]
            # The one that the next page begins behind goes, and others on both sides of it.
            for room in {after, *shown[-3:], names[-len(shown) // 4] + "-goes"}:
                if room.endswith("-goes"):
                    self.daemon.request("DELETE", f"/api/ws/rooms/{room}", headers={"Authorization": f"Bearer {API_KEY}"})
            for room in (f"stays-{len(shown):03d}-new", "stays-", "stays-zzz"):
                self.api("/api/publish", {"room": room, "type": "x", "payload": {}})
        self.assertEqual([room for room in shown if room in names], names)
        self.assertEqual(shown, sorted(set(shown)))

    async def test_history_is_read_a_page_at_a_time_and_cleared(self):
        for n in range(25):
            self.api("/api/publish", {"room": "past", "type": "x", "payload": {"n": n}})
        for reverse in (False, True):
            seen, where = [], ""
            while True:
                page = self.get(f"/api/ws/rooms/past/history?limit=10&reverse={str(reverse).lower()}{where}")
                if not page["messages"]:
                    break
                seen += [message["payload"]["n"] for message in page["messages"]]
                where = f"&epoch={page['epoch']}&sequence={page['messages'][-1]['sequence']}"
            self.assertEqual(seen, sorted(range(25), reverse=reverse))
        ann = await self.client("kim")
        await ann.join("past")
        status, cleared = self.daemon.request("DELETE", "/api/ws/rooms/past/history", None, {"X-API-Key": API_KEY})
        self.assertEqual((status, cleared["cleared"], cleared["sequence"]), (200, 25, 25))
        back = await self.client("lee")
        joined = await back.join("past", recover={"epoch": cleared["epoch"], "sequence": 20})
        self.assertIs(joined["payload"]["recovered"], False)
        self.api("/api/publish", {"room": "past", "type": "x", "payload": {}})
        self.assertEqual((await ann.next("x"))["sequence"], 26)


if __name__ == "__main__":
    unittest.main()
