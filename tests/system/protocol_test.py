"""Replays the examples of docs/protocol.md: the document says what the server does."""

import asyncio
import json
import pathlib
import re
import unittest

import websockets
from daemon import DEADLINE_S, Daemon

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol.md"


def examples():
    """(line number, options of the server, lines) of each block."""
    text = DOCUMENT.read_text()
    for block in re.finditer(r"^```replay([^\n]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, block.start(2)) + 1, block[1].split(), block[2].splitlines()


def fits(expected, actual):
    """The same shape and values; "*" fits anything that is there."""
    if expected == "*":
        return True
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(
            fits(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(fits, expected, actual))
    return expected == actual


class Protocol(unittest.IsolatedAsyncioTestCase):
    async def replay(self, daemon, first_line, lines):
        clients = {}
        for number, line in enumerate(lines, first_line):
            words = line.split(" ", 2)
            if words[0] == "open":
                clients[words[1]] = await websockets.connect(f"{daemon.ws}{words[2]}")
            elif words[0] == "post":
                status, answer = daemon.request("POST", words[1], json.loads(words[2]))
                self.assertEqual(status, 200, answer)
            elif words[0] == "close":
                await clients.pop(words[1]).close()
            elif words[0].endswith(">"):
                await clients[words[0][:-1]].send(line.split(" ", 1)[1])
            else:
                received = await asyncio.wait_for(clients[words[0][:-1]].recv(), DEADLINE_S)
                expected = json.loads(line.split(" ", 1)[1])
                self.assertTrue(fits(expected, json.loads(received)),
                                f"docs/protocol.md:{number}\n  says {line}\n  got  {received}")
        for client in clients.values():
            await client.close()

    async def test_every_example_of_the_document_is_what_happens(self):
        count = 0
        for first_line, options, lines in examples():
            # Alone, so that the rooms are new and nothing but the example's own messages comes.
            with self.subTest(line=first_line), Daemon("--cores", "1", *options) as daemon:
                await self.replay(daemon, first_line, lines)
            count += 1
        self.assertGreaterEqual(count, 7)


if __name__ == "__main__":
    unittest.main(verbosity=2)
