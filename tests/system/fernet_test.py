"""Rooms whose payloads leave encrypted, read and written by another implementation of Fernet."""

import asyncio
import json
import tempfile
import time
import unittest

import websockets
from cryptography.fernet import Fernet, InvalidToken
from daemon import DEADLINE_S, run
from native_client import NativeCase

NEW, OLD, FOREIGN = (Fernet.generate_key() for _ in range(3))


def clear(payload, key=NEW):
    """What is in a payload that left encrypted."""
    assert set(payload) == {"fernet"}, payload
    return json.loads(Fernet(key).decrypt(payload["fernet"].encode()))


def token(value, key=NEW, at=None):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    made = Fernet(key).encrypt(data) if at is None else Fernet(key).encrypt_at_time(data, at)
    return made.decode()


class Sealed(NativeCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("wb", suffix=".keys") as keys:
            keys.write(b"# the new one\n" + NEW + b"\n\n# the old one\n" + OLD + b"\n")
            keys.flush()
            cls.options = ("--namespace", "default:history-count=10,state-keys=10",
                           "--namespace", f"vault:fernet-keys-file={keys.name}",
                           "--namespace", f"fresh:fernet-keys-file={keys.name},fernet-age-ms=60s")
            super().setUpClass()

    async def pair(self, room):
        ann, bob = await self.client("ann"), await self.client("bob")
        await ann.join(room)
        await bob.join(room)
        return ann, bob

    def counted(self, name):
        return self.daemon.metrics()[f"ringroom_fernet_{name}_total"]

    async def test_payloads_leave_encrypted_once_for_all_who_listen(self):
        before = self.counted("sealed")
        ann, bob = await self.pair("vault:once")
        eve = await self.client("eve")
        await eve.join("vault:once")
        await ann.send("note", "vault:once", {"said": "grüße"})
        heard = [await each.next("note") for each in (ann, bob, eve)]
        self.assertEqual(clear(heard[0]["payload"]), {"said": "grüße"})
        self.assertEqual(heard[0], heard[1])
        self.assertEqual(heard[0], heard[2])
        with self.assertRaises(InvalidToken):
            clear(heard[0]["payload"], OLD)
        self.assertEqual(self.counted("sealed"), before + 1)

    async def test_encrypted_payloads_are_taken_by_every_key_and_leave_by_the_first(self):
        ann, bob = await self.pair("vault:taken")
        for key in (NEW, OLD):
            await ann.send("note", "vault:taken", {"fernet": token({"by": key.decode()}, key)})
            self.assertEqual(clear((await bob.next("note"))["payload"]), {"by": key.decode()})

    async def test_what_says_that_it_is_encrypted_and_is_not_is_refused(self):
        ann, bob = await self.pair("vault:refused")
        before = self.counted("refused")
        good = token({"a": 1})
        refused = [{"fernet": token({"a": 1}, FOREIGN)}, {"fernet": good[:-1]}, {"fernet": ""},
                   {"fernet": good[:30] + ("A" if good[30] != "A" else "B") + good[31:]},
                   {"fernet": token(b"no json")}, {"fernet": token([1, 2])}, {"fernet": token(b'{"a":1')},
                   {"fernet": token(b"\xff\xfe"), "of": "text"}]
        for payload in refused:
            message_id = await ann.send("note", "vault:refused", payload)
            answer = await ann.next("error_message", correlation_id=message_id)
            self.assertEqual(answer["payload"]["code"], "invalid", payload)
            self.assertIn("fernet", answer["payload"]["message"])
        self.assertEqual(self.counted("refused"), before + len(refused))
        # Whatever does not say so is a payload like any other.
        for payload in ({}, {"fernet": 1}, {"fernet": good, "more": 1}, {"fernet": good, "of": "x"},
                        {"in": {"fernet": good}}):
            await ann.send("note", "vault:refused", payload)
            self.assertEqual(clear((await bob.next("note"))["payload"]), payload)

    async def test_a_token_is_taken_for_as_long_as_the_namespace_says(self):
        ann, bob = await self.pair("fresh:age")
        now = int(time.time())
        for at, taken in ((now, True), (now - 30, True), (now - 90, False), (now + 120, False)):
            message_id = await ann.send("note", "fresh:age", {"fernet": token({"at": at}, NEW, at)})
            if taken:
                self.assertEqual(clear((await bob.next("note"))["payload"]), {"at": at})
            else:
                await ann.next("error_message", correlation_id=message_id)

    async def test_other_rooms_pass_what_looks_like_a_token_untouched(self):
        ann, bob = await self.pair("lobby")
        before = self.counted("sealed")
        for payload in ({"fernet": token({"a": 1}, FOREIGN)}, {"fernet": "gAAAA"}, {"opaque": "x" * 1000}):
            await ann.send("note", "lobby", payload)
            self.assertEqual((await bob.next("note"))["payload"], payload)
        self.assertEqual(self.counted("sealed"), before)

    async def test_what_rooms_remember_is_what_left(self):
        ann, bob = await self.pair("vault:past")
        await ann.send("note", "vault:past", {"n": 1}, key="k")
        heard = await bob.next("note")
        late = await self.client("late")
        joined = (await late.join("vault:past", history=5))["payload"]
        self.assertEqual(joined["messages"], [heard])
        self.assertEqual(joined["state"]["k"]["value"] if isinstance(joined["state"], dict) else
                         joined["state"][0]["value"], heard["payload"])
        await late.send("history", "vault:past", {"limit": 5})
        self.assertEqual((await late.next("history"))["payload"]["messages"], [heard])

    async def test_ephemeral_and_published_messages_leave_encrypted_too(self):
        ann, bob = await self.pair("vault:more")
        await ann.send("typing_indicator", "vault:more", {"is_typing": True})
        self.assertEqual(clear((await bob.next("typing_indicator"))["payload"]), {"is_typing": True})
        for body in ({"x": 1}, {"fernet": token({"x": 1}, OLD)}):
            status, _ = self.api("/api/publish", {"room": "vault:more", "type": "note", "payload": body})
            self.assertEqual(status, 200)
            self.assertEqual(clear((await bob.next("note"))["payload"]), {"x": 1})
        status, answer = self.api("/api/publish", {"room": "vault:more", "type": "note",
                                                   "payload": {"fernet": token({}, FOREIGN)}})
        self.assertEqual((status, answer["error"]["code"]), (422, "invalid"))

    async def test_raw_listeners_get_the_token_alone(self):
        bob = await self.client("bob")
        await bob.join("vault:raw")
        raw = await websockets.connect(f"{self.daemon.ws}/raw/vault:raw?mode=both")
        try:
            for sent, plain, of in (("hello", b"hello", "text"), (b"\0\xff", b"\0\xff", "binary"),
                                    (token(b"by raw", OLD), b"by raw", "text"),
                                    (opaque := token(b"not ours", FOREIGN), opaque.encode(), "text")):
                await raw.send(sent)
                got = await asyncio.wait_for(raw.recv(), DEADLINE_S)
                self.assertEqual(Fernet(NEW).decrypt(got.encode()), plain)
                self.assertEqual((await bob.next("room_message"))["payload"], {"fernet": got, "of": of})
        finally:
            await raw.close()
        # And a client says of what it encrypts, what that is.
        await bob.send("room_message", "vault:raw", {"fernet": token(b"\0", NEW), "of": "binary"})
        heard = (await bob.next("room_message"))["payload"]
        self.assertEqual((heard["of"], Fernet(NEW).decrypt(heard["fernet"].encode())), ("binary", b"\0"))


class Keys(unittest.TestCase):
    def check(self, text, more=""):
        with tempfile.NamedTemporaryFile("w", suffix=".keys") as keys:
            keys.write(text)
            keys.flush()
            return run("config", "check", "--namespace", f"vault:fernet-keys-file={keys.name}{more}"), keys.name

    def test_that_are_none_are_told_by_their_line_and_not_shown(self):
        good = NEW.decode()
        checked, path = self.check(good + "\nnot-a-key-but-secret\n")
        self.assertEqual(checked.returncode, 2)
        self.assertIn(f"namespace vault: fernet-keys-file {path}, line 2: ", checked.stderr)
        self.assertNotIn("secret", checked.stderr)
        self.assertEqual(self.check(good)[0].returncode, 0)
        self.assertIn("state-deltas", self.check(good, ",state-deltas=true")[0].stderr)
        self.assertIn("whole seconds", self.check(good, ",fernet-age-ms=1500ms")[0].stderr)
        self.assertIn("cannot be read", run("config", "check", "--namespace",
                                            "vault:fernet-keys-file=/nowhere/keys").stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
