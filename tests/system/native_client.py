"""Clients of the native protocol over python websockets, and the frame of cases that use them."""

import asyncio
import json
import unittest

import websockets
from daemon import DEADLINE_S, Daemon

API_KEY = "test-key-of-the-api-0123456789abcdef"


class Client:
    """A WebSocket of the native protocol that remembers what it has read."""

    def __init__(self, socket):
        self.socket = socket
        self.count = 0
        self.kept = []  # read while waiting for something else

    async def send(self, type, room=None, payload=None, **fields):
        self.count += 1
        message = {"type": type, "message_id": f"m{self.count}", **fields}
        if room is not None:
            message["room"] = room
        if payload is not None:
            message["payload"] = payload
        await self.socket.send(json.dumps(message))
        return message["message_id"]

    async def next(self, type, **fields):
        """The next message of that type and with those fields; others are kept for later."""
        def fits(message):
            return message["type"] == type and all(message.get(k) == v for k, v in fields.items())

        for i, message in enumerate(self.kept):
            if fits(message):
                return self.kept.pop(i)
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), DEADLINE_S))
            if fits(message):
                return message
            self.kept.append(message)

    async def join(self, room, **fields):
        message_id = await self.send("join_room", room, {"presence": True, **fields})
        return await self.next("room_joined", correlation_id=message_id)

    async def silence(self):
        """Everything that was on its way has come: nothing is sent to us behind this pong but it."""
        message_id = await self.send("ping")
        await self.next("pong", correlation_id=message_id)
        return self.kept


class NativeCase(unittest.IsolatedAsyncioTestCase):
    """Cases that speak to one daemon; a class names its options."""

    always = ()  # options of all cases of a kind
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "2", "--api-key", API_KEY, *cls.always,
                            *cls.options).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    async def asyncSetUp(self):
        self.clients = []

    async def asyncTearDown(self):
        for client in self.clients:
            await client.socket.close()

    async def client(self, user):
        socket = await websockets.connect(f"{self.daemon.ws}/ws?user={user}")
        client = Client(socket)
        self.clients.append(client)
        client.ack = await client.next("connection_ack")
        return client

    def api(self, path, body, key=API_KEY):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return self.daemon.request("POST", path, body, headers)
