"""A client of permessage-deflate by hand: zlib, a socket and nothing of ours."""

import re
import socket
import struct
import zlib

import wire


class Client:
    def __init__(self, port, path, offer):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(wire.handshake(path, Sec_WebSocket_Extensions=offer))
        head, self.behind = wire.read_head(self.socket)
        found = re.search(rb"\r\nSec-WebSocket-Extensions: (.*)\r\n", head + b"\r\n")
        self.agreed = found[1].decode() if found else ""
        self.writes_afresh = "client_no_context_takeover" in self.agreed
        self.reads_afresh = "server_no_context_takeover" in self.agreed
        self.write_bits = self.number("client_max_window_bits")
        self.read_bits = self.number("server_max_window_bits")
        self.compressor = self.decompressor = None
        self.wire_bytes = self.compressed = 0

    def number(self, name):
        found = re.search(name + r"=(\d+)", self.agreed)
        return int(found[1]) if found else 15

    def deflate(self, message):
        if self.compressor is None or self.writes_afresh:
            self.compressor = zlib.compressobj(wbits=-self.write_bits)
        return (self.compressor.compress(message) + self.compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def send(self, message, binary=False, frame_bytes=0):
        payload = self.deflate(message)
        step = frame_bytes or max(1, len(payload))
        pieces = [payload[at:at + step] for at in range(0, len(payload), step)] or [b""]
        self.socket.sendall(b"".join(
            wire.frame((2 if binary else 1) if i == 0 else 0, piece, final=i == len(pieces) - 1,
                       reserved=4 if i == 0 else 0)
            for i, piece in enumerate(pieces)))

    def take(self, size):
        while len(self.behind) < size:
            chunk = self.socket.recv(1 << 20)
            if not chunk:
                raise AssertionError(f"the server closed: {self.behind[:130]!r}")
            self.behind += chunk
        taken, self.behind = self.behind[:size], self.behind[size:]
        return taken

    def receive(self):
        """(opcode, payload) of the next frame, as the server meant it."""
        first, length = self.take(2)
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.take(8))[0]
        payload = self.take(length)
        if first not in (0x81, 0x82, 0xC1, 0xC2, 0x88, 0x89, 0x8A):
            raise AssertionError(f"a frame of no kind that we send: {first:#x} {payload[:120]!r}")
        self.wire_bytes += length
        if first & 0x40:
            self.compressed += 1
            if self.decompressor is None or self.reads_afresh:
                # Of 8, which is what was agreed, zlib has 256 bytes.
                self.decompressor = zlib.decompressobj(wbits=-self.read_bits)
            payload = self.inflate(payload)
        return first & 0x0F, payload

    def inflate(self, payload):
        """A message that starts afresh ends with a final block, and then with one begun."""
        out, rest = b"", payload + b"\0\0\xff\xff"
        while rest:
            out += self.decompressor.decompress(rest)
            rest = self.decompressor.unused_data
            if self.decompressor.eof:
                self.decompressor = zlib.decompressobj(wbits=-self.read_bits)
        return out

    def close(self):
        """Says goodbye; returns the code that came back."""
        self.socket.sendall(wire.frame(8, struct.pack(">H", 1000)))
        code = wire.close_code(self.behind + wire.read_until_closed(self.socket))
        self.socket.close()
        return code
