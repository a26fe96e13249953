"""How often messages of a type go: the newest of each key or sender, numbered when it goes, every publisher told."""

import asyncio
import signal
import time
import unittest

import websockets
from daemon import Daemon
from native_client import API_KEY, Client, NativeCase


class Flow(NativeCase):
    options = ("--namespace", "quote:history-count=1000,state-keys=100,type-interval=quote_update:200ms",
               "--namespace", "search:type-debounce=search_text:150ms/600ms busy:1s/2s,history-count=0",
               "--namespace", "slow:state-keys=100,type-interval=quote_update:1min",
               "--namespace", "api:type-interval=quote_update:2s")

    async def pair(self, room):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join(room)
        await bo.join(room)
        return ann, bo

    async def answer(self, client, message_id):
        return (await client.next("ack", correlation_id=message_id))["payload"]

    async def test_a_type_goes_no_more_often_than_its_namespace_says(self):
        ann, bo = await self.pair("quote:a")
        began, ids = time.monotonic(), []
        while time.monotonic() < began + 1:
            ids.append(await ann.send("quote_update", "quote:a", {"n": len(ids)}, key="eur"))
            await asyncio.sleep(0.002)  # the pace of who speaks, not a wait
        heard = []
        while not heard or heard[-1]["payload"]["n"] != len(ids) - 1:
            heard.append(await bo.next("quote_update"))
        took = time.monotonic() - began
        numbers = [message["payload"]["n"] for message in heard]
        self.assertEqual(numbers, sorted(set(numbers)))
        # The first at once, then one an interval.
        self.assertLessEqual(len(heard), 1 + took / 0.2)
        self.assertGreaterEqual(len(heard), 3)
        self.assertEqual([message["sequence"] for message in heard], list(range(1, len(heard) + 1)))
        # Nobody is left without an answer, and the answers are the truth.
        answers = [await self.answer(ann, message_id) for message_id in ids]
        self.assertEqual([n for n, answer in enumerate(answers) if not answer.get("replaced")], numbers)
        self.assertEqual([answer["sequence"] for answer in answers if "sequence" in answer],
                         [message["sequence"] for message in heard])
        self.assertEqual({answer.get("level") for answer in answers if "sequence" in answer}, {"stored"})
        self.assertEqual([answer for answer in answers if answer.get("replaced")],
                         [{"room": "quote:a", "replaced": True}] * (len(ids) - len(heard)))
        # What went is what is remembered.
        asked = await bo.send("history", "quote:a", {"limit": 1000})
        page = (await bo.next("history", correlation_id=asked))["payload"]["messages"]
        self.assertEqual([message["payload"]["n"] for message in page], numbers)

    async def test_each_key_and_else_each_sender_has_a_pace_of_its_own(self):
        ann, bo = await self.pair("slow:b")
        for n, (sender, fields) in enumerate([(ann, {"key": "eur"}), (ann, {"key": "usd"}), (ann, {}), (bo, {})], 1):
            message_id = await sender.send("quote_update", "slow:b", {}, **fields)
            self.assertEqual((await self.answer(sender, message_id))["sequence"], n)
        waits = [await bo.send("quote_update", "slow:b", {}, message_id="same key", key="eur"),
                 await bo.send("quote_update", "slow:b", {}, message_id="same sender")]
        for message in await bo.silence():
            self.assertNotIn(message.get("correlation_id"), waits)

    async def test_another_type_does_not_wait(self):
        ann, bo = await self.pair("slow:c")
        await ann.send("quote_update", "slow:c", {"n": 1})
        waits = await ann.send("quote_update", "slow:c", {"n": 2})
        await self.answer(ann, await ann.send("room_message", "slow:c", {"n": 3}))
        self.assertEqual((await bo.next("quote_update"))["sequence"], 1)
        self.assertEqual((await bo.next("room_message"))["sequence"], 2)
        self.assertNotIn(waits, [message.get("correlation_id") for message in await ann.silence()])

    async def test_a_debounced_type_goes_when_it_is_quiet(self):
        ann, bo = await self.pair("search:d")
        ids = [await ann.send("search_text", "search:d", {"n": n}) for n in range(5)]
        self.assertEqual((await bo.next("search_text"))["payload"]["n"], 4)
        answers = [await self.answer(ann, message_id) for message_id in ids]
        self.assertEqual([answer.get("replaced", False) for answer in answers], [True] * 4 + [False])
        self.assertEqual(answers[4]["level"], "accepted")
        self.assertEqual(answers[4]["sequence"], 1)

    async def test_a_debounced_type_that_is_never_quiet_goes_all_the_same(self):
        ann, bo = await self.pair("search:e")
        count = 0
        listening = asyncio.create_task(bo.next("busy"))
        began = time.monotonic()
        while not listening.done():
            count += 1
            await ann.send("busy", "search:e", {"n": count})
            await asyncio.sleep(0.02)  # the pace of who speaks: quicker than it is ever quiet
        self.assertGreater(time.monotonic() - began, 1.5)
        self.assertGreater((await listening)["payload"]["n"], 5)

    async def test_a_replaced_message_sent_again_does_not_come_back_as_the_newest(self):
        ann, _ = await self.pair("slow:f")
        await self.answer(ann, await ann.send("quote_update", "slow:f", {"n": 0}))
        await ann.send("quote_update", "slow:f", {"n": 1}, message_id="old")
        newest = await ann.send("quote_update", "slow:f", {"n": 2}, message_id="new")
        self.assertTrue((await self.answer(ann, "old"))["replaced"])
        await ann.send("quote_update", "slow:f", {"n": 1}, message_id="old")
        again = await self.answer(ann, "old")
        self.assertEqual((again["replaced"], again["duplicate"]), (True, True))
        self.assertNotIn(newest, [message.get("correlation_id") for message in await ann.silence()])

    async def test_the_api_waits_for_the_answer_too(self):
        def publish(n):
            return self.api("/api/publish", {"room": "api:g", "type": "quote_update", "payload": {"n": n}})

        first = await asyncio.to_thread(publish, 0)
        self.assertEqual((first[0], first[1]["sequence"], first[1]["level"]), (200, 1, "stored"))
        both = await asyncio.gather(*[asyncio.to_thread(publish, n) for n in (1, 2)])
        self.assertEqual(sorted((status, "replaced" in body) for status, body in both), [(200, False), (200, True)])

    async def test_who_waits_in_a_room_that_is_deleted_is_told(self):
        ann, _ = await self.pair("slow:h")
        await self.answer(ann, await ann.send("quote_update", "slow:h", {"n": 0}))
        waits = await ann.send("quote_update", "slow:h", {"n": 1})
        await ann.silence()
        key = {"Authorization": f"Bearer {API_KEY}"}
        self.assertEqual(self.daemon.request("DELETE", "/api/ws/rooms/slow:h", headers=key)[0], 200)
        self.assertEqual((await ann.next("error_message", correlation_id=waits))["payload"]["code"], "not_found")

    async def test_what_waits_goes_and_is_answered_before_the_process_ends(self):
        daemon = Daemon("--cores", "2", "--drain-ms", "200", *self.options).start()
        try:
            async with websockets.connect(f"{daemon.ws}/ws?user=ann") as socket:
                ann = Client(socket)
                await ann.join("slow:i")
                await self.answer(ann, await ann.send("quote_update", "slow:i", {"n": 0}))
                waits = await ann.send("quote_update", "slow:i", {"n": 1})
                await ann.silence()
                daemon.process.send_signal(signal.SIGTERM)
                self.assertEqual((await self.answer(ann, waits))["sequence"], 2)
                self.assertEqual((await ann.next("quote_update", sequence=2))["payload"]["n"], 1)
        finally:
            await asyncio.to_thread(daemon.stop)


if __name__ == "__main__":
    unittest.main()
