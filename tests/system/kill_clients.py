"""Kills clients in every state of their life and shows that nothing of them stays.

    RINGROOM=build/asan/ringroom /usr/bin/python3 tests/system/kill_clients.py [--count 100000]

Ends with exit code 0 when the daemon (best an AddressSanitizer build) reported nothing, all its
connections, subscriptions and descriptors are back to the start, and it ended by itself.
"""

import argparse
import random
import socket

import wire
from daemon import Daemon, raise_descriptor_limit, until

JOIN = b'{"type":"join_room","message_id":"1","room":"%s"}'
SPEAK = b'{"type":"room_message","message_id":"2","room":"%s","payload":{"text":"hi"}}'


def states(room):
    """What a client has sent when it dies; the last item is the piece it may die inside of."""
    native = wire.handshake("/ws?user=ann")
    join, speak = wire.frame(1, JOIN % room), wire.frame(1, SPEAK % room)
    return {
        "connected": [b""],
        "in the head": [native],
        "in an api request": [b"POST /api/publish HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"],
        "upgraded": [native, b""],
        "in a frame": [native, join],
        "joined": [native, join, b""],
        "speaking": [native, join, speak],
        "speaking much": [native, join, speak * 50],
        "in a fragmented message": [native, wire.frame(1, b'{"type"', final=False) + wire.frame(0, b":")],
        "in a large message": [native, wire.frame(1, b" " * 60000)],
        "leaving": [native, join, wire.frame(1, b'{"type":"leave_room","room":"%s"}' % room)],
        "raw, both": [wire.handshake(f"/raw/{room.decode()}?mode=both"), wire.frame(2, b"x" * 100) * 20],
        "closing": [native, wire.frame(8, b"\x03\xe8")],
        "echoing": [wire.handshake("/echo"), wire.frame(2, b"y" * 5000) * 10],
        "broken": [native, b"\xff\xff\xff\xff"],
    }


def kill_one(daemon, rng, pieces):
    sock = daemon.connect()
    try:
        for piece in pieces[:-1]:
            sock.sendall(piece)
        if len(pieces) > 1 and rng.random() < 0.3:
            sock.recv(4096)  # the server has seen it: it dies in the settled state
        last = pieces[-1]
        sock.sendall(last[: rng.randint(0, len(last))])
        way = rng.random()
        if way < 0.4:
            wire.reset(sock)
        elif way < 0.8:
            sock.close()
        else:
            sock.shutdown(socket.SHUT_WR)
            if rng.random() < 0.5:
                sock.recv(4096)
            sock.close()
    except OSError:
        sock.close()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments = arguments.parse_args()
    rng = random.Random(arguments.seed)
    raise_descriptor_limit()
    # One stays, as a proof that others are served; it answers no pings, so none are sent.
    daemon = Daemon("--echo", "--cores", "2", "--ping-interval-ms", "1h").start()
    witness = daemon.connect()
    witness.sendall(wire.handshake("/ws?user=witness"))
    until(lambda: b"connection_ack" in witness.recv(65536), "the witness to be greeted")
    descriptors = daemon.descriptors()
    try:
        for done in range(arguments.count):
            kill_one(daemon, rng, rng.choice(list(states(b"room%d" % rng.randrange(8)).values())))
            if done % 10_000 == 9_999:
                print(f"{done + 1} killed", flush=True)

        def settled():
            metrics = daemon.metrics()
            return (
                metrics["ringroom_connections_authenticated"] == 1
                # This request's own connection is the other one.
                and metrics["ringroom_connections_connecting"] == 1
                and metrics["ringroom_connections_connected"] == 0
                and metrics["ringroom_connections_draining"] == 0
                and metrics["ringroom_subscriptions"] == 0
                and metrics["ringroom_sockets_open"] == 2
                and metrics["ringroom_queue_bytes"] == 0
                and daemon.descriptors() == descriptors
                and metrics
            )

        try:
            metrics = until(settled, "every killed client to be gone", 60)
        except AssertionError:
            print({k: v for k, v in daemon.metrics().items() if "connections" in k or "socket" in k
                   or "subscr" in k or "queue" in k}, daemon.descriptors(), descriptors)
            raise
        print(f"connections accepted {metrics['ringroom_connections_total']:.0f}, "
              f"joins {metrics['ringroom_joins_total']:.0f}, leaves {metrics['ringroom_leaves_total']:.0f}, "
              f"descriptors {daemon.descriptors()} as at the start")
        witness.close()
        error = daemon.stop()
        assert "Sanitizer" not in error, error
        print(f"{arguments.count} clients killed, no report, no leak")
    finally:
        if daemon.process.poll() is None:
            daemon.kill()


if __name__ == "__main__":
    main()
