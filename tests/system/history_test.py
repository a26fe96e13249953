"""What a room remembers, and what a returning client is told, on two cores."""

import json
import unittest

import websockets
from native_client import Client, NativeCase


class History(NativeCase):
    async def speak(self, client, room, *texts):
        for text in texts:
            message_id = await client.send("room_message", room, {"text": text})
            await client.next("ack", correlation_id=message_id)

    @staticmethod
    def texts(joined):
        return [(message["sequence"], message["payload"]["text"])
                for message in joined["payload"]["messages"]]

    async def test_a_returning_client_gets_what_it_missed_once_and_in_order(self):
        for room in ("away-0", "away-1", "away-2", "away-3"):  # homes on both cores
            ann, bo = await self.client("ann"), await self.client("bo")
            await ann.join(room)
            await bo.join(room)
            await self.speak(ann, room, "one")
            heard = await bo.next("room_message")
            epoch = (await ann.join(room + "-other"))["payload"]["epoch"]
            await bo.socket.close()
            await self.speak(ann, room, "two", "three")
            back = await self.client("bo")
            epoch = (await (await self.client("cy")).join(room))["payload"]["epoch"]
            joined = await back.join(room, recover={"sequence": heard["sequence"], "epoch": epoch})
            self.assertEqual(self.texts(joined), [(2, "two"), (3, "three")])
            self.assertIs(joined["payload"]["recovered"], True)
            await self.speak(ann, room, "four")
            self.assertEqual((await back.next("room_message"))["sequence"], 4)

    async def test_what_cannot_be_recovered_is_said(self):
        ann = await self.client("ann")
        epoch = (await ann.join("gone"))["payload"]["epoch"]
        await self.speak(ann, "gone", *(str(n) for n in range(1, 121)))  # 100 are kept
        for sequence, recovered in ((0, False), (19, False), (20, True), (120, True), (121, False)):
            bo = await self.client("bo")
            joined = await bo.join("gone", recover={"sequence": sequence, "epoch": epoch})
            self.assertIs(joined["payload"]["recovered"], recovered, sequence)
            self.assertEqual(len(joined["payload"]["messages"]), 120 - sequence if recovered else 0)
            self.assertEqual(joined["payload"]["sequence"], 120)
        bo = await self.client("bo")
        joined = await bo.join("gone", recover={"sequence": 119, "epoch": "another"})
        self.assertIs(joined["payload"]["recovered"], False)

    async def test_many_rooms_are_recovered_with_the_connect(self):
        ann = await self.client("ann")
        rooms = [f"many-{n}" for n in range(4)]
        epochs = {}
        for room in rooms:
            epochs[room] = (await ann.join(room))["payload"]["epoch"]
            await self.speak(ann, room, "a", "b")
        bo = Client(await websockets.connect(f"{self.daemon.ws}/ws"))
        self.clients.append(bo)
        await bo.socket.send(json.dumps({
            "type": "connect", "message_id": "c", "payload": {"user_id": "bo", "rooms": [
                {"room": room, "sequence": 1, "epoch": epochs[room]} for room in rooms]}}))
        for room in rooms:
            joined = await bo.next("room_joined", room=room)
            self.assertEqual(self.texts(joined), [(2, "b")])

    async def test_a_newcomer_may_see_the_last_messages(self):
        ann = await self.client("ann")
        await ann.join("past")
        await self.speak(ann, "past", "a", "b", "c")
        joined = await (await self.client("bo")).join("past", history=2)
        self.assertEqual(self.texts(joined), [(2, "b"), (3, "c")])

    async def test_history_is_read_forward_and_back(self):
        ann = await self.client("ann")
        epoch = (await ann.join("pages"))["payload"]["epoch"]
        await self.speak(ann, "pages", *"abcde")

        async def page(**payload):
            message_id = await ann.send("history", "pages", payload)
            answer = await ann.next("history", correlation_id=message_id)
            self.assertEqual((answer["payload"]["sequence"], answer["payload"]["epoch"]), (5, epoch))
            return [message["payload"]["text"] for message in answer["payload"]["messages"]]

        self.assertEqual(await page(limit=2), ["a", "b"])
        self.assertEqual(await page(limit=2, since={"sequence": 2, "epoch": epoch}), ["c", "d"])
        self.assertEqual(await page(limit=9, since={"sequence": 5, "epoch": epoch}), [])
        self.assertEqual(await page(limit=2, reverse=True), ["e", "d"])
        self.assertEqual(await page(limit=9, reverse=True, since={"sequence": 3, "epoch": epoch}),
                         ["b", "a"])
        message_id = await ann.send("history", "pages",
                                    {"limit": 1, "since": {"sequence": 1, "epoch": "old"}})
        error = await ann.next("error_message", correlation_id=message_id)
        self.assertEqual(error["payload"]["code"], "unrecoverable")
        message_id = await ann.send("history", "never-made", {"limit": 1})
        error = await ann.next("error_message", correlation_id=message_id)
        self.assertEqual(error["payload"]["code"], "not_found")

    async def test_a_message_sent_twice_is_stored_once(self):
        ann, bo = await self.client("ann"), await self.client("bo")
        await ann.join("twice")
        await bo.join("twice")
        again = {"type": "room_message", "room": "twice", "message_id": "same",
                 "payload": {"text": "x"}}
        answers = []
        for _ in range(2):
            await ann.socket.send(json.dumps(again))
            answers.append((await ann.next("ack", correlation_id="same"))["payload"]["sequence"])
        self.assertEqual(answers, [1, 1])
        back = await self.client("ann")  # after a reconnect too
        await back.join("twice")
        await back.socket.send(json.dumps(again))
        self.assertEqual((await back.next("ack", correlation_id="same"))["payload"]["sequence"], 1)
        await bo.socket.send(json.dumps({**again, "payload": {"text": "bo's own"}}))
        self.assertEqual((await bo.next("ack", correlation_id="same"))["payload"]["sequence"], 2)
        heard = [message["payload"]["text"] for message in await bo.silence()
                 if message["type"] == "room_message"]
        self.assertEqual(heard, ["x", "bo's own"])
        body = {"room": "twice", "type": "room_message", "message_id": "api", "payload": {}}
        first, second = self.api("/api/publish", body), self.api("/api/publish", body)
        self.assertEqual((first[0], {**first[1], "duplicate": True}), second)

    async def test_what_a_backend_says_before_anybody_listens_is_remembered(self):
        status, text = self.api("/api/publish", {"room": "early", "type": "room_message",
                                                 "payload": {"text": "first"}})[:2]
        self.assertEqual(status, 200)
        joined = await (await self.client("ann")).join("early", history=5)
        self.assertEqual(self.texts(joined), [(1, "first")])


if __name__ == "__main__":
    unittest.main()
