"""Native clients on bare sockets whose bytes are counted, and who tell a Checker what they see."""

import asyncio
import json
import pathlib
import re
import socket
import sys
import zlib

import wire

# Where the checker is; its users take it from here, so that each runs by itself too.
sys.path.append(str(pathlib.Path(__file__).parent.parent / "support"))

from checker import Checker  # noqa: E402, F401

DEFLATE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def identity(message_id, text):
    """What a message is to the checker: its id and its content, so that a wrong text is another message."""
    return f"{message_id}/{zlib.crc32(text.encode()):08x}"


def identity_of(message):
    return identity(message.get("correlation_id", message["message_id"]), message["payload"].get("text", ""))


def text_frame(message):
    return wire.frame(1, json.dumps(message, separators=(",", ":")).encode())


class Stream:
    """A connection that ends for its client after `budget` bytes behind the handshake."""

    def __init__(self, checker, name, room):
        self.checker, self.name, self.room = checker, name, room
        self.socket = None
        self.data = b""
        self.read = 0  # bytes behind the handshake
        self.budget = float("inf")
        self.inflates_afresh = True
        self.decompressor = None
        self.close_code = None
        self.answers = {}  # read while waiting for another
        self.refusals = ()  # codes of errors that its owner looks at; others end the test

    async def open(self, port, user, offer=None, budget=None, receive_bytes=None):
        self.loop = asyncio.get_running_loop()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if receive_bytes:  # before the connection, whose window it is
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.budget = float("inf") if budget is None else budget
        await self.loop.sock_connect(self.socket, ("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self.loop.sock_sendall(
            self.socket, wire.handshake(f"/ws?user={user}", Sec_WebSocket_Extensions=offer))
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = await self.loop.sock_recv(self.socket, 4096)
            assert chunk, f"the handshake was not answered: {data!r}"
            data += chunk
        head, _, rest = data.partition(b"\r\n\r\n")
        assert b" 101 " in head, head
        agreed = re.search(rb"Sec-WebSocket-Extensions: (.*)", head)
        assert bool(agreed) == bool(offer), head
        self.inflates_afresh = not agreed or b"server_no_context_takeover" in agreed[1]
        self.data = rest[: min(len(rest), self.budget)]
        self.read = len(self.data)
        return self

    def close(self, reset=False):
        self.checker.left(self.name, self.room)
        if reset:
            wire.reset(self.socket)
        else:
            self.socket.close()

    async def send(self, **message):
        await self.send_bytes(text_frame(message))

    async def send_bytes(self, data):
        try:
            await self.loop.sock_sendall(self.socket, data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what was said before is still read

    async def join(self, **payload):
        """Asks; the answer comes among the messages. Who was here before recovers."""
        position = self.checker.position(self.name, self.room)
        if position:
            payload["recover"] = {"epoch": position[0], "sequence": position[1]}
        await self.send(type="join_room", message_id="join", room=self.room, payload=payload)

    async def publish(self, message_id, text):
        self.checker.published(self.name, self.room, identity(message_id, text))
        await self.send(type="room_message", message_id=message_id, room=self.room, payload={"text": text})

    async def next(self):
        """The next message, told to the checker before; None at the end."""
        while (message := self._parse()) is None:
            left = self.budget - self.read
            if left == 0 or self.close_code is not None:
                return None
            try:
                chunk = await self.loop.sock_recv(self.socket, min(left, 1 << 18))
            except ConnectionResetError:
                return None
            if not chunk:
                return None
            self.read += len(chunk)
            self.data += chunk
        self._tell(message)
        return message

    async def until(self, type, **fields):
        while (message := await self.next()) is not None:
            if message["type"] == type and all(message.get(k) == v for k, v in fields.items()):
                return message
        raise AssertionError(f"{self.name} was closed ({self.close_code}) waiting for {type} {fields}")

    async def until_answer(self, message_id):
        """The ack, or the error: they may come while another answer is awaited."""
        while message_id not in self.answers:
            message = await self.next()
            assert message, f"{self.name} was closed ({self.close_code}) waiting for the answer to {message_id}"
            if message["type"] in ("ack", "error_message"):
                self.answers[message["correlation_id"]] = message
        return self.answers.pop(message_id)

    async def until_at(self, sequence):
        while self.checker.position(self.name, self.room)[1] < sequence:
            if await self.next() is None:
                raise AssertionError(f"{self.name} was closed ({self.close_code}) at "
                                     f"{self.checker.position(self.name, self.room)} before {sequence}")

    def _parse(self):
        while len(self.data) >= 2:
            size, at = self.data[1], 2
            if size == 126:
                size, at = int.from_bytes(self.data[2:4], "big"), 4
            elif size == 127:
                size, at = int.from_bytes(self.data[2:10], "big"), 10
            if len(self.data) < at + size or (at > 2 and len(self.data) < at):
                return None
            first, payload = self.data[0], self.data[at : at + size]
            self.data = self.data[at + size :]
            if first == 0x88:
                self.close_code = int.from_bytes(payload[:2], "big")
                return None
            if first == 0xC1:
                payload = self._inflate(payload)
            elif first != 0x81:
                assert first == 0x89, f"a frame of no kind that we expect: {first:#x} {payload[:100]!r}"
                continue  # a ping; these connections are short
            return json.loads(payload)
        return None

    def _inflate(self, payload):
        if self.decompressor is None or self.inflates_afresh:
            self.decompressor = zlib.decompressobj(wbits=-15)
        out, rest = b"", payload + b"\0\0\xff\xff"
        while rest:
            out += self.decompressor.decompress(rest)
            rest = self.decompressor.unused_data
            if self.decompressor.eof:
                self.decompressor = zlib.decompressobj(wbits=-15)
        return out

    def _tell(self, message):
        kind, room = message["type"], message.get("room")
        if kind == "room_joined" and room == self.room:
            payload = message["payload"]
            self.checker.joined(self.name, room, payload["epoch"], payload["sequence"],
                                payload.get("recovered"),
                                [(one["sequence"], identity_of(one)) for one in payload["messages"]])
        elif kind == "room_reset":
            self.checker.reset(self.name, room, message["payload"]["epoch"], message["payload"]["sequence"])
        elif "sequence" in message and room == self.room:
            self.checker.delivered(self.name, room, message["sequence"], identity_of(message))
        elif (kind in ("error_message", "validation_error")
              and message["payload"]["code"] not in self.refusals):
            raise AssertionError(f"{self.name} was refused: {message}")
