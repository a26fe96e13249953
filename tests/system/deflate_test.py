"""permessage-deflate: python websockets as a client, and bytes that no client would send."""

import asyncio
import itertools
import json
import os
import socket
import unittest
import zlib

import websockets
import wire
from daemon import DEADLINE_S, Daemon
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

LIMIT = 65536
MEBI = 1 << 20


def deflated(data, level=9):
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def text_of(size):
    quote = json.dumps({"symbol": "RING", "price": 12.5, "change": -0.25}) + ","
    return (quote * (size // len(quote) + 1))[:size]


class Clients(unittest.IsolatedAsyncioTestCase):
    async def echo_all(self, daemon, sizes, **options):
        async with websockets.connect(f"{daemon.ws}/echo", max_size=None, **options) as client:
            for size in sizes:
                for message in (text_of(size), "\N{EURO SIGN}" * (size // 3), bytes(size),
                                os.urandom(size)):
                    await client.send(message)
                    answer = await asyncio.wait_for(client.recv(), DEADLINE_S)
                    # Not assertEqual: a failure should not print a mebibyte.
                    self.assertTrue(answer == message, f"{size} bytes, {options}")
            return [extension.name for extension in client.extensions]

    async def test_echo_from_nothing_to_a_mebibyte(self):
        for mode in ([], ["--compression-context-takeover"]):
            await self.echo_every_size(mode)

    async def echo_every_size(self, mode):
        with Daemon("--cores", "1", "--echo", "--max-message-bytes", str(MEBI), *mode) as daemon:
            sizes = (0, 1, 16, 255, 256, 257, 4096, 65535, 65536, 131072, MEBI)
            self.assertEqual(await self.echo_all(daemon, sizes, compression="deflate"),
                             ["permessage-deflate"])
            self.assertEqual(await self.echo_all(daemon, sizes, compression=None), [])

    async def test_echo_with_every_combination_of_windows_and_takeover(self):
        for mode in ([], ["--compression-context-takeover"]):
            await self.echo_every_combination(mode)

    async def echo_every_combination(self, mode):
        with Daemon("--cores", "1", "--echo", "--max-message-bytes", str(MEBI), *mode) as daemon:
            for server_afresh, client_afresh, server_bits, client_bits in itertools.product(
                    (False, True), (False, True), (None, 9, 12, 15), (None, True, 9, 12, 15)):
                offer = ClientPerMessageDeflateFactory(
                    server_no_context_takeover=server_afresh,
                    client_no_context_takeover=client_afresh,
                    server_max_window_bits=server_bits,
                    client_max_window_bits=client_bits)
                agreed = await self.echo_all(daemon, (16, 300, 5000, 40_000), compression=None,
                                             extensions=[offer])
                self.assertEqual(agreed, ["permessage-deflate"])

    async def test_a_window_of_8_is_kept_with_messages_that_fit(self):
        with Daemon("--cores", "1", "--echo", "--compression-context-takeover") as daemon:
            offer = ClientPerMessageDeflateFactory(server_max_window_bits=8)
            agreed = await self.echo_all(daemon, (16, 256, 257, 5000, 40_000), compression=None,
                                         extensions=[offer])
            self.assertEqual(agreed, ["permessage-deflate"])

    async def test_a_room_on_two_cores_hears_the_same_compressed_or_not(self):
        with Daemon("--cores", "2") as daemon:
            members = [await websockets.connect(f"{daemon.ws}/ws?user=u{i}",
                                                compression="deflate" if i % 2 else None)
                       for i in range(6)]

            async def next_of(member, kind):
                while True:
                    text = await asyncio.wait_for(member.recv(), DEADLINE_S)
                    if json.loads(text)["type"] == kind:
                        return text

            for member in members:
                await member.send('{"type":"join_room","message_id":"1","room":"lobby"}')
                await next_of(member, "room_joined")
            for size in (0, 100, 1000, 30_000):
                for member in members:
                    await member.send(json.dumps({"type": "room_message", "room": "lobby",
                                                  "payload": {"text": text_of(size)}}))
                    heard = [await next_of(other, "room_message") for other in members]
                    self.assertEqual(json.loads(heard[0])["payload"]["text"], text_of(size))
                    self.assertEqual(len(set(heard)), 1)
            # Of the sizes above the threshold each publication was compressed, once for the three.
            self.assertGreaterEqual(daemon.metrics()["ringroom_deflate_messages_total"], 2 * 6)
            self.assertLessEqual(daemon.metrics()["ringroom_deflate_messages_total"], 4 * 6)
            for member in members:
                await member.close()


class Bytes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--cores", "1", "--echo", "--max-message-bytes", str(LIMIT)).start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def upgraded(self, offer="permessage-deflate", path="/echo"):
        sock = self.daemon.connect()
        self.addCleanup(sock.close)
        sock.sendall(wire.handshake(path, Sec_WebSocket_Extensions=offer))
        head, rest = wire.read_head(sock)
        self.assertIn(b" 101 ", head)
        return sock, head, rest

    def close_code_of(self, *pieces, offer="permessage-deflate"):
        sock, _, rest = self.upgraded(offer)
        for piece in pieces:
            wire.send_what_is_taken(sock, piece)
        return wire.close_code(rest + wire.read_until_closed(sock))

    def resident_bytes(self):
        with open(f"/proc/{self.daemon.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def test_the_answer_asks_both_sides_to_start_each_message_afresh(self):
        _, head, _ = self.upgraded("permessage-deflate; client_max_window_bits")
        self.assertIn(b"\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                      b"client_no_context_takeover", head)

    def test_an_offer_that_cannot_be_kept_is_not_answered(self):
        for offer in ("permessage-deflate; server_max_window_bits=7", "constructor", None,
                      "permessage-deflate; client_max_window_bits=7"):
            _, head, _ = self.upgraded(offer)
            self.assertNotIn(b"Extensions", head)

    def test_of_several_offers_the_first_that_can_be_kept_is_taken(self):
        _, head, _ = self.upgraded("permessage-deflate; server_max_window_bits=7, "
                                   "permessage-deflate; server_max_window_bits=11, permessage-deflate")
        self.assertTrue(head.endswith(b"; server_max_window_bits=11"))

    def test_a_malformed_list_is_answered_with_400(self):
        with self.daemon.connect() as sock:
            sock.sendall(wire.handshake(Sec_WebSocket_Extensions="permessage-deflate; ="))
            self.assertTrue(wire.read_until_closed(sock).startswith(b"HTTP/1.1 400 "))

    def test_the_bit_is_refused_where_nothing_was_agreed(self):
        self.assertEqual(self.close_code_of(wire.frame(1, deflated(b"hi"), reserved=4), offer=None),
                         1002)

    def test_the_bit_stands_on_the_first_frame_of_a_message_only(self):
        for pieces in ((wire.frame(9, b"", reserved=4),), (wire.frame(8, b"", reserved=4),),
                       (wire.frame(1, b"a", reserved=2),), (wire.frame(1, b"a", reserved=5),),
                       (wire.frame(1, b"a", final=False), wire.frame(0, b"b", reserved=4)),
                       (wire.frame(1, b"a", final=False, reserved=4), wire.frame(0, b"b", reserved=4))):
            self.assertEqual(self.close_code_of(*pieces), 1002)

    def test_what_is_no_stream_closes_with_1007(self):
        cut = deflated(os.urandom(300))[:100]
        for payload in (b"\xff\xff", b"Hello", cut):
            self.assertEqual(self.close_code_of(wire.frame(2, payload, reserved=4)), 1007)
        self.assertEqual(self.close_code_of(wire.frame(1, deflated(b"\xff\xfe"), reserved=4)), 1007)

    def test_final_blocks_and_several_blocks_and_nothing_are_messages(self):
        sock, _, _ = self.upgraded()
        for payload, plain in ((bytes.fromhex("f348cdc9c9070000"), b"Hello"),
                               (bytes.fromhex("f248050000 00ffffcac9c90700".replace(" ", "")), b"Hello"),
                               (b"\0", b""), (b"", b"")):
            sock.sendall(wire.frame(1, payload, reserved=4))
            self.assertEqual(wire.frames(sock.recv(100)), [(1, plain)])

    def test_a_message_may_come_in_pieces_of_any_size(self):
        payload = deflated(text_of(3000).encode())
        for step in (1, 7, 1000):
            sock, _, _ = self.upgraded()
            for at in range(0, len(payload), step):
                sock.sendall(wire.frame(0 if at else 1, payload[at:at + step],
                                        final=at + step >= len(payload), reserved=0 if at else 4))
            sock.shutdown(socket.SHUT_WR)
            answer = wire.read_until_closed(sock)
            self.assertEqual(answer[0], 0xC1)
            self.assertEqual(zlib.decompressobj(-15).decompress(wire.frames(answer)[0][1]),
                             text_of(3000).encode())

    def test_bombs_close_with_1009_and_cost_no_more_than_a_message(self):
        bomb = deflated(bytes(64 * MEBI))
        # 64 KiB on the wire; the same in fragments, and a thousand to one within the limit.
        whole = wire.frame(2, bomb, reserved=4)
        half = len(bomb) // 2
        fragments = (wire.frame(1, bomb[:half], final=False, reserved=4) + wire.frame(9, b"x") +
                     wire.frame(0, bomb[half:]))
        self.assertLess(len(bomb), LIMIT)
        self.close_code_of(whole)
        before = self.resident_bytes()
        for _ in range(20):
            self.assertEqual(self.close_code_of(whole), 1009)
            self.assertEqual(self.close_code_of(fragments), 1009)
        # A sanitizer keeps what was freed for a while; the bombs together would be 2.5 GiB.
        allowed = 64 * MEBI if self.daemon.is_sanitized else 4 * MEBI
        self.assertLess(self.resident_bytes() - before, allowed)
        self.assertEqual(self.close_code_of(wire.frame(2, deflated(bytes(LIMIT + 1)), reserved=4)), 1009)
        sock, _, _ = self.upgraded()
        sock.sendall(wire.frame(2, deflated(bytes(LIMIT)), reserved=4))
        answer = sock.recv(65536)
        self.assertEqual(zlib.decompressobj(-15).decompress(wire.frames(answer)[0][1]), bytes(LIMIT))

    def test_a_compressed_frame_longer_than_any_message_is_refused_by_its_header(self):
        self.assertEqual(self.close_code_of(wire.frame(2, b"", reserved=4, length=2 * LIMIT)), 1009)


if __name__ == "__main__":
    unittest.main()
