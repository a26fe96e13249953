"""SIGTERM (LIFE-1): everybody is told to come back, is closed in his turn, and has heard all.

    RINGROOM=build/release/ringroom /usr/bin/python3 tests/system/drain_test.py --clients 5000 --rate 5000
"""

import json
import signal
import socket
import sys
import time
import unittest

import wire
from crowd import Crowd, Pace
from daemon import DEADLINE_S, Daemon, raise_descriptor_limit, until

CLIENTS, RATE = 500, 500
BY_HAND = "--clients" in sys.argv
CHI_SQUARE_MAX = 21.67  # 9 degrees of freedom, p = 0.01


def number_after(flag, default):
    return int(sys.argv[sys.argv.index(flag) + 1]) if flag in sys.argv else default


class Everybody(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise_descriptor_limit()

    def test_hears_all_is_told_when_to_come_back_and_is_closed_evenly_over_the_window(self):
        window_s, wait_ms = (2.0, 3000) if CLIENTS <= 1000 else (10.0, 5000)
        daemon = Daemon("--cores", "2", "--drain-ms", f"{int(window_s * 1000)}", "--drain-reconnect-ms", str(wait_ms),
                        "--drain-hard-stop-ms", "30s").start()
        try:
            crowd = Crowd(daemon.port, CLIENTS, room_size=10)
            self.addCleanup(crowd.close)
            crowd.join_all()
            pace = Pace(crowd, RATE)
            crowd.until(lambda: len(crowd.took) >= RATE, "a second of publications", each=pace)
            began = time.monotonic()
            daemon.process.send_signal(signal.SIGTERM)
            crowd.until(lambda: not crowd.by_fd, "everybody to be closed", window_s + DEADLINE_S, each=pace)
            _, error = daemon.process.communicate(timeout=DEADLINE_S)
            ended = time.monotonic()
        finally:
            daemon.kill()
        self.assertEqual(daemon.process.returncode, 0, error)
        self.assertLess(ended - began, window_s + 5)

        crowd.check()
        self.assertGreater(len(crowd.took), RATE * 1.2, "nobody spoke during the drain")
        closes, delays = [], []
        for client in crowd.clients:
            self.assertEqual(client.close_code, 4503)
            told = json.loads(client.reconnect)["payload"]
            self.assertEqual(told["reason"], "draining")
            self.assertLessEqual(client.reconnect_at, client.closed_at)
            delays.append(told["delay_ms"])
            closes.append(client.closed_at - began)
        self.assertLessEqual(max(delays), wait_ms)
        # Early is ours; late can be a machine that has other things to do.
        for number, close in enumerate(sorted(closes)):
            self.assertGreater(close, window_s * (number / CLIENTS - 0.1))
        if BY_HAND or max(seconds for _, seconds in crowd.took) < 0.05:
            self.assert_even(closes, window_s, "closes")
        self.assert_even([delay / 1000 for delay in delays], wait_ms / 1000, "delays")
        print(f"# {CLIENTS} clients, {len(crowd.took)} publications acknowledged, closed over "
              f"{max(closes):.2f} s, gone after {ended - began:.2f} s", file=sys.stderr)

    def assert_even(self, values, width, what):
        """Ten bins: what is seen must be likely if all were drawn evenly over the width."""
        bins = [0] * 10
        for value in values:
            bins[min(9, int(value / width * 10))] += 1
        expected = len(values) / 10
        chi_square = sum((seen - expected) ** 2 / expected for seen in bins)
        self.assertLess(chi_square, CHI_SQUARE_MAX, f"{what}: {bins}")

    def test_is_closed_at_once_where_the_window_is_0(self):
        with Daemon("--cores", "2", "--drain-ms", "0") as daemon:
            crowd = Crowd(daemon.port, 50, room_size=10)
            self.addCleanup(crowd.close)
            crowd.join_all()
            began = time.monotonic()
            daemon.process.send_signal(signal.SIGTERM)
            crowd.until(lambda: not crowd.by_fd, "everybody to be closed")
            self.assertLess(time.monotonic() - began, 2)
            self.assertEqual({client.close_code for client in crowd.clients}, {4503})
            # They would all come back in the same instant, but for this.
            delays = {json.loads(client.reconnect)["payload"]["delay_ms"] for client in crowd.clients}
            self.assertGreater(len(delays), 25)
            daemon.process.communicate(timeout=DEADLINE_S)
            self.assertEqual(daemon.process.returncode, 0)
            daemon.start()  # for the end of the with


class Drain(unittest.TestCase):
    def draining(self, *options):
        """A daemon under SIGTERM with one client that stays."""
        daemon = Daemon("--cores", "2", *options).start()
        self.addCleanup(daemon.kill)
        crowd = Crowd(daemon.port, 1, room_size=1)
        self.addCleanup(crowd.close)
        crowd.join_all()
        http = daemon.connect()
        self.addCleanup(http.close)
        http.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertIn(b" 200 ", wire.read_head(http)[0])
        daemon.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        crowd.until(lambda: crowd.clients[0].reconnect, "the announcement")
        return daemon, crowd, http, began

    def ended(self, daemon, began):
        _, error = daemon.process.communicate(timeout=DEADLINE_S)
        self.assertEqual(daemon.process.returncode, 0, error)
        return time.monotonic() - began, error.decode()

    def test_is_not_ready_ends_what_is_asked_over_http_and_lets_nobody_in(self):
        daemon, _, http, _ = self.draining("--drain-ms", "20s")
        http.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = wire.read_until_closed(http)
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertIn(b'"reasons":["draining"]', answer)
        self.assertIn(b"Connection: close", answer)

        def is_refused():
            try:
                daemon.connect().close()
            except ConnectionError:
                return True

        until(is_refused, "the listeners of all cores to be closed")

    def test_is_over_as_soon_as_nobody_is_there(self):
        daemon, crowd, http, began = self.draining("--drain-ms", "20s")
        http.close()
        crowd.clients[0].sock.shutdown(socket.SHUT_WR)
        self.assertLess(self.ended(daemon, began)[0], 5)

    def test_ends_at_once_when_asked_again_and_not_for_sighup(self):
        daemon, _, _, _ = self.draining("--drain-ms", "20s")
        for _ in range(20):
            daemon.process.send_signal(signal.SIGHUP)
        self.assertEqual(daemon.process.poll(), None)
        again = time.monotonic()
        daemon.process.send_signal(signal.SIGINT)
        took_s, error = self.ended(daemon, again)
        self.assertLess(took_s, 1)
        self.assertIn("ended at once", error)

    def test_cuts_off_at_the_hard_stop_who_does_not_read(self):
        daemon = Daemon("--cores", "2", "--drain-ms", "500ms", "--drain-hard-stop-ms", "2s").start()
        self.addCleanup(daemon.kill)
        slow = socket.socket()
        self.addCleanup(slow.close)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", daemon.port))
        slow.sendall(wire.handshake("/ws?user=slow"))
        slow.settimeout(DEADLINE_S)
        wire.read_head(slow)
        # More than the kernels keep for it, less than the limit of the queue.
        text = b'{"type":"broadcast","payload":{"text":"%s"}}' % (b"x" * 50_000)
        for _ in range(12):
            self.assertEqual(daemon.request("POST", "/api/broadcast", text)[0], 200)
        daemon.process.send_signal(signal.SIGTERM)
        took_s, _ = self.ended(daemon, time.monotonic())
        self.assertGreater(took_s, 1.5)
        self.assertLess(took_s, 3)


if __name__ == "__main__":
    CLIENTS, RATE = number_after("--clients", CLIENTS), number_after("--rate", RATE)
    unittest.main(argv=sys.argv[:1], verbosity=2)
