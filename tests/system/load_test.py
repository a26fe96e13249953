"""Slow listeners: the load tool pauses the reading of some and checks what everybody hears, also those:
each message in order, the same for all, until they have caught up or are sent away."""

import json
import subprocess
import tempfile
import unittest

from daemon import DEADLINE_S, Daemon, program, raise_descriptor_limit

# 10 of 40 listeners are slow, and each pause is 800 KB long.
ROOM = ["--work", "fanout", "--members", "4", "--subscribers", "36", "--payload-bytes", "4000",
        "--rate", "1000", "--slow-percent", "25", "--slow-pause-ms", "200", "--slow-read-ms", "100",
        "--duration-s", "2", "--warmup-ms", "0"]
NOTHING_WRONG = ("lost = 0, duplicated = 0, misordered = 0, corrupt = 0, "
                 "refused = 0, disconnected = 0, slow-pauses > 9")


class SlowListeners(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise_descriptor_limit()

    def bench(self, daemon, *flags, must):
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            done = subprocess.run(
                [program(), "bench", *ROOM, *flags, "--must", f"{NOTHING_WRONG}, {must}",
                 "--server", f"127.0.0.1:{daemon.port}", "--json", report.name],
                capture_output=True, text=True, timeout=DEADLINE_S, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return json.load(report)["measures"]

    def test_they_catch_up_with_everything_in_order(self):
        for protocol, flags, must in [
            ("raw", [], "messages = 2000, slow-closed = 0"),
            ("raw", ["--deflate", "on", "--payload-pattern", "json"],
             "messages = 2000, slow-closed = 0, compressed > 0"),
            ("json", [], "messages = 2000, slow-closed = 0, order-unchecked = 0, unacknowledged = 0"),
        ]:
            with self.subTest(protocol=protocol, flags=flags), \
                    Daemon("--cores", "2", "--queue-bytes-max", "64MiB",
                           "--ping-interval-ms", "1h") as daemon:
                self.bench(daemon, "--protocol", protocol, *flags, must=must)
                # It was about blocked sockets, so there must have been some.
                self.assertGreater(daemon.metrics()["ringroom_sends_blocked_total"], 10)

    def test_who_is_sent_away_has_heard_everything_until_then(self):
        # A pause is 2 MB long, and who reads may be held up for half a second by a busy machine.
        with Daemon("--cores", "2", "--queue-bytes-max", "512KiB",
                    "--ping-interval-ms", "1h") as daemon:
            measures = self.bench(daemon, "--protocol", "json", "--rate", "250",
                                  "--slow-pause-ms", "2000", "--duration-s", "3",
                                  must="messages = 750, slow-closed > 0, order-unchecked = 0")
            self.assertEqual(measures["slow-closed"],
                             daemon.metrics()["ringroom_slow_consumers_total"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
