"""What a connection in a room takes of the server's memory, with presence and history and without them.

    RINGROOM=build/release/ringroom /usr/bin/python3 tests/system/connection_memory.py [--connections 4500]

For each kind of room a daemon of one core: so many connections, then as many again, and what its resident
memory grew by from the one to the other. So what a core takes once, with the first who come, is not counted.
Ends with exit code 0 when presence and history together cost at most a quarter more.
"""

import argparse
import select
import time

import wire
from daemon import DEADLINE_S, Daemon, raise_descriptor_limit

KINDS = [("neither", "history-count=0,presence=false"), ("history", "history-count=1000,presence=false"),
         ("presence", "history-count=0,presence=true"), ("both", "history-count=1000,presence=true")]
AT_MOST = 1.25


class Crowd:
    """Connections that join a room each, read what comes and look at nothing of it."""

    def __init__(self, daemon):
        self.daemon, self.socks, self.joined = daemon, {}, set()
        self.poll = select.epoll()

    def join(self, n, room):
        sock = self.daemon.connect()
        sock.sendall(wire.handshake(f"/ws?user=user-{n:06}") + wire.frame(
            1, b'{"type":"join_room","message_id":"1","room":"%s"}' % room.encode()))
        sock.setblocking(False)
        self.socks[sock.fileno()] = sock
        self.poll.register(sock, select.EPOLLIN)

    def read(self, wait_s=0.0):
        events = self.poll.poll(wait_s, 1024)
        for number, _ in events:
            data = self.socks[number].recv(1 << 20)
            assert data, "a connection was closed"
            if number not in self.joined and b'"room_joined"' in data:
                self.joined.add(number)
        return bool(events)

    def grow(self, count, members):
        """So many more, `members` to a room; all have joined and nothing more comes. A few at a time: what a
        storm needs for a moment is another question."""
        first = len(self.socks)
        for n in range(first, first + count):
            self.join(n, f"bench:{n // members}")
            if n % 10 == 9 or n == first + count - 1:
                end = time.monotonic() + DEADLINE_S
                while len(self.joined) < len(self.socks):
                    self.read(0.1)
                    assert time.monotonic() < end, f"{len(self.socks) - len(self.joined)} have not joined"
        while self.read(1.0):  # the last differences
            pass


def resident(daemon):
    """When it stands still."""
    last, same = 0, 0
    while same < 4:
        with open(f"/proc/{daemon.process.pid}/statm", encoding="ascii") as file:
            now = int(file.read().split()[1]) * 4096
        same = same + 1 if now == last else 0
        last = now
        select.select([], [], [], 0.25)
    return last


def bytes_each(options, count, members):
    # These clients answer no pings, so none are sent.
    with Daemon("--cores", "1", "--ping-interval-ms", "1h", "--namespace", f"bench:{options}") as daemon:
        crowd = Crowd(daemon)
        crowd.grow(count, members)
        before = resident(daemon)
        crowd.grow(count, members)
        return (resident(daemon) - before) / count


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--connections", type=int, default=4500)
    arguments = arguments.parse_args()
    raise_descriptor_limit()
    worst = 0
    for members, text in ((arguments.connections * 2, "all in one room"), (100, "rooms of 100"), (10, "rooms of 10")):
        each = {kind: bytes_each(options, arguments.connections, members) for kind, options in KINDS}
        ratio = each["both"] / each["neither"]
        worst = max(worst, ratio)
        print(f"{text}: {', '.join(f'{kind} {value:.0f}' for kind, value in each.items())} bytes; "
              f"both {ratio:.2f} times neither", flush=True)
    raise SystemExit(worst > AT_MOST)


if __name__ == "__main__":
    main()
