"""The frame of cases about many rooms at once: broadcasts, and patterns that clients listen to."""

import asyncio
import json

import websockets
from daemon import DEADLINE_S, until
from native_client import Client, NativeCase


class Reach(NativeCase):
    async def client(self, user):
        # Without pings of its own: with thousands of messages under way, on a busy machine, Python reads
        # their answers too late and gives up.
        socket = await websockets.connect(f"{self.daemon.ws}/ws?user={user}", ping_interval=None)
        client = Client(socket)
        self.clients.append(client)
        client.ack = await client.next("connection_ack")
        return client

    async def answer(self, client, message_id):
        while True:
            for i, message in enumerate(client.kept):
                if message.get("correlation_id") == message_id:
                    return client.kept.pop(i)
            client.kept.append(json.loads(await asyncio.wait_for(client.socket.recv(), DEADLINE_S)))

    async def ask(self, client, type, room=None, payload=None):
        return await self.answer(client, await client.send(type, room, payload))

    async def listen(self, client, pattern):
        """Joins a pattern; the rooms that it came into, by name."""
        answer = await self.ask(client, "join_room", pattern)
        self.assertEqual((answer["type"], answer["payload"]), ("ack", {"room": pattern}), answer)
        came = {m["room"]: m for m in client.kept if m["type"] == "room_joined" and "correlation_id" not in m}
        client.kept = [m for m in client.kept if m not in came.values()]
        return came

    async def post(self, path, **body):
        return await asyncio.to_thread(self.api, path, body)

    async def publish(self, room, n=0):
        status, answer = await self.post("/api/publish", room=room, type="tick", payload={"n": n})
        self.assertEqual(status, 200, answer)
        return answer

    async def broadcast(self, **body):
        status, answer = await self.post("/api/broadcast", type="news", payload={"n": 1}, **body)
        self.assertEqual(status, 200, answer)
        return answer

    async def heard(self, client, type):
        """What has come of that type, as the rooms it came in."""
        rooms = sorted(m.get("room", "") for m in await client.silence() if m["type"] == type)
        client.kept = [m for m in client.kept if m["type"] != type]
        return rooms

    def metric(self, name):
        return self.daemon.metrics()[f"ringroom_{name}"]

    async def become(self, name, value):
        await asyncio.to_thread(until, lambda: self.metric(name) == value, f"{name} to be {value}")
