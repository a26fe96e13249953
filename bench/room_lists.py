#!/usr/bin/env python3
"""What a page of rooms costs the core that has them, which is how long its other connections wait.

    bench/room_lists.py --program build/release/ringroom [--rooms 1000000] [--pages 50]

One core, so all rooms are at home where the list is asked for, and a page is one turn of it.
Processor time is the core's own (/proc/PID/task/*/schedstat), of one page after the other; `waited`
is what the client saw. Pages are of 100 and of 1,000 rooms, from places all over the names.
"""
import argparse
import http.client
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import time

AT_ONCE = 32


def cpu_us(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return max(int(task.read_text().split()[0]) for task in tasks) / 1000


def name(number):
    return f"chat:room-number-{number:07}"


def make_rooms(port, count):
    """By a publication in each, many under way."""
    with socket.create_connection(("127.0.0.1", port)) as peer:
        for first in range(0, count, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, count))
            text = ""
            for number in numbers:
                # A stride that visits all: rooms come in no order of their names.
                body = f'{{"room":"{name(number * 7919 % count)}","type":"t","payload":{{}}}}'
                text += f"POST /api/publish HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            peer.sendall(text.encode())
            answers = b""
            while answers.count(b"HTTP/1.1 200") < len(numbers) or not answers.endswith(b"}\n"):
                chunk = peer.recv(1 << 16)
                if not chunk:
                    sys.exit(f"ended: {answers[-500:]}")
                answers += chunk


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--program", required=True)
    parse.add_argument("--rooms", type=int, default=1_000_000)
    parse.add_argument("--pages", type=int, default=50)
    said = parse.parse_args()
    if said.rooms % 7919 == 0:
        sys.exit("a multiple of 7919 rooms would not all get a name of their own")
    process = subprocess.Popen(
        [said.program, "serve", "--listen", "127.0.0.1:0", "--cores", "1", "--insecure-dev", "--low-power",
         "--drain-ms", "0", "--rooms-max", str(said.rooms + 1), "--namespace", "default:empty-room-ms=24h"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = int(re.search(r"http://[^/]*:(\d+)/", process.stdout.readline())[1])
        began, before = time.monotonic(), cpu_us(process.pid)
        make_rooms(port, said.rooms)
        made = cpu_us(process.pid) - before
        resident = int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096
        print(f"{said.rooms} rooms in {time.monotonic() - began:.0f} s, {made / said.rooms:.2f} us of CPU each, "
              f"{resident >> 20} MiB resident")
        peer = http.client.HTTPConnection("127.0.0.1", port)
        for limit in (100, 1000):
            spent, waited = [], []
            for page in range(said.pages):
                after = name(page * (said.rooms // said.pages))
                began, before = time.monotonic(), cpu_us(process.pid)
                peer.request("GET", f"/api/ws/rooms?limit={limit}&after={after}")
                answer = peer.getresponse()
                text = answer.read()
                waited.append(1000 * (time.monotonic() - began))
                spent.append((cpu_us(process.pid) - before) / 1000)
                if answer.status != 200 or b"room-number" not in text:
                    sys.exit(f"{answer.status}: {text[:500]}")
            print(f"pages of {limit:4}: CPU median {statistics.median(spent):.2f} ms, most {max(spent):.2f} ms; "
                  f"waited median {statistics.median(waited):.2f} ms, most {max(waited):.2f} ms")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
