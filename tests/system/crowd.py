"""Many clients in one thread: each in a room, some speaking, all checking what they hear.

What a client heard must be the sequence of its room without a hole and without a repetition, from
where it joined to its end, and hold everything that was acknowledged before its end.
"""

import collections
import random
import re
import select
import socket
import struct
import time

import wire
from daemon import DEADLINE_S

SEQUENCE = re.compile(rb'"sequence":(\d+)')
CORRELATION = re.compile(rb'"correlation_id":"(\d+)"')


def text_frame(payload):
    """Masked with zeros: valid, and no work for us."""
    size = len(payload)
    head = struct.pack(">BB", 0x81, 0x80 | size) if size < 126 else struct.pack(">BBH", 0x81, 0xFE, size)
    return head + b"\0\0\0\0" + payload


class Client:
    __slots__ = ("sock", "room", "user", "rest", "state", "first", "last", "repeated", "skipped", "reconnect",
                 "reconnect_at", "close_code", "closed_at", "open_at", "refused", "retry_at", "opened_at", "errors", "in_at")

    def __init__(self, user, room):
        self.user, self.room = user, room
        self.sock = None
        self.rest = b""
        self.state = "new"  # handshake, joining, joined, closed
        self.first = self.last = None
        self.repeated = self.skipped = 0
        self.reconnect = self.reconnect_at = self.close_code = self.closed_at = None
        self.open_at = None  # the last time we know that its end had not arrived
        self.refused = 0
        self.retry_at = self.opened_at = 0.0
        self.errors = []
        self.in_at = None  # its upgrade was answered


class Crowd:
    def __init__(self, port, count, room_size, query=""):
        self.port, self.query = port, query
        self.clients = [Client(f"u{i}", f"r{i // room_size}") for i in range(count)]
        self.poll = select.epoll()
        self.by_fd = {}
        self.acks = {}       # room -> [(sequence, when)]
        self.asked = {}      # message id -> (client, when)
        self.took = []       # of publications, from asking to the ack: (when, seconds)
        self.next_id = 0
        self.refusal_bytes_max = 0
        self.looked_at = self.looked_before = time.monotonic()

    def close(self):
        for client in self.by_fd.values():
            client.sock.close()
        self.poll.close()

    # One step each.

    def open(self, client):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", self.port))
        client.sock, client.rest, client.state = sock, b"", "handshake"
        client.opened_at = time.monotonic()
        self.by_fd[sock.fileno()] = client
        self.poll.register(sock.fileno(), select.EPOLLOUT)

    def publish(self, client):
        self.next_id += 1
        self.asked[self.next_id] = time.monotonic()
        self.send(client, b'{"type":"room_message","message_id":"%d","room":"%s","payload":{"n":%d}}' %
                  (self.next_id, client.room.encode(), self.next_id))

    def send(self, client, text):
        try:
            client.sock.send(text_frame(text))
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            client.errors.append("a message could not be sent")

    def step(self, timeout_s):
        """Takes all that has come."""
        self.looked_before, self.looked_at = self.looked_at, time.monotonic()
        for fd, events in self.poll.poll(timeout_s, len(self.by_fd) + 1):
            client = self.by_fd[fd]
            if client.state == "handshake" and events & select.EPOLLOUT:
                self.poll.modify(fd, select.EPOLLIN)
                client.sock.send(wire.handshake(f"/ws?user={client.user}{self.query}"))
                continue
            try:
                data = client.sock.recv(1 << 18)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                self.take(client, client.rest + data)
            else:
                self.end(client)

    def end(self, client):
        self.poll.unregister(client.sock.fileno())
        del self.by_fd[client.sock.fileno()]
        client.sock.close()
        if client.closed_at is None:
            client.closed_at, client.open_at = time.monotonic(), self.looked_before
        if client.state != "refused":
            client.state = "closed"

    def take(self, client, data):
        if client.state == "handshake":
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                client.rest = head
                return
            if b" 101 " not in head:
                self.refusal_bytes_max = max(self.refusal_bytes_max, len(head) + 4 + len(data))
                hint = re.search(rb"Retry-After: (\d+)", head)
                assert hint, head
                client.refused += 1
                # Whole seconds are all the header can say; the rest is the client's part.
                client.retry_at = time.monotonic() + int(hint[1]) + random.random()
                client.state = "refused"
                client.rest = b""
                return
            client.state = "joining"
            client.in_at = time.monotonic()
            self.send(client, b'{"type":"join_room","message_id":"0","room":"%s"}' % client.room.encode())
        elif client.state == "refused":
            return
        at, size_all = 0, len(data)
        while size_all - at >= 4:
            size, body = data[at + 1], at + 2
            if size == 126:
                size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if body + size > size_all:
                break
            self.hear(client, data[at] & 15, data[body : body + size])
            at = body + size
        client.rest = data[at:]

    def hear(self, client, opcode, text):
        if opcode == 8:
            client.close_code = struct.unpack(">H", text[:2])[0]
            client.closed_at, client.open_at = time.monotonic(), self.looked_before
            try:
                client.sock.send(wire.frame(8, text[:2]))
                client.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            client.state = "leaving"
        elif opcode == 9:
            client.sock.send(wire.frame(10, text))
        elif text.startswith(b'{"type":"room_message"'):
            number = int(SEQUENCE.search(text)[1])
            if client.last is None:
                client.errors.append("a message before the join was answered")
            elif number <= client.last:
                client.repeated += 1
            else:
                client.skipped += number - client.last - 1
                client.last = number
        elif text.startswith(b'{"type":"ack"'):
            now = time.monotonic()
            number = int(CORRELATION.search(text)[1])
            self.took.append((now, now - self.asked.pop(number)))
            self.acks.setdefault(client.room, []).append((int(SEQUENCE.search(text)[1]), now))
        elif text.startswith(b'{"type":"room_joined"'):
            client.first = client.last = int(SEQUENCE.search(text)[1])
            client.state = "joined"
        elif text.startswith(b'{"type":"reconnect"'):
            client.reconnect, client.reconnect_at = text, time.monotonic()
        elif text.startswith(b'{"type":"error_message"'):
            client.errors.append(text.decode())

    # Many steps.

    def until(self, condition, what, deadline_s=None, each=None):
        end = time.monotonic() + (deadline_s or DEADLINE_S)
        while not condition():
            assert time.monotonic() < end, f"still waiting for {what}"
            if each:
                each()
            self.step(0.002 if each else 0.05)

    def come_back(self):
        """Those who were told when to, once it is then."""
        now = time.monotonic()
        for client in self.clients:
            if client.state == "refused" and client.sock.fileno() < 0 and client.retry_at <= now:
                self.open(client)

    def join_all(self, at_once=200):
        waiting = iter(self.clients)

        def some():
            under_way = sum(client.state in ("handshake", "joining") for client in self.by_fd.values())
            for client in waiting:
                self.open(client)
                under_way += 1
                if under_way >= at_once:
                    break

        self.until(lambda: all(client.state == "joined" for client in self.clients), "everybody to be in", each=some)

    def check(self):
        """Nothing missed, nothing heard twice, and what somebody was told is published before a client's
        end was sent has been heard by that client. Not before it arrived: a core that is held up between
        the one and the other holds answers up as long, so the slowest answer is how long that can be."""
        held_up_s = max((seconds for _, seconds in self.took), default=0)
        for client in self.clients:
            assert not client.errors, (client.user, client.errors[:3])
            assert client.repeated == 0, f"{client.user} heard {client.repeated} twice"
            assert client.skipped == 0, f"{client.user} missed {client.skipped}"
            end = (client.open_at or self.looked_before) - held_up_s
            acked = max((number for number, when in self.acks.get(client.room, []) if when < end), default=0)
            assert client.last >= acked, f"{client.user} heard up to {client.last}, acknowledged was {acked}"


class Pace:
    """Publishes at a rate, by whoever is still there, one after the other. Open loop: what a slow
    answer delays is made up for, some in each step."""

    STEP_MAX = 500

    def __init__(self, crowd, per_second):
        self.crowd, self.per_second = crowd, per_second
        self.speakers = collections.deque(crowd.clients)
        self.began, self.sent = time.monotonic(), 0

    def __call__(self):
        due = int((time.monotonic() - self.began) * self.per_second)
        due = min(due, self.sent + self.STEP_MAX)
        while self.sent < due and self.speakers:
            client = self.speakers.popleft()
            if client.state != "joined":
                continue  # gone: for good
            self.crowd.publish(client)
            self.speakers.append(client)
            self.sent += 1
