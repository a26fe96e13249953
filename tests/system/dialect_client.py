"""Clients of every dialect over python websockets, with one way to ask them for what they heard, and the
frame of cases that use them.

The binary dialect is written down here once more, from docs/protocol.md, independently of the server.
"""

import asyncio
import itertools
import json
import pathlib
import re
import uuid

import websockets
from daemon import DEADLINE_S
from native_client import NativeCase

DIALECTS = ("json", "binary", "event")
LIMIT = 65536  # of a message
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol.md"


def type_table():
    """The types by number, from 1 on, as the document lists them."""
    block = re.search(r"^```types\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return [""] + block[1].split()


TYPES = type_table()
SEQUENCE, MESSAGE_ID, CORRELATION_ID, SENDER, TIMESTAMP, RAW, ID_IS_TEXT, FIELDS = (
    1 << bit for bit in range(8))


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def sized(data):
    return varint(len(data)) + data


def encode(type, message_id=None, room=None, number=0, payload=None, raw=None, fields=None):
    """One binary message of a client; `room` by name goes into the fields."""
    flags, parts = 0, [varint(number)]
    if type in TYPES:
        parts.append(varint(TYPES.index(type)))
    else:
        parts.append(varint(0) + sized(type.encode()))
    if message_id is not None:
        flags |= MESSAGE_ID | ID_IS_TEXT
        parts.append(sized(message_id.encode()))
    fields = dict(fields or {})
    if room is not None:
        fields["room"] = room
    if fields:
        flags |= FIELDS
        parts.append(sized(json.dumps(fields).encode()))
    if raw is not None:
        flags |= RAW
        parts.append(raw)
    elif payload is not None:
        parts.append(json.dumps(payload).encode())
    return bytes([0x11, flags]) + b"".join(parts)


def batch(messages):
    return b"\x12" + b"".join(len(m).to_bytes(4, "little") + m for m in messages)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        piece = self.data[self.at:self.at + size]
        assert len(piece) == size, "cut short"
        self.at += size
        return piece

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text(self):
        return self.take(self.varint()).decode()


def decode_one(data):
    """One message of kind 1 as a dict with the names of the JSON dialect, and `room_id`."""
    reader = Reader(data)
    assert reader.take(1) == b"\x11", data[:4]
    flags = reader.take(1)[0]
    out = {"room_id": reader.varint()}
    number = reader.varint()
    out["type"] = TYPES[number] if number else reader.text()
    if flags & SEQUENCE:
        out["sequence"] = reader.varint()
    if flags & MESSAGE_ID:
        out["message_id"] = reader.text() if flags & ID_IS_TEXT else str(uuid.UUID(bytes=reader.take(16)))
    if flags & CORRELATION_ID:
        size = reader.varint()
        out["correlation_id"] = (reader.take(size).decode() if size
                                 else str(uuid.UUID(bytes=reader.take(16))))
    if flags & SENDER:
        out["sender"] = reader.text()
    if flags & TIMESTAMP:
        out["timestamp"] = int.from_bytes(reader.take(6), "big") / 1000
    if flags & FIELDS:
        out.update(json.loads(reader.text()))
    rest = data[reader.at:]
    out["payload"] = rest if flags & RAW else json.loads(rest)
    return out


def decode(data):
    """All messages of a frame, in order."""
    if data[0] == 0x11:
        return [decode_one(data)]
    assert data[0] == 0x12, data[:4]
    out, at = [], 1
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "little")
        out.append(decode_one(data[at + 4:at + 4 + size]))
        at += 4 + size
    return out


def as_native(event):
    """A message of the event dialect under the names of the JSON one."""
    out = {"type": event["event"], **event}
    if "data" in event:
        out["payload"] = event["data"]
    return out


class DialectClient:
    """A WebSocket of `dialect`: json, binary or event. What it has read is asked for by type."""

    # A room knows a message of a user again by its id, on whatever connection: each is used once.
    ids = itertools.count(1)

    def __init__(self, socket, dialect):
        self.socket, self.dialect = socket, dialect
        self.kept = []
        self.batches = []  # the types in each message_batch
        self.batch_bytes = []
        self.numbers = {}  # of rooms, for the binary dialect

    @classmethod
    async def open(cls, daemon, user, dialect, query="", events=("*",), **options):
        path = f"/ws?user={user}" + query
        if dialect == "binary":
            options["subprotocols"] = ["ringroom.v1.bin"]
        elif dialect == "event":
            path += "&dialect=event"
        # compression=None: plain; websockets offers permessage-deflate otherwise.
        client = cls(await websockets.connect(daemon.ws + path, **options), dialect)
        client.ack = await client.next("connected" if dialect == "event" else "connection_ack")
        if dialect == "event" and events:
            await client.subscribe(*events)
            client.workspace = await client.next("room_joined")
        return client

    async def subscribe(self, *events, **fields):
        asked = await self.send("subscribe", event_types=list(events), **fields)
        return (await self.next("subscribed", correlation_id=asked))["payload"]["event_types"]

    async def unsubscribe(self, *events):
        asked = await self.send("unsubscribe", event_types=list(events))
        return (await self.next("unsubscribed", correlation_id=asked))["payload"]["event_types"]

    async def send(self, type, room=None, payload=None, **fields):
        message_id = f"m{next(self.ids)}"
        if self.dialect == "binary":
            number = self.numbers.get(room, 0)
            raw = payload if isinstance(payload, bytes) else None
            await self.socket.send(encode(
                type, message_id, room=None if number else room, number=number, raw=raw,
                payload=None if raw is not None else payload, fields=fields))
            return message_id
        message = {"type": type, "message_id": message_id, **fields}
        if room is not None:
            message["room"] = room
        if payload is not None:
            message["payload"] = payload
        await self.socket.send(json.dumps(message))
        return message_id

    def read(self, data):
        if self.dialect == "binary":
            assert isinstance(data, bytes), data
            return decode(data)
        assert isinstance(data, str), data
        message = json.loads(data)
        if message.get("type") == "message_batch":
            self.batch_bytes.append(len(data))
            self.batches.append([inner["type"] for inner in message["messages"]])
            return message["messages"]
        return [as_native(message) if self.dialect == "event" else message]

    async def next(self, type, **fields):
        """The next message of that type and with those fields; others are kept for later."""
        def fits(message):
            return message["type"] == type and all(message.get(k) == v for k, v in fields.items())

        while True:
            for i, message in enumerate(self.kept):
                if fits(message):
                    return self.kept.pop(i)
            try:
                data = await asyncio.wait_for(self.socket.recv(), DEADLINE_S)
            except asyncio.TimeoutError:
                raise AssertionError(f"{self.dialect} waits for {type} {fields}, has {self.kept}") from None
            self.kept += self.read(data)

    async def join(self, room, **payload):
        message_id = await self.send("join_room", room, payload)
        joined = await self.next("room_joined", correlation_id=message_id)
        if self.dialect == "binary":
            self.numbers[room] = joined["payload"]["room_id"]
        return joined

    async def following(self, answer):
        """The messages that an answer brings, wherever the dialect puts them."""
        count = answer["payload"].get("following")
        if count is None:
            listed = answer["payload"]["messages"]
            return [as_native(m) for m in listed] if self.dialect == "event" else listed
        assert answer["payload"]["messages"] == []
        while len(self.kept) < count:
            self.kept += self.read(await asyncio.wait_for(self.socket.recv(), DEADLINE_S))
        brought, self.kept = self.kept[:count], self.kept[count:]
        return brought

    async def silence(self):
        """Everything that was on its way has come: nothing is sent to us behind this pong but it."""
        message_id = await self.send("ping")
        await self.next("pong", correlation_id=message_id)
        kept, self.kept = self.kept, []
        return kept

    async def close(self):
        await self.socket.close()


class DialectCase(NativeCase):
    """Cases that speak to one daemon in every dialect; a class names its options and what its clients offer."""

    always = ("--max-message-bytes", str(LIMIT))
    # Who has not read all that it was sent does not answer a close either: no test waits for that.
    client_options = {"compression": None, "close_timeout": 0.1}

    async def client(self, user, dialect, query="", **fields):
        client = await DialectClient.open(self.daemon, user, dialect, query,
                                          **{**self.client_options, **fields})
        self.clients.append(client)
        return client

    async def members(self, room, copies=1):
        """Clients of every dialect, `copies` of each, all in the room."""
        out = []
        for copy in range(copies):
            for dialect in DIALECTS:
                client = await self.client(f"{dialect}{copy}", dialect)
                await client.join(room)
                out.append(client)
        return out
