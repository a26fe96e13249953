"""Namespaces that leave messages out for a listener that does not keep up, instead of closing it."""

import json
import os
import socket
import unittest

from daemon import DEADLINE_S
from native_client import NativeCase
from wire import frame, frames, handshake, read_head


class Wire:
    """A client that reads only when asked to, with a small buffer in the kernel."""

    def __init__(self, port, path, receive_buffer):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(DEADLINE_S)
        self.sock.connect(("127.0.0.1", port))
        self.sock.sendall(handshake(path))
        _, self.data = read_head(self.sock)

    def send_text(self, message):
        self.sock.sendall(frame(1, json.dumps(message).encode()))

    def next_message(self, type):
        while True:
            for opcode, payload in frames(self.data)[:1]:
                header = 2 if len(payload) < 126 else 4 if len(payload) < 65536 else 10
                self.data = self.data[header + len(payload):]
                if opcode != 1:
                    raise AssertionError(f"closed: {payload!r}")
                message = json.loads(payload)
                if message["type"] == type:
                    return message
                break
            else:
                chunk = self.sock.recv(1 << 16)
                if not chunk:
                    raise AssertionError("the connection ended")
                self.data += chunk

    def close(self):
        self.sock.close()


class SlowPolicies(NativeCase):
    # Whoever does not read does not answer pings either.
    options = ("--ping-interval-ms", "1h",
               "--namespace", "live:slow-consumer=drop-oldest,history-count=50,ephemeral-interval-ms=50",
               "--namespace", "quote:slow-consumer=keep-latest,history-count=2000,"
                              "history-bytes=64MiB,state-keys=100")

    def slow_listener(self, room):
        """Joined, and not reading."""
        wire = Wire(self.daemon.port, "/ws?user=slow", receive_buffer=4096)
        wire.next_message("connection_ack")
        wire.send_text({"type": "join_room", "message_id": "j", "room": room})
        wire.next_message("room_joined")
        return wire

    async def fill(self, room, count, key=None):
        """So much that the kernel holds it up, with acknowledgements read."""
        ann = await self.client("ann")
        await ann.join(room)
        for n in range(count):
            # Not compressible, and the socket buffers of both ends are full after some of them.
            fields = {"key": f"k{n % 5}"} if key else {}
            await ann.send("room_message", room, {"n": n, "pad": os.urandom(20_000).hex()}, **fields)
            await ann.next("ack")
        return ann

    def metric(self, name):
        text = self.daemon.request("GET", "/metrics")[1]
        return int(next(line.split()[1] for line in text.splitlines()
                        if line.startswith(f"ringroom_{name} ")))

    async def test_drop_oldest_brings_the_newest_after_a_gap(self):
        slow = self.slow_listener("live:x")
        ann = await self.fill("live:x", 400)
        self.assertGreaterEqual(self.metric("lagging_total"), 1)
        await ann.send("room_message", "live:x", {"n": "last"})
        heard = []
        while not heard or heard[-1] != 401:
            message = slow.next_message("room_message")
            heard.append(message["sequence"])
        self.assertEqual(heard, sorted(set(heard)))
        self.assertLess(len(heard), 401)
        await ann.send("room_message", "live:x", {"n": "live again"})
        self.assertEqual(slow.next_message("room_message")["sequence"], 402)
        slow.close()

    async def test_keep_latest_brings_the_newest_of_each_key(self):
        slow = self.slow_listener("quote:x")
        await self.fill("quote:x", 400, key=True)
        last = {}
        while len(last) < 5 or min(last.values()) < 395:
            message = slow.next_message("room_message")
            last[message["key"]] = message["payload"]["n"]
        self.assertEqual(last, {f"k{n % 5}": n for n in range(395, 400)})
        slow.close()

    async def test_a_cursor_moves_no_more_often_than_the_namespace_says(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("live:c")
        await bo.join("live:c")
        for x in range(200):
            await ann.send("cursor_position", "live:c", {"x": x})
        seen = []
        while not seen or seen[-1] != 199:
            seen.append((await bo.next("cursor_position"))["payload"]["x"])
        self.assertEqual(seen, sorted(set(seen)))
        self.assertLess(len(seen), 150)


if __name__ == "__main__":
    unittest.main()
