"""What an operator has switched off: answered `unavailable`, and told in connection_ack."""

import json
import unittest

import websockets
from daemon import Daemon, run
from native_client import API_KEY, NativeCase


class Off(NativeCase):
    options = ("--off", "presence,history,state,patterns,ephemeral,events,batches,broadcast,quiet-hours,offline,raw,"
                        "binary,compression",
               "--namespace", "default:history-count=5,presence=true,state-keys=5", "--namespace", "user",
               "--quiet-hours", "night:zone=UTC")

    async def test_connection_ack_names_what_is_off(self):
        ann = await self.client("ann")
        self.assertEqual(set(ann.ack["payload"]["features"].values()), {False})
        self.assertEqual(set(ann.ack["payload"]["features"]), set(self.options[1].split(",")))

    async def test_commands_of_what_is_off_are_unavailable_and_the_rest_goes_on(self):
        ann, bob = await self.client("ann"), await self.client("bob")
        for client in (ann, bob):
            await client.join("a")
        asked = [("presence", {}, {}), ("update_presence", {"info": {}}, {}), ("history", {"limit": 1}, {}),
                 ("typing_indicator", {}, {}), ("acknowledge", {"sequence": 1, "epoch": "0123456789abcdef"}, {}),
                 ("note", {}, {"key": "k"})]
        for type, payload, fields in asked:
            message_id = await ann.send(type, "a" if type != "acknowledge" else None, payload, **fields)
            answer = await ann.next("error_message", correlation_id=message_id)
            self.assertEqual(answer["payload"]["code"], "unavailable", type)
        for type, more in (("subscribe", {"event_types": ["x"]}), ("join_room", {"room": "quote:*"})):
            message_id = await ann.send(type, **more)
            answer = await ann.next("error_message", correlation_id=message_id)
            self.assertEqual(answer["payload"]["code"], "unavailable", type)
        await ann.socket.send(json.dumps({"type": "message_batch", "message_id": "batch",
                                          "messages": [{"type": "ping", "message_id": "p"}]}))
        await ann.next("error_message", correlation_id="batch")
        await ann.send("note", "a", {"n": 1})
        self.assertEqual((await bob.next("note"))["payload"], {"n": 1})

    async def test_requests_of_what_is_off_are_503(self):
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        for path, more in (("/raw/a", {}), ("/ws?dialect=event&user=ann", {}),
                           ("/ws?user=ann", {"Sec-WebSocket-Protocol": "ringroom.v1.bin"})):
            status, answer = self.daemon.request("GET", path, headers={**headers, **more})
            self.assertEqual((status, answer["error"]["code"]), (503, "unavailable"), path)
        for path, body in (("/api/broadcast", {"type": "x", "payload": {}}),
                           ("/api/publish", {"room": "a", "type": "x", "payload": {}, "quiet_hours": "night"}),
                           ("/api/publish/users", {"users": ["ann"], "type": "x", "payload": {}, "quiet_hours": "night"}),
                           ("/api/batch", {"commands": []})):
            status, answer = self.api(path, body)
            self.assertEqual((status, answer["error"]["code"]), (503, "unavailable"), path)
        await (await self.client("ann")).join("a")
        for method, path in (("GET", "presence"), ("GET", "presence/stats"), ("GET", "history"), ("DELETE", "history")):
            status, answer = self.daemon.request(method, f"/api/ws/rooms/a/{path}", headers={"X-API-Key": API_KEY})
            self.assertEqual((status, answer["error"]["code"]), (503, "unavailable"), path)

    async def test_a_client_that_could_more_gets_less(self):
        async with websockets.connect(f"{self.daemon.ws}/ws?user=ann", compression="deflate",
                                      subprotocols=["ringroom.v1.bin", "ringroom.v1.json"]) as socket:
            self.assertEqual(socket.subprotocol, "ringroom.v1.json")
            self.assertEqual(socket.extensions, [])


class HttpOnly(unittest.TestCase):
    def test_without_websocket_there_is_the_api_and_nothing_to_upgrade(self):
        with Daemon("--cores", "1", "--echo", "--off", "websocket") as daemon:
            headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                       "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
            for path in ("/ws?user=ann", "/raw/a", "/echo"):
                status, answer = daemon.request("GET", path, headers=headers)
                self.assertEqual((status, answer["error"]["code"]), (503, "unavailable"), path)
            status, answer = daemon.request("POST", "/api/publish", {"room": "a", "type": "x", "payload": {}})
            self.assertEqual(status, 200, answer)
            self.assertEqual(daemon.request("GET", "/health")[0], 200)

    def test_what_cannot_be_switched_off_is_named(self):
        done = run("config", "check", "--off", "presence,prezence")
        self.assertEqual(done.returncode, 2)
        self.assertIn("prezence", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
