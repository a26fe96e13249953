"""A room with more listeners than one turn serves: everybody hears all of it, once and in order,
while others come and go, and while some read and some do not."""

import random
import selectors
import socket
import struct
import unittest

import wire
from daemon import DEADLINE_S, Daemon, raise_descriptor_limit, until

PAYLOAD_BYTES = 600
HEAD_BYTES = 4  # of a frame of 126 to 65535 bytes


class Listener:
    """Checks a stream of numbered messages while it comes in."""

    def __init__(self, daemon, receive_bytes=None):
        self.sock = socket.socket()
        if receive_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.sock.settimeout(DEADLINE_S)
        self.sock.connect(("127.0.0.1", daemon.port))
        self.sock.sendall(wire.handshake("/raw/crowd?mode=subscribe"))
        head, self.rest = wire.read_head(self.sock)
        assert b" 101 " in head, head
        self.sock.setblocking(False)
        self.first = self.last = None

    def read(self):
        """Takes what is there; False when the connection has ended."""
        try:
            data = self.sock.recv(1 << 18)
        except BlockingIOError:
            return True
        if not data:
            return False
        data = self.rest + data
        size = HEAD_BYTES + PAYLOAD_BYTES
        whole = len(data) // size * size
        for at in range(0, whole, size):
            assert data[at : at + 2] == b"\x82\x7e", data[at : at + 16]
            (number,) = struct.unpack_from(">Q", data, at + HEAD_BYTES)
            if self.last is None:
                self.first = number
            else:
                assert number == self.last + 1, f"{number} after {self.last}"
            self.last = number
        self.rest = data[whole:]
        return True


class Crowd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise_descriptor_limit()

    def publisher(self, daemon):
        sock = daemon.connect()
        self.addCleanup(sock.close)
        sock.sendall(wire.handshake("/raw/crowd?mode=publish"))
        self.assertIn(b" 101 ", wire.read_head(sock)[0])
        return sock

    def say(self, sock, first, count):
        sock.sendall(b"".join(
            wire.frame(2, struct.pack(">Q", number).ljust(PAYLOAD_BYTES, b"."))
            for number in range(first, first + count)))

    def test_listeners_come_and_go_while_a_batch_is_handed_out(self):
        with Daemon("--cores", "2", "--ping-interval-ms", "1h") as daemon:
            steady = [Listener(daemon) for _ in range(300)]
            until(lambda: daemon.metrics()["ringroom_joins_total"] == 300, "all to be in the room")
            rng = random.Random(1)
            passing, heard_in_passing, number = [], 0, 1
            speaker = self.publisher(daemon)
            for _ in range(60):
                self.say(speaker, number, 20)
                number += 20
                passing += [Listener(daemon) for _ in range(4)]
                self.say(speaker, number, 20)
                number += 20
                for listener in steady + passing:
                    self.assertTrue(listener.read())
                rng.shuffle(passing)
                for gone in passing[8:]:
                    heard_in_passing += gone.last is not None
                    wire.reset(gone.sock) if rng.random() < 0.5 else gone.sock.close()
                del passing[8:]

            def all_heard():
                return all(listener.read() and listener.last == number - 1
                           for listener in steady + passing)

            until(all_heard, "everybody to have heard the last message")
            self.assertEqual({listener.first for listener in steady}, {1})
            self.assertGreater(heard_in_passing, 50)
            metrics = daemon.metrics()
            self.assertEqual(metrics["ringroom_slow_consumers_total"], 0)
            self.assertGreater(metrics["ringroom_publish_total"], metrics["ringroom_batches_total"])
            for listener in steady + passing:
                listener.sock.close()

    def test_listeners_switch_between_reading_and_not_ten_thousand_times(self):
        with Daemon("--cores", "2", "--queue-bytes-max", "64MiB",
                    "--ping-interval-ms", "1h") as daemon:
            listeners = [Listener(daemon, receive_bytes=16384) for _ in range(40)]
            until(lambda: daemon.metrics()["ringroom_joins_total"] == 40, "all to be in the room")
            rng = random.Random(2)
            speaker = self.publisher(daemon)
            selector = selectors.DefaultSelector()
            reading, number, switches = set(), 1, 0
            while switches < 10_000:
                self.say(speaker, number, 25)
                number += 25
                for listener in rng.sample(listeners, 10):
                    switches += 1
                    if listener in reading:
                        reading.remove(listener)
                        selector.unregister(listener.sock)
                    else:
                        reading.add(listener)
                        selector.register(listener.sock, selectors.EVENT_READ, listener)
                for key, _ in selector.select(timeout=0):
                    self.assertTrue(key.data.read())
            blocked = daemon.metrics()["ringroom_sends_blocked_total"]
            behind = {listener for listener in listeners if listener.last != number - 1}
            for listener in behind - reading:
                selector.register(listener.sock, selectors.EVENT_READ, listener)
            while behind:
                ready = selector.select(timeout=DEADLINE_S)
                self.assertTrue(ready, f"{len(behind)} listeners have not heard the last message")
                for key, _ in ready:
                    self.assertTrue(key.data.read())
                    if key.data.last == number - 1:
                        behind.discard(key.data)
            self.assertEqual({listener.first for listener in listeners}, {1})
            # It was about blocked sockets, so there must have been some.
            self.assertGreater(blocked, 100)
            for listener in listeners:
                listener.sock.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
