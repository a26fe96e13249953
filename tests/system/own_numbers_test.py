"""The server's own numbers as rooms (L3), each for who has the right; and WebSockets of the admin listener."""

import asyncio
import json
import unittest

import websockets
from daemon import DEADLINE_S, Daemon
from native_client import API_KEY, Client, NativeCase
from signed import SECRET, token

KEY = "the-key-of-the-operator-fedcba98765"
TOPICS = {
    "start_monitoring": ("admin:system_monitoring", "system_metrics", "analytics:read"),
    "start_user_activity": ("admin:user_activity", "user_activity", "audit:read"),
    "start_performance": ("admin:performance", "performance_metrics", "analytics:read"),
}


class OwnNumbers(NativeCase):
    """In development everybody may hear everything."""

    async def test_each_topic_is_told_in_its_room_at_its_interval(self):
        ann = await self.client("ann")
        for start, (room, type, _) in TOPICS.items():
            message_id = await ann.send(start, payload={"interval": 1})
            joined = await ann.next("room_joined", correlation_id=message_id)
            self.assertEqual(joined["room"], room + ":1s")
            first = await ann.next(type, room=room + ":1s")
            second = await ann.next(type, room=room + ":1s")
            self.assertEqual(second["sequence"], first["sequence"] + 1)
            self.assertGreater(second["timestamp"] - first["timestamp"], 0.5)
            self.assertNotIn("sender", first)

    async def test_without_an_interval_it_is_the_usual_room(self):
        ann = await self.client("ann")
        for start, (room, type, _) in TOPICS.items():
            await ann.send(start)
            await ann.next(type, room=room)

    async def test_a_plain_join_starts_them_too_and_the_last_numbers_are_there_at_once(self):
        ann, bob = await self.client("ann"), await self.client("bob")
        await ann.send("join_room", "admin:performance:2s")
        told = await ann.next("performance_metrics")
        await bob.send("join_room", "admin:performance:2s", {"history": 1})
        joined = await bob.next("room_joined")
        self.assertEqual(joined["payload"]["messages"][0]["sequence"], told["sequence"])

    async def test_numbers_are_those_of_what_is_done(self):
        ann = await self.client("ann")
        await ann.send("start_monitoring", payload={"interval": 1})
        system = (await ann.next("system_metrics"))["payload"]
        self.assertGreaterEqual(system["connections"]["authenticated"], 1)
        self.assertEqual([core["core"] for core in system["cores"]], [0, 1])
        self.assertIn("history", system["memory_bytes"])
        await ann.send("start_user_activity", payload={"interval": 1})
        users = (await ann.next("user_activity"))["payload"]
        self.assertGreaterEqual(users["active_users"]["5m"], 1)
        self.assertGreaterEqual(users["messages_by_type_total"]["start_monitoring"], 1)
        await ann.send("start_performance", payload={"interval": 1})
        await ann.next("performance_metrics")
        await ann.join("busy")
        for _ in range(50):
            await ann.send("room_message", "busy", {})

        async def busy():
            while True:
                numbers = (await ann.next("performance_metrics"))["payload"]
                if numbers["publish_to_ack"]["count"] >= 50:
                    return numbers

        numbers = await asyncio.wait_for(busy(), DEADLINE_S)
        self.assertGreater(numbers["per_s"]["published"], 0)
        self.assertGreater(numbers["publish_to_ack"]["p99_ms"], 0)

    async def test_stopping_leaves_and_what_nobody_hears_is_not_told(self):
        ann = await self.client("ann")
        for interval in (1, 3):
            await ann.send("start_performance", payload={"interval": interval})
            await ann.next("performance_metrics", room=f"admin:performance:{interval}s")
        await ann.send("stop_performance")
        left = {(await ann.next("room_left"))["room"] for _ in range(2)}
        self.assertEqual(left, {"admin:performance:1s", "admin:performance:3s"})
        await ann.send("stop_performance")
        self.assertEqual((await ann.next("error_message"))["payload"]["code"], "not_joined")
        # While it would have been told twice: the last one may just have been on its way.
        await ann.send("start_monitoring", payload={"interval": 1})
        sequences = []
        for _ in range(4):
            await ann.next("system_metrics")
            sequences.append(self.daemon.request("GET", "/api/ws/rooms/admin:performance:1s",
                                                 headers={"X-API-Key": API_KEY})[1]["sequence"])
        self.assertEqual(sequences[1:], [sequences[1]] * 3)

    async def test_an_interval_that_is_none_is_refused_by_its_path(self):
        ann = await self.client("ann")
        for interval in (0, -1, 3601, 1.5, "5"):
            await ann.send("start_performance", payload={"interval": interval})
            error = (await ann.next("validation_error"))["payload"]["errors"][0]
            self.assertEqual(error["path"], "payload.interval")
        for room in ("admin:performance:5s", "admin:performance:x", "admin:system_monitoring:all"):
            await ann.send("join_room", room)
            self.assertEqual((await ann.next("error_message"))["payload"]["code"], "forbidden")

    async def test_clients_do_not_speak_there(self):
        ann = await self.client("ann")
        await ann.send("start_performance")
        await ann.next("room_joined")
        await ann.send("performance_metrics", "admin:performance", {"lies": True})
        error = (await ann.next("error_message"))["payload"]
        self.assertEqual(error["code"], "forbidden")
        self.assertIn("nobody else", error["message"])

    async def test_a_pattern_hears_all_intervals_of_a_topic(self):
        ann, bob = await self.client("ann"), await self.client("bob")
        await ann.send("join_room", "admin:performance:*")
        await ann.next("ack")
        await bob.send("start_performance", payload={"interval": 2})
        await ann.next("performance_metrics", room="admin:performance:2s")

    async def test_numbers_can_be_asked_for_once(self):
        ann = await self.client("ann")
        message_id = await ann.send("request_metrics")
        metrics = await ann.next("metrics", correlation_id=message_id)
        self.assertIn("connections", metrics["payload"]["system"])
        self.assertIn("p99_ms", metrics["payload"]["performance"]["publish_to_ack"])

    async def test_what_is_for_the_operator_is_for_nobody_else(self):
        ann = await self.client("ann")
        for type in ("trace", "admin_alert"):
            await ann.send(type, payload={"room": "x", "severity": "info", "message": "x"})
            error = (await ann.next("error_message"))["payload"]
            self.assertEqual(error["code"], "forbidden")
            self.assertIn("admin-listen", error["message"])


class Rights(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "2", "--token-hmac-secret", SECRET, "--admin", "--admin-listen", "127.0.0.1:0",
                            "--admin-key", KEY, "--namespace", "quote", dev=False).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    async def client(self, user, rooms=(), **claims):
        socket = await websockets.connect(f"{self.daemon.ws}/ws?token={token(user, dict(rooms), **claims)}")
        self.addAsyncCleanup(socket.close)
        client = Client(socket)
        await client.next("connection_ack")
        return client

    async def admin(self, **headers):
        headers = headers or {"X-API-Key": KEY}
        socket = await websockets.connect(f"ws://127.0.0.1:{self.daemon.admin_port}/ws", extra_headers=headers)
        self.addAsyncCleanup(socket.close)
        client = Client(socket)
        client.ack = await client.next("connection_ack")
        return client

    async def test_each_topic_takes_its_permission_whatever_rooms_are_granted(self):
        everything = {"*": ["join", "publish", "history", "presence", "create", "delete", "admin"],
                      "admin:*": ["join"]}
        for held in ([], ["analytics:read"], ["audit:read"], ["audit:read", "analytics:read"]):
            client = await self.client("ann", permissions=held, rooms=everything)
            for start, (room, type, needed) in TOPICS.items():
                for ask in ((start, None), ("join_room", room + ":2s")):
                    message_id = await client.send(*ask)
                    if needed in held:
                        await client.next("room_joined", correlation_id=message_id)
                    else:
                        error = await client.next("error_message", correlation_id=message_id)
                        self.assertEqual(error["payload"]["code"], "forbidden")
                        self.assertIn(f"`{needed}`", error["payload"]["message"])
                        await client.send("history", room, {"limit": 1})
                        self.assertEqual((await client.next("error_message"))["payload"]["code"], "forbidden")
            message_id = await client.send("request_metrics")
            await client.next("metrics" if "analytics:read" in held else "error_message", correlation_id=message_id)

    async def test_the_permission_is_enough_and_needs_no_grant_of_rooms(self):
        client = await self.client("ann", permissions=["analytics:read"])
        await client.send("start_monitoring")
        await client.next("system_metrics")

    async def test_no_pattern_reaches_them_without_it(self):
        client = await self.client("ann", rooms={"*": ["join"], "admin:*": ["join"]})
        for pattern in ("*", "admin:*"):
            await client.send("join_room", pattern)
            await client.next("ack")
        operator = await self.admin()
        await operator.send("start_performance")
        await operator.next("performance_metrics")
        await client.silence()
        self.assertEqual([message for message in client.kept if message["type"] == "performance_metrics"], [])

    async def test_they_are_of_the_whole_server_and_so_of_no_other_workspace(self):
        client = await self.client("ann", workspace="acme", permissions=["analytics:read", "audit:read"])
        for start in TOPICS:
            await client.send(start)
            self.assertIn("workspace `default`", (await client.next("error_message"))["payload"]["message"])

    async def test_an_admin_socket_takes_the_admin_key_in_a_header_or_as_a_subprotocol(self):
        for headers in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
            operator = await self.admin(**headers)
            self.assertEqual(operator.ack["payload"]["user_id"], "(admin)")
        address = f"ws://127.0.0.1:{self.daemon.admin_port}/ws"
        async with websockets.connect(address, subprotocols=["ringroom.v1.json", f"ringroom.key.{KEY}"]) as socket:
            self.assertEqual(socket.subprotocol, "ringroom.v1.json")
        for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": f"Bearer {token('ann')}"}):
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                await websockets.connect(address, extra_headers=headers)
            self.assertEqual(refused.exception.status_code, 401)
        # Where clients are it opens nothing.
        async with websockets.connect(f"{self.daemon.ws}/ws", subprotocols=["ringroom.v1.json", f"ringroom.key.{KEY}"]) as socket:
            await socket.send(json.dumps({"type": "start_monitoring", "message_id": "1"}))
            self.assertEqual(json.loads(await socket.recv())["payload"]["code"], "unauthorized")

    async def test_an_alert_reaches_who_hears_system_monitoring_by_its_severity(self):
        listener = await self.client("ann", permissions=["analytics:read"])
        await listener.send("start_monitoring", payload={"interval": 60})
        await listener.next("system_metrics")
        operator = await self.admin()
        for severity in ("info", "warning", "critical"):
            payload = {"severity": severity, "message": "disk <b>full</b>", "disk": 3}
            message_id = await operator.send("admin_alert", payload=payload)
            await operator.next("ack", correlation_id=message_id)
            self.assertEqual((await listener.next("admin_alert"))["payload"], payload)
        for payload, path in (({"message": "x"}, "payload.severity"), ({"severity": "bad", "message": "x"}, "payload.severity"),
                              ({"severity": "info"}, "payload.message"), ({"severity": "info", "message": ""}, "payload.message")):
            await operator.send("admin_alert", payload=payload)
            error = (await operator.next("validation_error"))["payload"]["errors"][0]
            self.assertEqual(error["path"], path)

    async def test_a_trace_is_told_as_it_happens_and_ends_when_it_is_asked_to(self):
        operator = await self.admin()
        ann = await self.client("ann", rooms={"quote:*": ["join", "publish"]})
        for payload in ({"user": "ann"}, {"room": "quote:1"}):
            message_id = await operator.send("trace", payload=payload)
            await operator.next("ack", correlation_id=message_id)
            # Every core knows it when it says so first.
            seen = []
            joined = False
            while "numbered" not in seen:
                await ann.send("room_message" if joined else "join_room", "quote:1", {})
                await ann.next("ack" if joined else "room_joined")
                joined = True
                trace = asyncio.ensure_future(operator.next("trace"))
                done, _ = await asyncio.wait([trace], timeout=0.5)
                if not done:
                    trace.cancel()
                    continue
                told = trace.result()["payload"]
                self.assertEqual(told["left_out"], 0)
                seen += [event["event"] for event in told["events"]]
            await ann.send("leave_room", "quote:1")
            await ann.next("room_left")
        message_id = await operator.send("trace", payload={})
        await operator.next("ack", correlation_id=message_id)
        await operator.silence()
        operator.kept.clear()
        await ann.send("join_room", "quote:1")
        await ann.next("room_joined")
        await ann.silence()
        self.assertEqual([message for message in await operator.silence() if message["type"] == "trace"], [])

    async def test_a_trace_of_nothing_that_can_be_is_refused_by_its_path(self):
        operator = await self.admin()
        for payload, path in (({"connection": "x"}, "payload.connection"), ({"user": "a", "room": "b"}, "payload"),
                              ({"room": "\n"}, "payload"), ({"user": "a", "workspace": "\n"}, "payload")):
            await operator.send("trace", payload=payload)
            self.assertEqual((await operator.next("validation_error"))["payload"]["errors"][0]["path"], path)

    async def test_operators_are_nobodys_users_and_many_may_be_there(self):
        operators = [await self.admin() for _ in range(5)]
        message_id = await operators[0].send("join_room", "quote:seen")
        await operators[0].next("room_joined", correlation_id=message_id)
        for operator in operators[:4]:  # the fifth watches nothing
            message_id = await operator.send("trace", payload={"room": "quote:seen"})
            await operator.next("ack", correlation_id=message_id)


if __name__ == "__main__":
    unittest.main(verbosity=2)
