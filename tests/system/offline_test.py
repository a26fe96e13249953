"""What waits for a user who is away: brought on return, in order, until it is acknowledged."""

import asyncio
import json
import pathlib
import random
import sys
import unittest

import websockets
import wire
from daemon import Daemon, until
from native_client import API_KEY, Client, NativeCase

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from checker import Checker  # noqa: E402

# A message with this text takes 480 to 512 bytes of memory, whether or not sizes are rounded up to
# those that are kept for the next block (they are not under ASan). 8 KiB have room for 16.
HALF_A_KIB = "x" * 306
USERS = [f"ann-{n}" for n in range(6)]  # with homes on both cores


class Queue:
    """One user's queue as its connections see it, one after the other or side by side."""

    def __init__(self, case, user, daemon=None):
        self.case, self.user, self.room = case, user, f"user:{user}"
        self.daemon = daemon or case.daemon
        self.checker = Checker()

    def publish(self, count, text="x"):
        for _ in range(count):
            status, answer = self.daemon.request(
                "POST", "/api/publish",
                {"room": self.room, "type": "notification", "payload": {"text": text}},
                {"X-API-Key": API_KEY})
            self.case.assertEqual(status, 200, answer)
            self.checker.acked("backend", self.room, answer["epoch"], answer["sequence"],
                               answer["message_id"])

    async def arrive(self, name="phone"):
        """A connection that has heard nothing before its connection_ack."""
        client = Client(await websockets.connect(f"{self.daemon.ws}/ws?user={self.user}"))
        self.case.clients.append(client)
        client.ack = await client.next("connection_ack")
        self.case.assertEqual(client.kept, [])
        at = client.ack["payload"]["rooms"][self.room]
        client.name, client.epoch, client.position = name, at["epoch"], at["sequence"]
        self.checker.knows(name, self.room, client.epoch, client.position)
        return client

    async def hear(self, client, count):
        for _ in range(count):
            message = await client.next("notification")
            self.checker.delivered(client.name, self.room, message["sequence"],
                                   message["message_id"])
            client.position = message["sequence"]

    async def acknowledge(self, client, sequence):
        message_id = await client.send(
            "acknowledge", payload={"sequence": sequence, "epoch": client.epoch})
        answer = await client.next("ack", correlation_id=message_id)
        self.case.assertEqual(answer["payload"]["room"], self.room)
        return answer["payload"].get("sequence", 0)

    async def leave(self, client):
        self.checker.left(client.name)
        await client.socket.close()

    async def nothing_more(self, client):
        self.case.assertEqual(await client.silence(), [])


class Offline(NativeCase):
    options = ("--namespace", "user")

    async def test_what_came_while_away_is_brought_until_it_is_acknowledged(self):
        for user in USERS:
            queue = Queue(self, user)
            queue.publish(50)
            ann = await queue.arrive()
            self.assertEqual(ann.position, 0)
            await queue.hear(ann, 50)
            self.assertEqual(await queue.acknowledge(ann, 25), 25)
            await queue.leave(ann)

            ann = await queue.arrive()
            self.assertEqual(ann.position, 25)
            await queue.hear(ann, 25)
            await queue.nothing_more(ann)
            self.assertEqual(ann.position, 50)
            self.assertEqual(await queue.acknowledge(ann, 50), 50)
            self.assertEqual(await queue.acknowledge(ann, 3), 50)  # never back
            queue.publish(1)
            await queue.hear(ann, 1)  # live
            await queue.leave(ann)

            ann = await queue.arrive()
            self.assertEqual(ann.position, 50)
            await queue.hear(ann, 1)  # live is not acknowledged
            await queue.nothing_more(ann)
            queue.checker.tell()

    async def test_a_broadcast_to_users_waits_for_each_of_them(self):
        users = [f"bo-{n}" for n in range(4)]
        there = await self.client(users[0])
        status, answer = self.api("/api/broadcast", {"users": users, "type": "notification",
                                                     "payload": {"text": "hi"}})
        self.assertEqual((status, answer["users"]), (200, 4))
        await there.next("notification", room=f"user:{users[0]}", sequence=1)
        for user in users[1:]:
            ann = await self.client(user)
            message = await ann.next("notification")
            self.assertEqual((message["room"], message["sequence"], message["payload"]),
                             (f"user:{user}", 1, {"text": "hi"}))

    async def test_whoever_fails_between_hearing_and_acknowledging_hears_it_again(self):
        seed = random.randrange(1 << 32)
        print(f"# seed {seed}")
        dice = random.Random(seed)
        queue = Queue(self, "cy")
        published, acknowledged = 0, 0
        for _ in range(60):
            count = dice.randrange(4)
            queue.publish(count)
            published += count
            cy = await queue.arrive()
            self.assertEqual(cy.position, acknowledged)
            if dice.random() < 0.3:
                queue.publish(1)  # while it is there
                published += 1
            await queue.hear(cy, dice.randint(0, published - acknowledged))
            if dice.random() < 0.5:
                acknowledged = await queue.acknowledge(cy, cy.position)
            queue.checker.left(cy.name)
            cy.socket.transport.abort()
        cy = await queue.arrive()
        await queue.hear(cy, published - acknowledged)
        await queue.nothing_more(cy)
        queue.checker.tell()

    async def test_of_two_connections_each_hears_it_and_either_acknowledges(self):
        for user in ("di-0", "di-1", "di-2"):
            queue = Queue(self, user)
            queue.publish(4)
            phone, laptop = await queue.arrive("phone"), await queue.arrive("laptop")
            for each in phone, laptop:
                await queue.hear(each, 4)
            queue.publish(2)
            for each in phone, laptop:
                await queue.hear(each, 2)
            self.assertEqual(await queue.acknowledge(phone, 3), 3)
            self.assertEqual(await queue.acknowledge(laptop, 5), 5)
            self.assertEqual(await queue.acknowledge(phone, 4), 5)
            await queue.leave(phone)
            phone = await queue.arrive("phone")
            self.assertEqual(phone.position, 5)
            await queue.hear(phone, 1)
            for each in phone, laptop:
                await queue.nothing_more(each)
            queue.checker.tell()

    async def test_what_is_said_before_the_greeting_is_answered_behind_it(self):
        def said(**message):
            return wire.frame(1, json.dumps(message).encode())

        for user in (f"ed-{n}" for n in range(6)):
            queue = Queue(self, user)
            queue.publish(2)
            first = await queue.arrive()
            await queue.leave(first)
            behind = (said(type="ping", message_id="p")
                      + said(type="join_room", message_id="j", room="hall"))
            connect = said(type="connect", message_id="c", payload={"user_id": user, "rooms": [
                {"room": "lobby"},
                # Where one says that one was is acknowledged.
                {"room": queue.room, "sequence": 1, "epoch": first.epoch}]})
            for path, rooms, waiting in ((f"/ws?user={user}", 1, 2), ("/ws", 2, 1)):
                count = 1 + waiting + 1 + rooms
                with self.daemon.connect() as sock:
                    # In one piece: all of it is there before the room can have answered.
                    sock.sendall(wire.handshake(path) + (connect if path == "/ws" else b"") + behind)
                    data = wire.read_head(sock)[1]
                    while len(wire.frames(data)) < count:
                        data += sock.recv(65536)
                heard = [json.loads(text) for _, text in wire.frames(data)]
                types = [message["type"] for message in heard]
                self.assertEqual(types[:1 + waiting], ["connection_ack"] + waiting * ["notification"])
                self.assertEqual(sorted(types[1 + waiting:]), ["pong"] + rooms * ["room_joined"])

    async def test_nobody_else_comes_near_it(self):
        queue = Queue(self, "flo")
        queue.publish(1)
        bo = await self.client("bo")
        for room in ("user:flo",):
            for type, payload in (
                    ("join_room", {}), ("join_room", {"history": 10}), ("history", {"limit": 9}),
                    ("presence", {}), ("create_room", {}), ("delete_room", {}), ("room_info", {})):
                message_id = await bo.send(type, room, payload)
                refusal = await bo.next("error_message", correlation_id=message_id)
                self.assertEqual(refusal["payload"]["code"], "forbidden", type)
            message_id = await bo.send("room_message", room, {"text": "x"})
            refusal = await bo.next("error_message", correlation_id=message_id)
            self.assertEqual(refusal["payload"]["code"], "not_joined")
            message_id = await bo.send("acknowledge", room, {"sequence": 1, "epoch": "x"})
            refusal = await bo.next("error_message", correlation_id=message_id)
            self.assertEqual(refusal["payload"]["code"], "invalid")
        message_id = await bo.send("list_rooms", payload={"prefix": "user:"})
        listed = await bo.next("room_list", correlation_id=message_id)
        self.assertEqual({room["room"] for room in listed["payload"]["rooms"]}, {"user:bo"})
        # Another spelling is another room, of another namespace.
        for room in ("User:flo", " user:flo", "USER:flo", "user\u02d0flo", "user:flo ", "user"):
            message_id = await bo.send("join_room", room)
            while True:
                answer = json.loads(await asyncio.wait_for(bo.socket.recv(), 30))
                if answer.get("correlation_id") == message_id:
                    break
            if answer["type"] == "room_joined":
                self.assertEqual(answer["payload"]["sequence"], 0, room)
            else:
                self.assertEqual(answer["payload"]["code"], "forbidden", room)
        for path in ("user:flo", "user%3Aflo", "%75ser:flo", "user:bo"):
            with self.assertRaises(websockets.exceptions.InvalidStatusCode) as refused:
                await websockets.connect(f"{self.daemon.ws}/raw/{path}")
            self.assertEqual(refused.exception.status_code, 403, path)
        flo = await queue.arrive()
        await queue.hear(flo, 1)
        await queue.nothing_more(flo)

    async def test_an_acknowledgement_that_fits_nothing_is_refused(self):
        queue = Queue(self, "gil")
        queue.publish(2)
        gil = await queue.arrive()
        await queue.hear(gil, 2)
        for payload, code in (({"sequence": 3, "epoch": gil.epoch}, "invalid"),
                              ({"sequence": 1, "epoch": "another"}, "unrecoverable")):
            message_id = await gil.send("acknowledge", payload=payload)
            refusal = await gil.next("error_message", correlation_id=message_id)
            self.assertEqual(refusal["payload"]["code"], code)
        self.assertEqual(await queue.acknowledge(gil, 0), 0)  # nothing was taken

    async def test_its_memory_is_counted_and_given_back(self):
        def bytes_held():
            return self.daemon.metrics()['ringroom_memory_bytes{purpose="offline"}']

        before = bytes_held()
        queue = Queue(self, "hal")
        queue.publish(10, "x" * 1000)
        self.assertGreaterEqual(bytes_held() - before, 10 * 1000)
        hal = await queue.arrive()
        await queue.hear(hal, 10)
        await queue.acknowledge(hal, 10)
        self.assertEqual(bytes_held(), before)


class Overflow(NativeCase):
    """The bounds of a queue. Each daemon has one of them in reach."""

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def serve(self, *options, cores=2):
        daemon = Daemon("--cores", str(cores), "--api-key", API_KEY, *options).start()
        self.addCleanup(daemon.stop)
        return daemon

    async def overflowed(self, queue, dropped, kept):
        """Arrives, is told of what was dropped, and hears exactly the rest."""
        client = await queue.arrive()
        told = await client.next("system_message")
        self.assertEqual((told["payload"]["code"], told["payload"]["count"]),
                         ("offline_overflow", dropped))
        self.assertEqual(client.kept, [])  # before the messages
        self.assertEqual(client.position, dropped)
        await queue.hear(client, kept)
        await queue.nothing_more(client)
        return client

    async def test_by_count(self):
        daemon = self.serve("--namespace", "user:offline-count=10")
        for user in USERS:
            queue = Queue(self, user, daemon)
            queue.publish(10)
            ann = await queue.arrive()  # just as many as there may be
            await queue.hear(ann, 10)
            await queue.nothing_more(ann)
            await queue.leave(ann)
            queue.publish(1)
            await queue.leave(await self.overflowed(queue, 1, 10))
            queue.publish(14)
            ann = await self.overflowed(queue, 15, 10)
            await queue.acknowledge(ann, 15)  # of what was dropped it is told until it takes that
            await queue.leave(ann)
            ann = await queue.arrive()
            await queue.hear(ann, 10)
            await queue.nothing_more(ann)
            await queue.acknowledge(ann, 25)
            await queue.leave(ann)
            ann = await queue.arrive()
            await queue.nothing_more(ann)
            queue.checker.tell()
        self.assertEqual(daemon.metrics()["ringroom_offline_dropped_total"], 15 * len(USERS))

    async def test_by_bytes(self):
        daemon = self.serve("--namespace", "user:offline-bytes=8KiB")
        queue = Queue(self, "ann", daemon)
        queue.publish(20, HALF_A_KIB)
        ann = await self.overflowed(queue, 4, 16)
        await queue.acknowledge(ann, 20)
        queue.publish(1, "x" * 9000)  # more than the queue may hold
        await queue.hear(ann, 1)      # live all the same
        await queue.leave(ann)
        ann = await queue.arrive()
        told = await ann.next("system_message")
        self.assertEqual(told["payload"]["count"], 1)
        queue.checker.tell()

    async def test_by_bytes_of_all_of_them(self):
        daemon = self.serve("--namespace", "user:history-total-bytes=8KiB", cores=1)
        one, other = Queue(self, "ann", daemon), Queue(self, "bo", daemon)
        one.publish(12, HALF_A_KIB)
        other.publish(6, HALF_A_KIB)  # who speaks when it is spent gives way
        await self.overflowed(other, 2, 4)
        ann = await one.arrive()
        await one.hear(ann, 12)
        await one.nothing_more(ann)

    async def test_by_age(self):
        daemon = self.serve("--namespace", "user:offline-age-ms=2s")
        queue = Queue(self, "ann", daemon)
        queue.publish(3)
        until(lambda: daemon.metrics()["ringroom_offline_dropped_total"] == 3, "three are too old")
        queue.publish(2)
        ann = await self.overflowed(queue, 3, 2)
        await queue.acknowledge(ann, 5)
        queue.checker.tell()

    async def test_a_queue_that_no_connection_could_take_is_no_configuration(self):
        daemon = Daemon("--queue-bytes-max", "256KiB", "--namespace", "user:offline-bytes=129KiB")
        with self.assertRaisesRegex(AssertionError, "offline-bytes must be at most half of"):
            daemon.start()
        self.serve("--queue-bytes-max", "256KiB", "--namespace", "user:offline-bytes=128KiB")
        self.serve("--queue-bytes-max", "256KiB", "--namespace", "user")  # the default gives way

    async def test_a_full_queue_is_brought_whole(self):
        daemon = self.serve("--namespace", "user", "--queue-bytes-max", "512KiB")
        queue = Queue(self, "ann", daemon)
        queue.publish(8, "x" * 30_000)  # 32 KiB of memory each
        ann = await queue.arrive()
        await queue.hear(ann, 8)
        await queue.nothing_more(ann)
        queue.checker.tell()

    async def test_without_the_namespace_nothing_waits(self):
        daemon = self.serve()
        ann = Client(await websockets.connect(f"{daemon.ws}/ws?user=ann"))
        self.clients.append(ann)
        self.assertEqual((await ann.next("connection_ack"))["payload"]["rooms"], {})
        message_id = await ann.send("acknowledge", payload={"sequence": 1, "epoch": "x"})
        refusal = await ann.next("error_message", correlation_id=message_id)
        self.assertEqual(refusal["payload"]["code"], "invalid")
        daemon.request("POST", "/api/broadcast", {"users": ["ann"], "type": "notification",
                                                  "payload": {}}, {"X-API-Key": API_KEY})
        self.assertNotIn("sequence", await ann.next("notification"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
