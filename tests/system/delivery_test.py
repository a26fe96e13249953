"""What is promised of delivery, wherever a connection breaks: every message once, in order, or a word.

By hand also every byte of large messages, and many more rounds:

    RINGROOM=build/test/ringroom /usr/bin/python3 tests/system/delivery_test.py --full --seed 7
"""

import asyncio
import itertools
import random
import sys
import time
import unittest

from daemon import DEADLINE_S, Daemon, raise_descriptor_limit
from stream import Checker, DEFLATE, Stream, identity, text_frame

FULL = "--full" in sys.argv
SEED = int(sys.argv[sys.argv.index("--seed") + 1]) if "--seed" in sys.argv else 1
MESSAGES = 50
READERS = 400  # at a time, in one conversation
CASE_S = DEADLINE_S * (100 if FULL else 8)

# Queues that hold a whole conversation: who is slow here is a test that has to share its processor.
OPTIONS = ("--cores", "2", "--max-message-bytes", "128KiB", "--queue-bytes-max", "256MiB",
           "--compression-bytes-min", "0",
           "--compression-context-takeover",
           "--namespace", "default:history-count=20000,history-bytes=64MiB,dedup-count=100000",
           "--namespace", "short:history-count=20", "--namespace", "brief:history-age-ms=1500")


def letters(size, seed):
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz \u00e4\u20ac", k=size))


async def in_batches(tasks, at_once):
    """All of them, that many at a time; the first failure is the case's."""
    gate = asyncio.Semaphore(at_once)

    async def one(task):
        async with gate:
            await task

    await asyncio.gather(*map(one, tasks))


class Delivery(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        raise_descriptor_limit()
        cls.daemon = Daemon(*OPTIONS).start()
        cls.numbers = itertools.count(1)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)  # unittest turns it on: five times slower
        self.checker = Checker()

    def stream(self, name, room):
        return Stream(self.checker, name, room)

    async def joined(self, name, room, user=None):
        stream = await self.stream(name, room).open(self.daemon.port, user or name)
        await stream.join()
        answer = await stream.until("room_joined")
        return stream, answer["payload"]

    async def acked(self, stream, message_id, text):
        """Asks again as long as the room says that its listeners do not keep up: it took nothing then."""
        stream.refusals = ("unavailable",)
        while (answer := await stream.until_answer(message_id))["type"] == "error_message":
            await stream.publish(message_id, text)
        answer = answer["payload"]
        self.checker.acked(stream.name, stream.room, answer["epoch"], answer["sequence"],
                           identity(message_id, text))
        return answer["sequence"]

    # DEL-1: the server's stream, cut at every byte.

    async def conversation(self, texts, cuts, offer):
        """One room, one speaker, and a reader for each cut. Returns the bytes of the longest stream,
        and how many had heard all before their cut."""
        room = f"cut{next(self.numbers):05}"  # never one of before: the readers begin at 0
        speaker, position = await self.joined("speaker", room)
        self.assertEqual(position["sequence"], 0)
        listening, lengths, whole = asyncio.Semaphore(0), [], []

        async def reader(cut):
            name = f"cut at {cut} of {room}"
            self.checker.knows(name, room, position["epoch"], position["sequence"])
            told = False

            def tell():  # once: it listens, or has come to its cut before
                nonlocal told
                if not told:
                    told = True
                    listening.release()

            for budget in (cut, None):
                stream = await self.stream(name, room).open(self.daemon.port, "reader", offer, budget)
                await stream.join()
                await stream.send(type="ping", message_id="short")
                while self.checker.position(name, room)[1] < len(texts):
                    message = await stream.next()
                    if message is None:
                        break
                    if message["type"] == "room_joined":
                        tell()
                lengths.append(stream.read)
                tell()
                stream.close()
                if budget is None:
                    break
                assert stream.close_code is None, (name, stream.close_code)
                if stream.read < budget:
                    assert self.checker.position(name, room)[1] == len(texts), "ended before its cut"
                    whole.append(name)
                    break

        async def speak():
            for _ in cuts:  # everybody listens, or has come to its cut already
                await listening.acquire()
            pieces, at = random.Random(f"{SEED} {room}"), 0
            while at < len(texts):
                burst = range(at, min(at + pieces.randint(1, 4), len(texts)))
                for n in burst:
                    await speaker.publish(f"m{n:02}", texts[n])
                for n in burst:
                    await self.acked(speaker, f"m{n:02}", texts[n])
                at = burst.stop

        await asyncio.gather(speak(), *map(reader, cuts))
        speaker.close()
        return max(lengths), len(whole)

    async def every_byte(self, texts, offer, chosen=lambda n, length: True):
        length, _ = await self.conversation(texts, [None], offer)
        length += 16  # of other readers the numbers of members are longer
        self.assertGreater(length, 100 * len(texts) if offer is None else 20 * len(texts))
        cuts = [n for n in range(length) if chosen(n, length)]
        # Those of one conversation are spread over the whole, so that some leave while others listen.
        step = -(-len(cuts) // READERS)
        whole = 0
        for first in range(step):
            whole += (await self.conversation(texts, cuts[first::step], offer))[1]
        self.checker.tell(lambda figures: print(
            f"# {len(cuts) - whole} cuts of {length} bytes, {whole} behind the end,", figures[2:]))
        heard = self.checker.counts["ok"] + self.checker.counts["recovered"]
        self.assertGreaterEqual(heard, len(cuts) * len(texts), "each reader heard each message")
        told = self.checker.counts["gap told"]
        self.assertEqual(told, 0, "history holds it all: nothing had to be told")

    async def test_a_stream_cut_at_every_byte_goes_on_without_loss(self):
        async with asyncio.timeout(CASE_S):
            await self.every_byte([letters(n % 7, n) for n in range(MESSAGES)], None)

    async def test_a_compressed_stream_cut_at_every_byte_goes_on_without_loss(self):
        async with asyncio.timeout(CASE_S):
            await self.every_byte([letters(n % 17, n) for n in range(MESSAGES)], DEFLATE)

    async def test_a_stream_with_context_cut_at_every_byte_goes_on_without_loss(self):
        async with asyncio.timeout(CASE_S):
            # In the suite every third: what differs is how a returning client's context begins.
            await self.every_byte([letters(n % 170, n) for n in range(MESSAGES)], "permessage-deflate",
                                  lambda n, length: FULL or n % 3 == 0)

    async def test_large_messages_cut_in_their_middle_go_on_without_loss(self):
        async with asyncio.timeout(CASE_S):
            texts = [letters({9: 66_000, 30: 70_000}.get(n, 3 * n), n) for n in range(MESSAGES)]
            sampled = random.Random(SEED)
            for offer in (None, DEFLATE):
                await self.every_byte(texts, offer, lambda n, length: FULL or sampled.random() < 300 / length)

    # DEL-2: the publisher's stream, cut at every byte.

    async def test_a_publish_cut_at_every_byte_and_sent_again_is_stored_once(self):
        room = "publish"
        observer, _ = await self.joined("observer", room)
        stored, acked, unacked = [], set(), set()

        async def attempt(message_id, text, cut, wait):
            """A connection that ends within its publish, by FIN or RST; True if it was acknowledged."""
            stream, _ = await self.joined(f"{message_id} cut", room, "ann")
            frame = text_frame({"type": "room_message", "message_id": message_id, "room": room,
                                "payload": {"text": text}})
            self.checker.published("ann", room, identity(message_id, text))
            await stream.send_bytes(frame[: len(frame) + cut])
            if wait:
                await self.acked(stream, message_id, text)
            stream.close(reset=cut % 2 == 0)

        async def once_more(message_id, text):
            stream, _ = await self.joined(f"{message_id} again", room, "ann")
            await stream.publish(message_id, text)
            sequence = await self.acked(stream, message_id, text)
            acked.add(identity(message_id, text))
            stream.close()
            return sequence

        async def retried(message_id, text, cut, wait):
            await attempt(message_id, text, cut, wait)
            await once_more(message_id, text)

        async def given_up(message_id, text, cut, wait):
            await attempt(message_id, text, cut, wait)
            (acked if wait else unacked).add(identity(message_id, text))

        async def observe():
            while (message := await observer.next()) is not None:
                if message["type"] == "room_message":
                    stored.append(identity(message["correlation_id"], message["payload"]["text"]))
                    if message["correlation_id"] == "last":
                        return

        tasks, sampled = [], random.Random(SEED)
        for size in (1, 130, 66_000):  # each form of a frame's header
            text = letters(size, size)
            length = len(text_frame({"type": "room_message", "message_id": "r-00-100000", "room": room,
                                     "payload": {"text": text}}))
            for cut in range(-length, 1):  # 0: all of it
                if size < 1000 or FULL or cut < 32 - length or cut > -32 or sampled.random() < 100 / length:
                    for wait in ((False, True) if cut == 0 else (False,)):
                        tag = f"{size}-{-cut}-{wait}"
                        tasks.append(retried("r" + tag, text, cut, wait))
                        tasks.append(given_up("g" + tag, text, cut, wait))
        async with asyncio.timeout(CASE_S):
            listening = asyncio.create_task(observe())
            await in_batches(tasks, 50)
            last = await once_more("last", "")
            await listening
        once = set(stored)
        self.assertEqual(len(stored), len(once), "stored twice")
        self.assertEqual(len(stored), last)
        self.assertLessEqual(acked, once, "acknowledged and not stored")
        self.assertLessEqual(once, acked | unacked)
        # What was cut before its last byte was never a message.
        self.assertLessEqual({one.split("/")[0].split("-", 1)[1] for one in once - acked}, {"0-False"})
        self.checker.tell(lambda figures: print(f"# {len(tasks)} publications cut,", figures[2:]))

    # DEL-3: joins that race with publishers.

    async def test_coming_back_while_others_publish_leaves_no_seam(self):
        rounds = 400 if FULL else 40
        dice = random.Random(SEED)
        ends = {}

        async def publisher(name, room, done):
            stream, _ = await self.joined(name, room)
            count = 0
            while not done.is_set() or not count:
                burst = [(f"{name}-{count + n}", letters(dice.randint(0, 200), count + n))
                         for n in range(dice.randint(1, 8))]
                for one in burst:
                    await stream.publish(*one)
                for one in burst:
                    sequence = await self.acked(stream, *one)
                    ends[room] = max(ends.get(room, 0), sequence)
                count += len(burst)
            return stream

        async def reader(name, room):
            for left in reversed(range(rounds)):
                stream = await self.stream(name, room).open(
                    self.daemon.port, name, dice.choice((None, DEFLATE)))
                await stream.join()
                await stream.until("room_joined")
                if not left:
                    return stream
                await stream.until_at(self.checker.position(name, room)[1] + dice.choice((0, 0, 1, 2, 9, 30)))
                stream.close(reset=dice.random() < 0.5)

        async def one_room(room):
            done = asyncio.Event()
            speakers = [asyncio.create_task(publisher(f"{room}-p{n}", room, done)) for n in range(2)]
            readers = await asyncio.gather(*(reader(f"{room}-r{n}", room) for n in range(3)))
            done.set()
            for stream in readers + [await speaker for speaker in speakers]:
                await stream.until_at(ends[room])
                stream.socket.close()

        async with asyncio.timeout(CASE_S):
            await asyncio.gather(*(one_room(room) for room in ("seam-0", "seam-1", "seam-2", "seam-3",
                                                               "short:0", "short:1")))
        self.checker.tell(lambda figures: print(f"# seed {SEED}: {6 * 3 * rounds} joins,", figures[2:]))
        self.assertGreater(self.checker.counts["recovered"], 6 * 3 * rounds / 4)

    # DEL-4: what history holds and what it does not.

    async def test_at_the_bound_of_history_a_gap_is_told_and_never_a_part_given(self):
        for missed, whole in ((19, True), (20, True), (21, False)):
            room = f"short:{missed}"
            speaker, position = await self.joined("speaker", room + "-b")
            for n in range(missed + 5):
                if n == 5:
                    self.checker.knows("reader", room + "-b", position["epoch"], 5)
                await speaker.publish(f"b{n}", "x")
                await self.acked(speaker, f"b{n}", "x")
            stream, answer = await self.joined("reader", room + "-b")
            self.assertIs(answer["recovered"], whole, missed)
            self.assertEqual(len(answer["messages"]), missed if whole else 0)
            self.assertEqual(answer["sequence"], missed + 5)
            stream.close()
            speaker.close()
        self.checker.tell()

    async def test_what_is_too_old_is_told_and_what_is_not_is_brought(self):
        age_s = 1.5
        speaker, position = await self.joined("speaker", "brief:room")
        before = time.monotonic()
        await speaker.publish("m1", "x")
        await self.acked(speaker, "m1", "x")
        after = time.monotonic()
        asked, seen = 0, set()
        async with asyncio.timeout(DEADLINE_S):
            while False not in seen:  # again and again, as one and another who missed it
                asked += 1
                name = f"reader-{asked}"
                self.checker.knows(name, "brief:room", position["epoch"], position["sequence"])
                asked_at = time.monotonic()
                stream, answer = await self.joined(name, "brief:room", "reader")
                answered_at = time.monotonic()
                stream.close()
                seen.add(answer["recovered"])
                # The server's clock has whole milliseconds.
                if answered_at < before + age_s - 0.002:
                    self.assertIs(answer["recovered"], True, answered_at - before)
                if asked_at > after + age_s + 0.002:
                    self.assertIs(answer["recovered"], False, asked_at - after)
        self.assertEqual(seen, {True, False})
        speaker.close()
        self.checker.tell()


if __name__ == "__main__":
    sys.argv = [argument for argument in sys.argv if argument not in ("--full", "--seed", str(SEED))]
    unittest.main()
