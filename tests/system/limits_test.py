"""What is limited, and what an operator is told when the machine does not give what is needed."""

import ctypes
import socket
import struct
import subprocess
import time
import unittest

import wire
from daemon import DEADLINE_S, Daemon, program, until


class Limits(unittest.TestCase):
    def upgraded(self, daemon, path):
        sock = daemon.connect()
        self.addCleanup(sock.close)
        sock.sendall(wire.handshake(path))
        head, rest = wire.read_head(sock)
        self.assertIn(b" 101 ", head)
        return sock, rest

    def close_code(self, sock, read):
        return wire.close_code(read + wire.read_until_closed(sock))

    def test_a_user_has_only_so_many_connections_whichever_core_they_are_on(self):
        with Daemon("--cores", "2", "--connections-per-user-max", "3") as daemon:
            mine = [self.upgraded(daemon, "/ws?user=ann") for _ in range(8)]
            refused = lambda: daemon.metrics()["ringroom_refused_limit_total"] == 5
            until(refused, "five of eight to be refused")
            self.assertEqual(daemon.metrics()["ringroom_connections_authenticated"], 3)
            self.upgraded(daemon, "/ws?user=bo")
            for sock, _ in mine:
                sock.close()
            until(lambda: daemon.metrics()["ringroom_connections_authenticated"] == 1, "ann to be gone")
            again = [self.upgraded(daemon, "/ws?user=ann") for _ in range(4)]
            until(lambda: daemon.metrics()["ringroom_refused_limit_total"] == 6, "the fourth to be refused")
            # The places came back with their connections: three stand again.
            self.assertEqual(daemon.metrics()["ringroom_connections_authenticated"], 4)
            del again

    def test_a_refused_connection_is_closed_with_4413(self):
        with Daemon("--cores", "1", "--connections-per-user-max", "1") as daemon:
            self.upgraded(daemon, "/ws?user=ann")
            sock, read = self.upgraded(daemon, "/ws?user=ann")
            self.assertEqual(self.close_code(sock, read), 4413)

    def test_an_address_has_only_so_many_connections(self):
        with Daemon("--cores", "1", "--connections-per-address-max", "2") as daemon:
            self.upgraded(daemon, "/ws?user=ann")
            self.upgraded(daemon, "/ws?user=bo")
            with daemon.connect() as third:
                answer = wire.read_until_closed(third)
                self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)

    def test_who_does_not_say_hello_in_time_is_closed_with_4408(self):
        with Daemon("--cores", "1", "--hello-timeout-ms", "1s") as daemon:
            sock, read = self.upgraded(daemon, "/ws")
            self.assertEqual(self.close_code(sock, read), 4408)

    def test_a_dead_connection_is_closed_on_time_and_a_living_one_is_not(self):
        with Daemon("--cores", "1", "--ping-interval-ms", "1s", "--pong-timeout-ms", "1s") as daemon:
            dead, _ = self.upgraded(daemon, "/ws?user=dead")
            living, read = self.upgraded(daemon, "/ws?user=living")
            began = time.monotonic()

            def dead_is_gone():
                nonlocal read
                living.setblocking(False)
                try:
                    read += living.recv(4096)
                except BlockingIOError:
                    pass
                pings = [payload for opcode, payload in wire.frames(read) if opcode == 9]
                if len(pings) > answered[0]:
                    answered[0] = len(pings)
                    living.sendall(wire.frame(10, pings[-1]))
                return daemon.metrics()["ringroom_pong_timeouts_total"] == 1

            answered = [0]
            until(dead_is_gone, "the silent connection to be closed", 10)
            self.assertLess(time.monotonic() - began, 4)
            self.assertGreaterEqual(answered[0], 1)
            self.assertEqual(daemon.metrics()["ringroom_connections_authenticated"], 1)
            with self.assertRaises(ConnectionResetError):
                while dead.recv(4096):
                    pass

    def test_a_client_that_does_not_read_its_room_is_told_4508_and_the_others_hear_all(self):
        with Daemon("--cores", "2", "--queue-bytes-max", "128KiB") as daemon:
            slow = socket.socket()
            self.addCleanup(slow.close)
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(DEADLINE_S)
            slow.connect(("127.0.0.1", daemon.port))
            slow.sendall(wire.handshake("/raw/busy?mode=subscribe"))
            head, read = wire.read_head(slow)
            fast, _ = self.upgraded(daemon, "/raw/busy?mode=both")
            until(lambda: daemon.metrics()["ringroom_joins_total"] == 2, "both to be in the room")
            payload = b"p" * 30000
            sent = heard = 0
            while daemon.metrics()["ringroom_slow_consumers_total"] == 0:
                self.assertLess(sent, 2000)
                # One at a time: twenty at once would be more than fits this one's own queue.
                for _ in range(20):
                    fast.sendall(wire.frame(2, payload))
                    sent += 1
                    while heard < sent * (len(payload) + 4):
                        chunk = fast.recv(1 << 20)
                        self.assertTrue(chunk, "the fast one was closed")
                        heard += len(chunk)
            # What was queued before it comes first, whole; the code is the last thing.
            self.assertEqual(self.close_code(slow, read), 4508)
            fast.sendall(wire.frame(2, b"still here"))
            self.assertEqual(wire.frames(fast.recv(100)), [(2, b"still here")])

    def test_a_taken_port_is_one_sentence_after_five_seconds(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            began = time.monotonic()
            done = subprocess.run([program(), "serve", "--listen", f"127.0.0.1:{port}", "--insecure-dev"],
                                  capture_output=True, timeout=DEADLINE_S)
        self.assertGreater(time.monotonic() - began, 4.5)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        self.assertIn(str(port).encode(), done.stderr)

    def test_too_few_descriptors_are_told_and_lived_with(self):
        daemon = Daemon("--cores", "1", "--connections-max", "1000")
        daemon.options = ["--nofile=200:200", program(), *daemon.options]
        process = subprocess.Popen(["prlimit", *daemon.options], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        line = process.stdout.readline()
        self.assertIn(b"ready on", line)
        port = int(line.split(b"://127.0.0.1:")[1].split(b"/")[0])
        socks = []
        for _ in range(400):
            sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
            self.addCleanup(sock.close)
            sock.sendall(wire.handshake("/ws?user=ann"))
            socks.append(sock)
        socks[0].settimeout(DEADLINE_S)
        self.assertIn(b" 101 ", wire.read_head(socks[0])[0])
        for sock in socks[:-1]:
            sock.close()
        # The one that waited outside gets in.
        self.assertIn(b" 101 ", wire.read_head(socks[-1])[0])
        socks[-1].close()
        process.terminate()
        _, error = process.communicate(timeout=DEADLINE_S)
        self.assertIn(b"ulimit -n", error)
        self.assertIn(b"200", error)

    def test_a_machine_without_io_uring_is_one_sentence_with_the_cure_and_exit_code_78(self):
        done = subprocess.run([program(), "serve", "--listen", "127.0.0.1:0", "--insecure-dev"],
                              capture_output=True, timeout=DEADLINE_S, preexec_fn=forbid_io_uring)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        self.assertIn(b"seccomp", done.stderr)
        self.assertEqual(done.stdout, b"")


def forbid_io_uring():
    """What a container's default seccomp profile does: io_uring_setup answers EPERM."""
    io_uring_setup, eperm = 425, 1
    program_of = lambda *steps: b"".join(struct.pack("HBBI", *step) for step in steps)
    filter_bytes = program_of(
        (0x20, 0, 0, 0),                       # load the number of the call
        (0x15, 0, 1, io_uring_setup),          # not this one: skip the next
        (0x06, 0, 0, 0x0005_0000 | eperm),     # an error
        (0x06, 0, 0, 0x7FFF_0000))             # allow
    buffer = ctypes.create_string_buffer(filter_bytes, len(filter_bytes))
    fprog = struct.pack("HxxxxxxP", len(filter_bytes) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0                    # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, ctypes.c_char_p(fprog), 0, 0) == 0  # PR_SET_SECCOMP, a filter


if __name__ == "__main__":
    unittest.main(verbosity=2)
