"""A tenth of a large room loses its connection and comes back: what does that cost the others?

    RINGROOM=build/release/ringroom /usr/bin/python3 tests/system/presence_flood.py [--members 10000]

Ends with exit code 0 when nobody was told anything while all came back within the grace, when those
who did not come back were told in batches, and when the room then lists exactly who is there.
"""

import argparse
import json
import random
import select
import time

import wire
from daemon import DEADLINE_S, Daemon, raise_descriptor_limit, until

JOIN = wire.frame(1, b'{"type":"join_room","message_id":"1","room":"hall"}')


class Members:
    """Connections by user, and the bytes each has got and nobody has looked at."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.socks, self.users, self.got = {}, {}, {}
        self.epoll = select.epoll()

    def join(self, user):
        sock = self.daemon.connect()
        sock.sendall(wire.handshake(f"/ws?user={user}") + JOIN)
        sock.setblocking(False)
        self.socks[user], self.users[sock.fileno()], self.got[user] = sock, user, []
        self.epoll.register(sock, select.EPOLLIN)

    def lose(self, user):
        sock = self.socks.pop(user)
        self.epoll.unregister(sock)
        del self.users[sock.fileno()], self.got[user]
        wire.reset(sock)

    def read(self, wait_s=0.0):
        for number, _ in self.epoll.poll(wait_s, 1024):
            user = self.users[number]
            data = self.socks[user].recv(1 << 20)
            if not data:
                raise AssertionError(f"{user} was closed: {b''.join(self.got[user])[-200:]!r}")
            self.got[user].append(data)

    def read_until(self, condition, what):
        end = time.monotonic() + 2 * DEADLINE_S
        while not condition():
            self.read(0.01)
            if time.monotonic() > end:
                raise AssertionError(f"still waiting for: {what}")

    def has_joined(self, user):
        return any(b'"room_joined"' in data for data in self.got[user])

    def read_for(self, duration_s):
        end = time.monotonic() + duration_s
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def forget(self):
        for pieces in self.got.values():
            pieces.clear()


def listed(daemon):
    """What a member sees who asks: how many there are."""
    with daemon.connect() as sock:
        sock.sendall(wire.handshake("/ws?user=asker") + wire.frame(
            1, b'{"type":"presence","message_id":"count","room":"hall","payload":{"counts":true}}'))
        _, data = wire.read_head(sock)
        while True:
            for _, payload in wire.frames(data):
                message = json.loads(payload)
                if message.get("correlation_id") == "count":
                    return message["payload"]
            data += sock.recv(65536)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--members", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments = arguments.parse_args()
    rng = random.Random(arguments.seed)
    raise_descriptor_limit()
    grace_s = 5
    # These clients answer no pings, so none are sent.
    with Daemon("--cores", "2", "--ping-interval-ms", "1h", "--namespace",
                f"default:presence=true,presence-grace-ms={grace_s * 1000}") as daemon:
        members = Members(daemon)
        users = [f"user-{n}" for n in range(arguments.members)]
        for n, user in enumerate(users):
            members.join(user)
            if n % 50 == 49:
                members.read()
        members.read_until(lambda: all(members.has_joined(user) for user in users), "all to join")
        members.read_for(1)  # the last differences of the filling
        members.forget()
        told_before = daemon.metrics()["ringroom_presence_told_total"]

        # Come back within the grace.
        tenth = rng.sample(users, len(users) // 10)
        start = time.monotonic()
        for user in tenth:
            members.lose(user)
        for n, user in enumerate(tenth):
            members.join(user)
            if n % 50 == 49:
                members.read()
        members.read_until(lambda: all(members.has_joined(user) for user in tenth), "all to be back")
        back_s = time.monotonic() - start
        assert back_s < grace_s, f"they were too slow to come back: {back_s:.1f} s"
        members.read_for(grace_s + 1)
        stayed = [user for user in users if user not in set(tenth)]
        heard = sum(len(data) for user in stayed for data in members.got[user])
        told = daemon.metrics()["ringroom_presence_told_total"] - told_before
        assert (heard, told) == (0, 0), f"{heard} bytes and {told:.0f} announcements for nothing"
        assert listed(daemon) == {"count": len(users), "connections": len(users)}, listed(daemon)
        print(f"{len(users)} members, {len(tenth)} lost their connection and were back after "
              f"{back_s:.2f} s: 0 announcements, 0 bytes per member")

        # Do not come back.
        members.forget()
        for user in tenth:
            members.lose(user)
        left = len(users) - len(tenth)
        until(lambda: listed(daemon) == {"count": len(users), "connections": left},
              "their connections to be gone, and they to be awaited")
        members.read_for(grace_s)
        members.read_until(lambda: listed(daemon) == {"count": left, "connections": left},
                           "those who are gone to be gone")
        members.read_until(lambda: all(members.got[user] for user in stayed), "all to be told")
        members.read_for(1)
        told = daemon.metrics()["ringroom_presence_told_total"] - told_before
        heard = sum(len(data) for user in stayed for data in members.got[user]) / len(stayed)
        gone = set()
        for _, payload in wire.frames(b"".join(members.got[stayed[0]])):
            message = json.loads(payload)
            assert message["type"] == "presence_diff", message
            gone |= set(message["payload"].get("left", []))
        assert gone == set(tenth) or len(tenth) > 1000, "the differences do not name who is gone"
        assert told <= 8, f"{told:.0f} announcements"
        print(f"{len(tenth)} did not come back: {told:.0f} announcements, "
              f"{heard:.0f} bytes per member")
        until(lambda: daemon.metrics()["ringroom_subscriptions"] == left, "no other to be there")


if __name__ == "__main__":
    main()
