#!/usr/bin/env python3
"""What a handshake costs the server with a token of each kind, against one without.

    bench/token_cost.py --program build/release/ringroom [--connects 4000] [--rounds 5] [--at-once 50]

A connection is: TCP, upgrade, connection_ack, TCP reset. Processor time is the server's own
(/proc/PID/task/*/schedstat, nanoseconds), user and system, so what the client costs does not count.
Kinds take turns within a round; the figures are medians over the rounds and, of the ratio to
`none`, the least and the largest. `again`: tokens that the server has seen, as of clients that come
back. `new`: each for the first time, with a server of its own per round.
"""
import argparse
import pathlib
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile

KINDS = {  # name: (algorithm, how openssl makes its key)
    "HS256": None,
    "ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ES384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "EdDSA": ["-algorithm", "ED25519"],
    "RS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "PS256": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}
SECRET = "0123456789abcdef0123456789abcdef"


class Server:
    def __init__(self, program, *flags):
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--cores", "1", "--insecure-dev",
             "--low-power", "--drain-ms", "0", *flags], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.port = int(re.search(r"http://[^/]*:(\d+)/", self.process.stdout.readline())[1])

    def cpu_us(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1000

    def stop(self):
        self.process.terminate()
        self.process.wait()


def make_tokens(program, kind, folder, count):
    """Tokens of one key, and the flag that gives the server its public half."""
    if kind == "HS256":
        sign, flag = ["--secret-file", str(folder / "secret")], None
        (folder / "secret").write_text(SECRET)
    else:
        private, public = folder / f"{kind}.pem", folder / f"{kind}.pub"
        subprocess.run(["openssl", "genpkey", *KINDS[kind], "-out", private], check=True,
                       stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
        sign, flag = ["--sign-with", f"{kind}:{kind}:{private}"], f"{kind}:{kind}:{public}"
    made = []
    for i in range(count):
        done = subprocess.run([program, "token", "make", "--sub", f"user-{i}", "--ttl", "1h",
                               "--room", "quote:*=join,publish", *sign],
                              check=True, capture_output=True, text=True)
        made.append(f"token={done.stdout.strip()}")
    return made, flag


def connect(port, queries, at_once):
    """All of them, some at a time; each is answered with 101 and connection_ack."""
    for first in range(0, len(queries), at_once):
        sockets = []
        for query in queries[first:first + at_once]:
            one = socket.create_connection(("127.0.0.1", port))
            # Closed by RST: no port waits for a minute.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.sendall(f"GET /ws?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
            sockets.append(one)
        for one in sockets:
            text = b""
            while b"connection_ack" not in text:
                more = one.recv(4096)
                if not more or b"error_message" in text:
                    raise SystemExit(f"not let in: {text!r}")
                text += more
            one.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="build/release/ringroom")
    parser.add_argument("--connects", type=int, default=4000)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--must", type=float, help="largest ratio allowed for ES256 again")
    asked = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        queries, flags = {"none": [f"user=user-{i}" for i in range(asked.tokens)]}, []
        for kind in asked.kinds:
            queries[kind], flag = make_tokens(asked.program, kind, pathlib.Path(name), asked.tokens)
            if flag:
                flags.append(flag)
        all_flags = ["--token-hmac-secret", SECRET,
                     *(["--token-key-files", ",".join(flags)] if flags else [])]
        costs = {(kind, when): [] for kind in queries for when in ("new", "again")}

        def measure(server, kind, when, own):
            before = server.cpu_us()
            connect(server.port, own, asked.at_once)
            costs[kind, when].append((server.cpu_us() - before) / len(own))

        for _ in range(asked.rounds):
            server = Server(asked.program, *all_flags)
            try:
                connect(server.port, queries["none"], asked.at_once)  # what is only done once
                for kind in asked.kinds:  # and the first token of a kind
                    connect(server.port, queries[kind][:1], asked.at_once)
                for kind, own in queries.items():
                    measure(server, kind, "new", own[1:])
                for kind, own in queries.items():
                    repeated = (own * (asked.connects // len(own) + 1))[:asked.connects]
                    measure(server, kind, "again", repeated)
            finally:
                server.stop()

    print(f"{asked.connects} connections x {asked.rounds} rounds, {asked.at_once} at once")
    worst = 0
    for (kind, when), own in costs.items():
        ratios = [cost / base for cost, base in zip(own, costs["none", when])]
        ratio = statistics.median(ratios)
        if (kind, when) == ("ES256", "again"):
            worst = ratio
        print(f"  {kind:6} {when:6} {statistics.median(own):7.1f} us/connect   {ratio:5.2f} of none "
              f"[{min(ratios):.2f}-{max(ratios):.2f}]")
    return 1 if asked.must and worst > asked.must else 0


if __name__ == "__main__":
    sys.exit(main())
