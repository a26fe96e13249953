"""Clients that end without a word, 200 of them: gone from the room in time, none before, none ever again."""

import asyncio
import multiprocessing
import os
import select
import signal
import socket
import time
import unittest

import wire
from daemon import DEADLINE_S, raise_descriptor_limit
from native_client import NativeCase

PING_S, PONG_S, GRACE_S = 1.0, 0.5, 2.0
INTERVAL_S = 0.25  # a large room's differences wait so long
SLACK_S = 2  # of a machine that does something else
ROOM = "hall"
JOIN = wire.frame(1, b'{"type":"join_room","room":"hall"}')


def crowd(port, users, out):
    """A process of so many clients, which read and answer pings until it ends."""
    poll, sockets = select.epoll(), {}
    for user in users:
        sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        sock.sendall(wire.handshake(f"/ws?user={user}") + JOIN)
        sockets[sock.fileno()] = [sock, b""]
        poll.register(sock.fileno(), select.EPOLLIN)
    joined = 0
    while True:
        for fd, _ in poll.poll():
            sock, rest = sockets[fd]
            data = sock.recv(1 << 16)
            if not data:
                poll.unregister(fd)
                continue
            joined += b'"room_joined"' in data
            if joined == len(users):
                joined = 0
                out.send(None)
            # A ping of ours is two bytes, and no text holds them.
            if b"\x89\x00" in data or rest + data[:1] == b"\x89\x00":
                wire.send_what_is_taken(sock, wire.frame(10))
            sockets[fd][1] = data[-1:]


class Ghosts(NativeCase):
    options = ("--ping-interval-ms", f"{int(PING_S * 1000)}", "--pong-timeout-ms", f"{int(PONG_S * 1000)}",
               "--namespace", f"default:presence=true,presence-grace-ms={int(GRACE_S * 1000)},"
               f"presence-interval-ms={int(INTERVAL_S * 1000)}")

    async def start(self, *users):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=crowd, args=(self.daemon.port, users, theirs), daemon=True)
        process.start()
        self.addCleanup(process.join)
        self.addCleanup(process.kill)
        self.assertTrue(await asyncio.to_thread(ours.poll, DEADLINE_S), f"{users[0]} and others did not come")
        return process

    async def listed(self):
        message_id = await self.witness.send("presence", ROOM)
        payload = (await self.witness.next("presence", correlation_id=message_id))["payload"]
        self.assertEqual(payload["count"], len(payload["members"]))
        return {member["user_id"] for member in payload["members"]}

    def take_told(self):
        """Who came and who left, of what the witness has heard by now."""
        came, left = [], []
        for message in self.witness.kept:
            payload = message["payload"]
            if message["type"] == "presence_diff":
                came += [user["user_id"] for user in payload["joined"]]
                left += payload["left"]
            elif message["type"] == "user_joined":
                came.append(payload["user_id"])
            elif message["type"] == "user_left":
                left.append(payload["user_id"])
        self.witness.kept.clear()
        return came, left

    async def test_whoever_ends_without_a_word_is_gone_in_time_and_stays_gone(self):
        raise_descriptor_limit()
        self.witness = await self.client("witness")
        await self.witness.join(ROOM)
        killed, frozen = [f"killed{n}" for n in range(100)], [f"frozen{n}" for n in range(100)]
        stays, returns = [f"stays{n}" for n in range(20)], [f"returns{n}" for n in range(20)]
        processes = {users[0]: await self.start(*users) for users in (killed, frozen, stays, returns)}
        everybody = {"witness", *killed, *frozen, *stays, *returns}
        end = time.monotonic() + DEADLINE_S
        while await self.listed() != everybody:
            self.assertLess(time.monotonic(), end)
        async with asyncio.timeout(DEADLINE_S):  # and the last difference has told it
            came = set()
            while came != everybody - {"witness"}:
                came |= set(self.take_told()[0])
                await self.listed()

        # A killed process ends its connections; a frozen one holds them, and answers nothing.
        began = time.monotonic()
        os.kill(processes["killed0"].pid, signal.SIGKILL)
        os.kill(processes["returns0"].pid, signal.SIGKILL)
        os.kill(processes["frozen0"].pid, signal.SIGSTOP)
        gone = {}
        again = asyncio.create_task(self.start(*returns))  # within the grace
        while len(gone) < len(killed) + len(frozen):
            listed, at = await self.listed(), time.monotonic() - began
            came, left = self.take_told()
            self.assertEqual(came, [], "told to have come who was there")
            for user in left:
                self.assertNotIn(user, gone, "told to have left twice")
                gone[user] = at
            self.assertFalse(listed & set(gone), "listed and told to have left")
            self.assertLessEqual(listed, everybody)
            self.assertLess(at, PING_S + PONG_S + GRACE_S + INTERVAL_S + SLACK_S,
                            f"{len(killed) + len(frozen) - len(gone)} are ghosts, such as "
                            f"{sorted(set(killed + frozen) - set(gone))[:3]}")
        await again
        self.assertEqual(set(gone), {*killed, *frozen}, "told to have left who is there")
        first, last = min(gone[user] for user in killed), max(gone[user] for user in killed)
        self.assertGreaterEqual(first, GRACE_S)
        self.assertLess(last, GRACE_S + INTERVAL_S + SLACK_S)
        self.assertGreaterEqual(min(gone[user] for user in frozen), PONG_S + GRACE_S)
        print(f"# killed: gone after {first:.2f} to {last:.2f} s; frozen: after "
              f"{min(gone[user] for user in frozen):.2f} to {max(gone[user] for user in frozen):.2f} s")

        # What wakes up finds its connections ended, and is nobody's member; so it stays for a round of pings.
        os.kill(processes["frozen0"].pid, signal.SIGCONT)
        end = time.monotonic() + PING_S + PONG_S + GRACE_S + INTERVAL_S
        while time.monotonic() < end:
            self.assertEqual(await self.listed(), {"witness", *stays, *returns})
            await asyncio.sleep(0.05)  # the pace of asking
        self.assertEqual(self.take_told(), ([], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
