"""Messages that wait for the hours they name. The hours of a test begin some seconds after its start."""

import base64
import datetime
import hmac
import json
import pathlib
import sys
import time
import unittest

import websockets
from daemon import Daemon, run, until
from native_client import API_KEY, Client

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from checker import Checker  # noqa: E402

SECRET = "a secret of tests, of more than 32 bytes"


def token(claims):
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    text = encode(b'{"alg":"HS256","typ":"JWT"}') + "." + encode(json.dumps(claims).encode())
    return text + "." + encode(hmac.digest(SECRET.encode(), text.encode(), "sha256"))


def clock(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%H:%M:%S")


class Opening:
    """Hours that begin so many seconds from now, on a whole one, and last for six hours."""

    def __init__(self, seconds):
        self.at = int(time.time()) + seconds
        self.text = f"from={clock(self.at)},to={clock(self.at + 6 * 3600)}"


class QuietHours(unittest.IsolatedAsyncioTestCase):
    def serve(self, *options, cores=2, dev=True):
        daemon = Daemon("--cores", str(cores), "--api-key", API_KEY, *options, dev=dev).start()
        self.addCleanup(daemon.stop)
        return daemon

    async def client(self, daemon, query):
        socket = await websockets.connect(f"{daemon.ws}/ws?{query}")
        self.addAsyncCleanup(socket.close)
        client = Client(socket)
        client.ack = await client.next("connection_ack")
        return client

    @staticmethod
    def post(daemon, path, **body):
        body = {"type": "notification", "payload": {}, **body}
        return daemon.request("POST", path, body, {"X-API-Key": API_KEY})

    def held(self, daemon, **body):
        status, answer = self.post(daemon, "/api/publish", **body)
        self.assertEqual(status, 202, answer)
        self.assertNotIn("sequence", answer)
        return answer["held_until"]

    async def test_a_message_waits_until_the_hours_begin_and_is_numbered_then(self):
        opening = Opening(4)
        daemon = self.serve("--quiet-hours", f"soon:{opening.text}", "--quiet-hours",
                            f"other:{opening.text}")
        checker = Checker()
        rooms = [f"room-{n}" for n in range(4)]  # homes on both cores
        ann = await self.client(daemon, "user=ann")
        for room in rooms:
            joined = await ann.join(room)
            checker.joined("ann", room, joined["payload"]["epoch"], joined["payload"]["sequence"])
            for n in range(15):
                policy = "soon" if n % 3 else "other"
                self.assertEqual(
                    self.held(daemon, room=room, payload={"n": n}, quiet_hours=policy), opening.at)
        self.assertEqual(daemon.metrics()["ringroom_publications_held"], 60)
        for room in rooms:
            # What names no hours does not wait, nor what is critical.
            for body in ({"payload": {"n": "now"}},
                         {"payload": {"n": "critical"}, "quiet_hours": "soon", "priority": "critical"}):
                status, answer = self.post(daemon, "/api/publish", room=room, **body)
                self.assertEqual(status, 200, answer)
                checker.acked("backend", room, answer["epoch"], answer["sequence"],
                              answer["message_id"])
        for room in rooms:
            heard = []
            for n in range(17):
                message = await ann.next("notification", room=room)
                checker.delivered("ann", room, message["sequence"], message["message_id"])
                heard.append(message["payload"]["n"])
                self.assertEqual(message["timestamp"] >= opening.at, n >= 2, message)
            self.assertEqual(heard, ["now", "critical", *range(15)])
        # Now they are on, and nothing waits.
        status, answer = self.post(daemon, "/api/publish", room=rooms[0], quiet_hours="soon")
        self.assertEqual((status, answer.get("sequence")), (200, 18))
        metrics = daemon.metrics()
        self.assertEqual((metrics["ringroom_publications_held"], metrics['ringroom_memory_bytes{purpose="held"}'],
                          metrics["ringroom_held_total"], metrics["ringroom_held_lost_total"]),
                         (0, 0, 60, 0))
        checker.delivered("ann", rooms[0], 18, answer["message_id"])
        checker.tell()

    async def test_what_is_for_a_user_waits_for_the_hours_and_then_for_the_user(self):
        opening = Opening(3)
        daemon = self.serve("--quiet-hours", f"soon:{opening.text}", "--namespace", "user")
        users = [f"ann-{n}" for n in range(4)]
        for n in range(3):
            status, _ = self.post(daemon, "/api/broadcast", users=users, quiet_hours="soon",
                                  payload={"n": n})
            self.assertEqual(status, 200)
        status, _ = self.post(daemon, "/api/broadcast", users=users, quiet_hours="soon",
                              priority="critical", payload={"n": "critical"})
        self.assertEqual(status, 200)
        until(lambda: daemon.metrics()["ringroom_publications_held"] == 0, "the hours have begun")
        for user in users:
            ann = await self.client(daemon, f"user={user}")
            heard = [(await ann.next("notification"))["payload"]["n"] for _ in range(4)]
            self.assertEqual(heard, ["critical", 0, 1, 2])

    async def test_the_same_message_sent_twice_is_said_once(self):
        opening = Opening(3)
        daemon = self.serve("--quiet-hours", f"soon:{opening.text}")
        ann = await self.client(daemon, "user=ann")
        await ann.join("lobby")
        for _ in range(2):
            self.held(daemon, room="lobby", quiet_hours="soon", message_id="same")
        await ann.next("notification", sequence=1)
        until(lambda: daemon.metrics()["ringroom_publications_held"] == 0, "nothing waits")
        self.assertEqual(await ann.silence(), [])

    async def test_the_hours_are_those_of_the_recipient_where_they_say_so(self):
        now = int(time.time())
        daemon = self.serve(
            "--quiet-hours", f"office:zone=user,from={clock(now - 3600)},to={clock(now + 3600)}",
            "--token-hmac-secret", SECRET, "--namespace", "user", dev=False)
        # Clocks of Etc/GMT-6 are six hours ahead.
        for user, zone, ahead in (("here", "UTC", 0), ("east", "Etc/GMT-6", 6), ("lost", None, 0),
                                  ("odd", "Mars/Base", 0)):
            claims = {"sub": user, "exp": now + 3600, **({"zone": zone} if zone else {})}
            await self.client(daemon, f"token={token(claims)}")
            status, answer = self.post(daemon, "/api/publish", room=f"user:{user}",
                                       quiet_hours="office")
            if ahead == 0:
                self.assertEqual(status, 200, answer)
            else:
                self.assertEqual((status, answer["held_until"]),
                                 (202, now - 3600 + (24 - ahead) * 3600))
        status, _ = self.post(daemon, "/api/publish", room="user:nobody", quiet_hours="office")
        self.assertEqual(status, 200)  # by the fallback

    async def test_so_many_wait_and_the_next_is_refused(self):
        opening = Opening(3600)
        daemon = self.serve("--quiet-hours", f"few:{opening.text},held-count=4", "--quiet-hours",
                            f"small:{opening.text},held-bytes=4KiB", cores=1)
        for _ in range(4):
            self.held(daemon, room="lobby", quiet_hours="few")
        self.held(daemon, room="lobby", quiet_hours="small", payload={"text": "x" * 3000})
        for body in ({"quiet_hours": "few"},
                     {"quiet_hours": "small", "payload": {"text": "x" * 1000}}):
            status, answer = self.post(daemon, "/api/publish", room="lobby", **body)
            self.assertEqual((status, answer["error"]["code"]), (503, "unavailable"))
            self.assertIn("as many messages wait for these hours", answer["error"]["message"])
        status, _ = self.post(daemon, "/api/publish", room="lobby", quiet_hours="few",
                              priority="critical")
        self.assertEqual(status, 200)
        metrics = daemon.metrics()
        self.assertEqual((metrics["ringroom_publications_held"], metrics["ringroom_held_refused_total"]), (5, 2))
        self.assertGreater(metrics['ringroom_memory_bytes{purpose="held"}'], 3000)

    async def test_what_cannot_wait_is_refused_by_name(self):
        opening = Opening(3600)
        daemon = self.serve("--quiet-hours", f"later:{opening.text}")
        for path, body, field in (
                ("/api/publish", {"room": "lobby", "quiet_hours": "never"}, "quiet_hours"),
                ("/api/publish", {"room": "lobby", "quiet_hours": 7}, "quiet_hours"),
                ("/api/publish", {"room": "lobby", "quiet_hours": "later", "priority": "x"}, "priority"),
                ("/api/publish", {"room": "lobby", "quiet_hours": "later", "expected_version": 0},
                 "expected_version"),
                ("/api/broadcast", {"quiet_hours": "later"}, "quiet_hours"),
                ("/api/broadcast", {"quiet_hours": "later", "users": ["ann"]}, "quiet_hours")):
            status, answer = self.post(daemon, path, **body)
            self.assertEqual(status, 422, body)
            self.assertEqual(answer["error"]["path"], f"$.{field}")
        self.assertEqual(daemon.metrics()["ringroom_publications_held"], 0)

    async def test_a_configuration_that_makes_no_sense_is_refused(self):
        for text, sentence in (("office:zone=Mars/Base", "zone must be the name of a time zone"),
                               ("office:days=someday", "days must be days such as"),
                               ("office:from=9", "from must be a time")):
            answer = run("config", "check", "--quiet-hours", text)
            self.assertEqual(answer.returncode, 2)
            self.assertIn(sentence, answer.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
