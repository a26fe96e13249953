#!/usr/bin/env python3
"""Publications by the server API, pipelined: how many a second one core acknowledges, and what each costs.

    bench/api_publish.py                            # 50,000 a second for 10 s over 16 connections
    bench/api_publish.py --rate 0                   # as many as it takes
    bench/api_publish.py --floor --rate 0           # the same bytes asked of a path that does nothing
    bench/api_publish.py --cores 2 --client-core 1  # rooms at home on another core than the connection

The server runs on core 0 (and the next ones), this program on --client-core. Every connection speaks in a
room of its own, so every answer must carry the next sequence: what is missing, twice or out of order is
counted, and so is every answer that is no 200.
"""

import argparse
import json
import os
import pathlib
import re
import selectors
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "system"))
from daemon import Daemon  # noqa: E402

KEY = "the-key-of-the-benchmark-0123456789abcdef"
SEQUENCE = re.compile(rb'"sequence":(\d+)')
ANSWER = re.compile(rb"HTTP/1\.1 (\d+)")


class Connection:
    """One pipelined connection: what it has asked, when, and what was answered."""

    def __init__(self, port, number, arguments):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        body = json.dumps({"room": f"room-{number}", "type": "tick",
                           "payload": {"text": "x" * arguments.payload_bytes}}).encode()
        path = "/nothing" if arguments.floor else "/api/publish"
        self.request = (f"POST {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {KEY}\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        self.is_floor = arguments.floor
        self.out, self.tail = b"", b""
        self.asked = []  # [count, when], oldest first
        self.in_flight = self.answered = self.wrong = self.expected = 0
        self.latencies = []  # (ms, count)

    def ask(self, count, now):
        self.out += self.request * count
        self.in_flight += count
        self.asked.append([count, now])

    def write(self):
        if self.out:
            try:
                self.out = self.out[self.socket.send(self.out):]
            except BlockingIOError:
                pass

    def read(self):
        try:
            data = self.tail + self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        if len(data) == len(self.tail):
            raise SystemExit(f"the server ended a connection: {self.tail[-300:]!r}")
        end = data.rfind(b"}\n") + 2 if b"}\n" in data else 0
        whole, self.tail = data[:end], data[end:]
        statuses = ANSWER.findall(whole)
        if self.is_floor:
            self.wrong += sum(status != b"404" for status in statuses)
        else:
            self.wrong += sum(status != b"200" for status in statuses)
            for sequence in SEQUENCE.findall(whole):
                self.expected += 1
                self.wrong += int(sequence) != self.expected
                self.expected = int(sequence)
        self.count(len(statuses), time.monotonic())

    def count(self, answers, now):
        self.answered += answers
        self.in_flight -= answers
        while answers:
            taken = min(answers, self.asked[0][0])
            self.latencies.append(((now - self.asked[0][1]) * 1000, taken))
            self.asked[0][0] -= taken
            answers -= taken
            if self.asked[0][0] == 0:
                self.asked.pop(0)


def percentile(latencies, part):
    left = part * sum(count for _, count in latencies)
    for ms, count in sorted(latencies):
        left -= count
        if left <= 0:
            return ms
    return 0.0


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def drive(connections, rate, window, seconds):
    """Asks `rate` a second of all of them together, at most `window` of each at once; 0: as many as it takes."""
    selector = selectors.DefaultSelector()
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    begin = time.monotonic()
    asked = turn = 0
    while (now := time.monotonic()) < begin + seconds:
        due = int(rate * (now - begin)) - asked if rate else window * len(connections)
        share = max(1, -(-due // len(connections)))
        for _ in range(len(connections)):
            connection = connections[turn % len(connections)]
            turn += 1
            count = min(share, due, window - connection.in_flight)
            if count > 0:
                connection.ask(count, now)
                due -= count
                asked += count
        for connection in connections:
            connection.write()
        for key, _ in selector.select(0.0005):
            key.data.read()
    took = time.monotonic() - begin
    answered = sum(connection.answered for connection in connections)
    end = time.monotonic() + 10
    while any(connection.in_flight for connection in connections) and time.monotonic() < end:
        for connection in connections:
            connection.write()
        for key, _ in selector.select(0.1):
            key.data.read()
    return asked, answered, took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=50_000, help="a second, of all; 0: as many as it takes")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--window", type=int, default=256, help="under way on one connection")
    parser.add_argument("--payload-bytes", type=int, default=64)
    parser.add_argument("--cores", type=int, default=1, help="of the server")
    parser.add_argument("--client-core", type=int, default=1)
    parser.add_argument("--floor", action="store_true", help="a path that only reads the request and answers 404")
    arguments = parser.parse_args()
    os.environ.setdefault("RINGROOM", str(pathlib.Path(__file__).resolve().parents[1] / "build/release/ringroom"))
    with Daemon("--cores", str(arguments.cores), "--api-key", KEY, "--namespace", "default:history-count=100",
                "--queue-bytes-max", "16MiB") as daemon:
        os.sched_setaffinity(0, {arguments.client_core % os.cpu_count()})
        connections = [Connection(daemon.port, n, arguments) for n in range(arguments.connections)]
        before = cpu_seconds(daemon.process.pid)
        asked, answered, took = drive(connections, arguments.rate, arguments.window, arguments.seconds)
        spent = cpu_seconds(daemon.process.pid) - before
        latencies = [one for connection in connections for one in connection.latencies]
        result = {
            "asked": asked, "answered_per_s": round(answered / took),
            "unanswered": sum(connection.in_flight for connection in connections),
            "wrong": sum(connection.wrong for connection in connections),
            "ack_p50_ms": round(percentile(latencies, 0.5), 2), "ack_p99_ms": round(percentile(latencies, 0.99), 2),
            "server_cpu_us_per_call": round(spent * 1e6 / max(1, asked), 2),
            "server_cpu": round(spent / took, 2)}
        print(json.dumps(result))
        for connection in connections:
            connection.socket.close()
    sys.exit(0 if result["wrong"] == result["unanswered"] == 0 else 1)


if __name__ == "__main__":
    main()
