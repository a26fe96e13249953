"""Namespaces as clients meet them: which rooms there are, and what each does."""

import asyncio
import json
import tempfile
import unittest

import websockets
from daemon import DEADLINE_S, Daemon, run


async def ask(socket, message):
    """The answer to this message."""
    await socket.send(json.dumps(message))
    while True:
        answer = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))
        if answer.get("correlation_id") == message["message_id"]:
            return answer


def join(room):
    return {"type": "join_room", "message_id": "join " + room, "room": room}


def keyed(room):
    return {"type": "tick", "message_id": "say " + room, "room": room, "key": "eur", "payload": {"bid": 1}}


class Rooms(unittest.TestCase):
    def test_of_an_unknown_namespace_are_refused_to_clients_and_backends(self):
        async def body(daemon):
            async with websockets.connect(f"{daemon.ws}/ws?token={daemon.token}") as socket:
                self.assertEqual((await ask(socket, join("quote:eur")))["type"], "room_joined")
                for room in ("chat:1", "lobby", "quote", ":x", "default:x"):
                    refused = await ask(socket, join(room))
                    self.assertEqual(refused["payload"]["code"], "not_found", room)
                    self.assertIn("namespace", refused["payload"]["message"])
                    status, answer = daemon.publish(room)
                    self.assertEqual((status, answer["error"]["code"]), (404, "not_found"), room)
                self.assertEqual(daemon.publish("quote:eur")[0], 200)
            self.assertEqual(daemon.metrics()["ringroom_rooms"], 1)

        with Secured("--namespace", "quote:history-count=5") as daemon:
            asyncio.run(body(daemon))

    def test_of_an_unknown_namespace_are_the_defaults_where_there_is_one(self):
        async def body(daemon):
            async with websockets.connect(f"{daemon.ws}/ws?token={daemon.token}") as socket:
                for room in ("quote:eur", "chat:1", "lobby", "quote"):
                    self.assertEqual((await ask(socket, join(room)))["type"], "room_joined", room)
                # The option of one namespace is not another's.
                self.assertEqual((await ask(socket, keyed("quote:eur")))["type"], "ack")
                for room in ("chat:1", "lobby", "quote"):
                    refused = await ask(socket, keyed(room))
                    self.assertEqual(refused["payload"]["code"], "invalid", room)

        with Secured(env={"RINGROOM_NAMESPACE": "default;quote:state-keys=5"}) as daemon:
            asyncio.run(body(daemon))

    def test_inherit_from_the_default_of_the_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("[namespace.chat]\nstate-keys = 0\n[namespace.default]\nstate-keys = 1\n"
                       "[namespace.quote]\npresence = true\n")
            file.flush()

            async def body(daemon):
                async with websockets.connect(f"{daemon.ws}/ws?user=ann") as socket:
                    for room, answer in (("lobby", "ack"), ("quote:eur", "ack"), ("chat:1", "error_message")):
                        await ask(socket, join(room))
                        self.assertEqual((await ask(socket, keyed(room)))["type"], answer, room)

            with Daemon("--config", file.name) as daemon:
                asyncio.run(body(daemon))


class Secured(Daemon):
    """A server as it would be run: with tokens, a key, and only what is configured."""

    def __init__(self, *options, env=None):
        secrets = {"RINGROOM_TOKEN_HMAC_SECRET": "0123456789abcdef0123456789abcdef", "RINGROOM_API_KEY": "key"}
        super().__init__(*options, dev=False, env={**secrets, **(env or {})})
        made = run("token", "make", "--sub", "ann", "--room", "*=join,publish", env=secrets)
        assert made.returncode == 0, made.stderr
        self.token = made.stdout.strip()

    def publish(self, room):
        return self.request("POST", "/api/publish", {"room": room, "type": "tick", "payload": {}},
                            {"X-API-Key": "key"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
