"""The flight recorder, read back by connection, user and room (H5)."""

import asyncio
import time
import unittest

from daemon import until
from native_client import NativeCase

KEY = "the-key-of-the-operator-fedcba98765"


class Trace(NativeCase):
    options = ("--admin", "--admin-listen", "127.0.0.1:0", "--admin-key", KEY, "--recorder-events", "1024")

    def trace(self, expect=200, **query):
        path = "/admin/trace?" + "&".join(f"{name}={value}" for name, value in query.items())
        status, answer = self.daemon.request("GET", path, headers={"X-API-Key": KEY}, port=self.daemon.admin_port)
        self.assertEqual(status, expect, answer)
        return answer["events"] if expect == 200 else answer["error"]

    def names(self, **query):
        return [event["event"] for event in self.trace(**query)]

    async def test_a_connection_is_followed_from_its_beginning_to_its_end(self):
        ann = await self.client("ann")
        me = ann.ack["payload"]["connection_id"]
        await ann.join("traced", presence=False)
        await ann.send("room_message", "traced", {})
        await ann.next("ack")
        await ann.send("room_message", "elsewhere", {})
        await ann.next("error_message")
        await ann.send("leave_room", "traced")
        await ann.next("room_left")
        await ann.socket.close(1000)
        until(lambda: "ended" in self.names(connection=me), "the end")
        events = self.trace(connection=me)
        self.assertEqual([event["event"] for event in events],
                         ["accepted", "upgraded", "identified", "asked", "joined", "numbered", "acknowledged",
                          "refused", "asked", "left", "closed", "ended"])
        self.assertEqual({event["connection"] for event in events}, {me})
        times = [event["at"] for event in events]
        self.assertEqual(sorted(times), times)
        self.assertLess(abs(float(times[0]) - time.time()), 60)
        by_name = {event["event"]: event for event in events}
        self.assertEqual(by_name["numbered"]["sequence"], 1)
        self.assertEqual(by_name["acknowledged"]["sequence"], 1)
        self.assertEqual(by_name["refused"]["code"], "not_joined")
        self.assertEqual(by_name["closed"]["code"], 1000)
        self.assertEqual([event["command"] for event in events if event["event"] == "asked"],
                         ["join_room", "leave_room"])

    async def test_a_room_tells_what_was_said_and_to_how_many_over_all_cores(self):
        clients = [await self.client(f"listener{i}") for i in range(6)]
        for client in clients:
            await client.join("hall", presence=False)
        for client in clients:
            await client.send("room_message", "hall", {})
        for client in clients:
            for _ in clients:
                await client.next("room_message")

        def whole():
            events = self.trace(room="hall", limit=1000)
            numbered = [event["sequence"] for event in events if event["event"] == "numbered"]
            return events if len(numbered) == 6 else None

        events = until(whole, "all of it")
        self.assertEqual([event["sequence"] for event in events if event["event"] == "numbered"], list(range(1, 7)))
        self.assertEqual({event["room"] for event in events}, {"hall"})
        self.assertEqual({event["listeners"] for event in events if event["event"] == "sealed"} - {0, 1, 2, 3, 4, 5}, {6})
        self.assertEqual(len([event for event in events if event["event"] == "joined"]), 6)
        self.assertEqual(sorted(event["at"] for event in events), [event["at"] for event in events])

    async def test_a_user_is_followed_over_all_of_its_connections(self):
        first, second = await self.client("twice"), await self.client("twice")
        for client in (first, second):
            await client.silence()
        events = self.trace(user="twice")
        self.assertEqual({event["connection"] for event in events},
                         {client.ack["payload"]["connection_id"] for client in (first, second)})
        self.assertEqual({event["user"] for event in events}, {"twice"})
        self.assertEqual(self.trace(user="nobody-of-that-name"), [])
        self.assertEqual(self.trace(user="twice", workspace="another"), [])

    async def test_it_is_as_long_as_it_is_and_the_newest_stay(self):
        ann = await self.client("ann")
        me = ann.ack["payload"]["connection_id"]
        for _ in range(1200):
            await ann.send("ping")
        await ann.silence()
        self.assertEqual(len(self.trace(connection=me)), 100)
        events = self.trace(connection=me, limit=1000)
        self.assertEqual(len(events), 1000)
        self.assertEqual(set(self.names(connection=me, limit=1000)), {"asked"})
        self.assertEqual(self.daemon.metrics()['ringroom_memory_bytes{purpose="recorder"}'], 2 * 1024 * 32)
        self.assertEqual(len(self.trace(connection=me, limit=0)), 0)

    async def test_what_cannot_be_looked_for_is_told(self):
        for query in ({}, {"user": "a", "room": "b"}, {"connection": "x"}, {"room": "%01"}, {"user": ""},
                      {"room": "a", "limit": "many"}, {"room": "a", "limit": "1001"}, {"room": "a", "workspace": "%00"}):
            self.assertEqual(self.trace(400, **query)["code"], "bad_request", query)

    async def test_only_the_admin_listener_has_it_and_only_for_its_key(self):
        self.assertEqual(self.daemon.request("GET", "/admin/trace?room=a", headers={"X-API-Key": KEY})[0], 404)
        self.assertEqual(self.daemon.request("GET", "/admin/trace?room=a", port=self.daemon.admin_port)[0], 401)

    async def test_traces_one_behind_the_other_are_all_answered(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.daemon.admin_port)
        ask = f"GET /admin/trace?room=x HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n"
        writer.write(((ask + "\r\n") * 30 + ask + "Connection: close\r\n\r\n").encode())
        answers = (await reader.read(-1)).split(b"HTTP/1.1 200 OK")[1:]
        writer.close()
        self.assertEqual(len(answers), 31)


if __name__ == "__main__":
    unittest.main(verbosity=2)
