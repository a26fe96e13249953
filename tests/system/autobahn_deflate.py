#!/usr/bin/env python3
"""Autobahn's groups 12 and 13, compressed echo, walked by a client of our own.

    RINGROOM=build/test/ringroom tests/system/autobahn_deflate.py            ten messages a case
    RINGROOM=build/release/ringroom tests/system/autobahn_deflate.py --full  a thousand, as Autobahn does
    ... --only 13.5.2

Autobahn's fuzzing client is not at hand here. Its cases are these: 18 sizes and fragmentations, each
with five kinds of data and its usual offer (12.1 to 12.5) and with seven offers (13.1 to 13.7); one
message at a time goes out compressed, and must come back as it was. Each is walked twice, with
contexts that the server keeps and with none. The client is zlib and this file: nothing of ours.
"""

import argparse
import random
import sys
import zlib

from daemon import Daemon
from deflated import Client

# (bytes of a message, bytes of a frame at most; 0: one frame)
SIZES = [(16, 0), (64, 0), (256, 0), (1024, 0), (4096, 0), (8192, 0), (16384, 0), (32768, 0),
         (65536, 0), (131072, 0), (8192, 256), (16384, 256), (32768, 256), (65536, 256),
         (131072, 256), (131072, 1024), (131072, 4096), (131072, 32768)]

USUAL = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
AFRESH = "; server_no_context_takeover"
BITS_8, BITS_15 = "; server_max_window_bits=8", "; server_max_window_bits=15"
OFFERS = [USUAL, USUAL + AFRESH, USUAL + BITS_8, USUAL + BITS_15, USUAL + AFRESH + BITS_8,
          USUAL + AFRESH + BITS_15,
          ", ".join((USUAL + AFRESH + BITS_8, USUAL + AFRESH, USUAL))]
# Not of Autobahn: a client that keeps its own context too, which its offers never let the server take.
OWN_OFFERS = ["permessage-deflate", "permessage-deflate; client_max_window_bits",
              "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10"]

MEBI = 1 << 20
random.seed(12)


def words(count, *choices):
    return "".join(random.choice(choices) for _ in range(count))


DATA = {
    "text": words(30_000, "Habe ", "nun, ", "ach! ", "Philosophie,\r\n", "Juristerei ",
                  "und Medizin ", "durchaus ", "studiert, mit hei\N{LATIN SMALL LETTER SHARP S}em ",
                  "Bem\N{LATIN SMALL LETTER U WITH DIAERESIS}hn.\r\n").encode(),
    "bitmap": bytes((x // 4 + y // 4 + random.getrandbits(3)) & 0xFF
                    for y in range(512) for x in range(512)),
    "archive": random.randbytes(300_000),
    "json": words(9_000, '{"id":17,"tags":["a","b"]},', '{"id":94,"name":"Kn\\u00f6del"},',
                  '{"lat":48.137,"lon":11.575,"up":true},'),
    "html": words(9_000, "<p class=\"small\">", "</p>\n", "<td>12.50</td>", "<a href=\"/room/7\">",
                  "lobby</a>", "&nbsp;", "<br>\n"),
}


def walk(port, offer, data, size, frame_bytes, messages):
    client = Client(port, "/echo", offer)
    if not client.agreed:
        raise AssertionError(f"not agreed: {offer}")
    binary, at, sent_bytes = isinstance(data, bytes), 0, 0
    for number in range(messages):
        message = data[at:at + size]
        if len(message) < size:
            message += data[:size - len(message)]
        at = (at + size) % len(data)
        message = message if binary else message.encode()
        client.send(message, binary, frame_bytes)
        opcode, answer = client.receive()
        if opcode != (2 if binary else 1) or answer != message:
            raise AssertionError(f"message {number} came back as another")
        sent_bytes += len(message)
    code = client.close()
    if code != 1000:
        raise AssertionError(f"closed with {code}")
    return client, sent_bytes


def cases():
    for group, (kind, data) in enumerate(DATA.items(), 1):
        for number, (size, frame_bytes) in enumerate(SIZES, 1):
            yield f"12.{group}.{number}", kind, USUAL, data, size, frame_bytes
    for group, offer in enumerate(OFFERS + OWN_OFFERS, 1):
        for number, (size, frame_bytes) in enumerate(SIZES, 1):
            yield f"13.{group}.{number}", "json", offer, DATA["json"], size, frame_bytes


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", help="a case, such as 13.5.2, or the beginning of its name")
    options = parser.parse_args()
    messages = 1000 if options.full else 10
    count = failures = 0
    for mode in ("afresh", "context"):
        flags = ["--compression-context-takeover"] if mode == "context" else []
        with Daemon("--cores", "1", "--echo", "--max-message-bytes", str(MEBI), *flags) as daemon:
            for name, kind, offer, data, size, frame_bytes in cases():
                if options.only and not (name + ".").startswith(options.only + "."):
                    continue
                count += 1
                try:
                    client, sent_bytes = walk(daemon.port, offer, data, size, frame_bytes, messages)
                    # An echo that never compresses would not do: where it pays, each message is,
                    # unless it starts afresh and is longer than a window below the whole.
                    fits = not client.reads_afresh or client.read_bits == 15 or \
                        size <= 1 << client.read_bits
                    if kind != "archive" and size >= 256 and fits:
                        if client.compressed != messages or client.wire_bytes >= sent_bytes:
                            raise AssertionError(f"{client.compressed} of {messages} compressed")
                    if client.reads_afresh != (mode == "afresh" or AFRESH in offer.split(",")[0]
                                               or BITS_8 in offer.split(",")[0]):
                        raise AssertionError(f"agreed on {client.agreed}")
                    percent = 100 * client.wire_bytes // sent_bytes
                    print(f"ok {count} - {mode} {name} {kind}, {size} bytes in frames of "
                          f"{frame_bytes or 'any size'}: {percent} %", flush=True)
                except (AssertionError, OSError, zlib.error) as error:
                    failures += 1
                    print(f"not ok {count} - {mode} {name} {kind}\n# {error}", flush=True)
    print(f"1..{count}")
    sys.exit(1 if failures or count == 0 else 0)


if __name__ == "__main__":
    main()
