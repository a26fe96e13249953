"""What /metrics says: its form, that clients cannot add to it, that its numbers are those of what was
done; and what a scrape costs.

    RINGROOM=build/release/ringroom /usr/bin/python3 tests/system/metrics_test.py Scrape --connections 10000
"""

import asyncio
import math
import re
import sys
import time
import unittest
import urllib.request

import websockets
from crowd import Crowd, Pace
from daemon import Daemon, raise_descriptor_limit, until
from native_client import API_KEY, NativeCase
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families

SERIES = re.compile(r'^([a-z_]+)(?:\{((?:[a-z_]+="[^"\\]*",?)+)\})? (\S+)$')
STAGES = ("receive_to_room", "room_to_send", "publish_to_ack")


def scrape(daemon):
    """The text, and how long it took."""
    began = time.monotonic()
    with urllib.request.urlopen(f"{daemon.http}/metrics") as answer:
        text = answer.read().decode()
    return text, time.monotonic() - began


def samples_of(families):
    """{(name, labels): value}, without what differs from one scrape to the next."""
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families for sample in family.samples}


def series_of(text):
    return [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]


class Forms(NativeCase):
    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    # As Prometheus asks, before version 3 and since.
    PROMETHEUS = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                  "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
                  "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")

    def scrape_as(self, accept):
        """(content type, text)"""
        headers = {} if accept is None else {"Accept": accept}
        request = urllib.request.Request(f"{self.daemon.http}/metrics", headers=headers)
        with urllib.request.urlopen(request) as answer:
            self.assertEqual(answer.headers["Vary"], "Accept")
            return answer.headers["Content-Type"], answer.read().decode()

    async def test_accept_chooses_the_form(self):
        for accept, expected in [(each, self.OPEN) for each in self.PROMETHEUS] + [
                (None, self.TEXT), ("*/*", self.TEXT), ("text/plain", self.TEXT), ("image/png", self.TEXT),
                ("text/html,*/*;q=0.8", self.TEXT), ("application/openmetrics-text;version=0.0.1", self.TEXT),
                ("application/openmetrics-text", self.OPEN), ("application/*", self.OPEN),
                ("application/openmetrics-text;q=0.4,text/plain;q=0.5", self.TEXT),
                ("application/openmetrics-text;q=0.5,text/plain;q=0.4", self.OPEN),
                ("application/openmetrics-text,text/plain", self.TEXT)]:
            with self.subTest(accept=accept):
                kind, text = self.scrape_as(accept)
                self.assertEqual(kind, expected)
                self.assertEqual(text.endswith("# EOF\n"), expected == self.OPEN)

    async def test_a_strict_parser_takes_both_and_finds_the_same_series(self):
        ann = await self.client("ann")
        await ann.join("forms")
        await ann.send("room_message", "forms", {"text": "x"})
        await ann.next("ack")
        as_text = list(text_string_to_metric_families(self.scrape_as(None)[1]))
        as_open = list(openmetrics_string_to_metric_families(self.scrape_as(self.PROMETHEUS[0])[1]))
        self.assertEqual(set(samples_of(as_text)), set(samples_of(as_open)))
        kinds = {family.name: (family.type, family.unit) for family in as_open}
        self.assertEqual(len(kinds), len(as_open), "a family is said twice")
        self.assertEqual(kinds["ringroom_build"], ("info", ""))
        self.assertEqual(kinds["ringroom_publish"], ("counter", ""))
        self.assertEqual(kinds["process_cpu_seconds"], ("counter", "seconds"))
        self.assertEqual(kinds["ringroom_turn_duration_seconds"], ("histogram", "seconds"))
        self.assertEqual(kinds["ringroom_memory_bytes"], ("gauge", "bytes"))
        self.assertEqual(kinds["ringroom_fanout_listeners"], ("histogram", ""))
        for family in as_open:
            self.assertTrue(family.documentation, family.name)
        values = samples_of(as_open)
        self.assertEqual(values["ringroom_ready", ()], 1)
        self.assertEqual(values["ringroom_publish_total", ()], 1)
        self.assertGreaterEqual(values["ringroom_fanout_listeners_bucket", (("le", "1.0"),)], 1)

    async def test_both_forms_may_be_asked_for_at_once(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.daemon.port)
        asked = [None, self.PROMETHEUS[1], None, self.PROMETHEUS[0]]
        writer.write("".join(
            "GET /metrics HTTP/1.1\r\nHost: x\r\n" + (f"Accept: {accept}\r\n" if accept else "") + "\r\n"
            for accept in asked).encode())
        for accept in asked:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.assertIn(self.OPEN if accept else self.TEXT, head)
            body = await reader.readexactly(int(re.search(r"Content-Length: (\d+)", head)[1]))
            self.assertEqual(body.endswith(b"# EOF\n"), accept is not None)
        writer.close()


class Metrics(NativeCase):
    def metric(self, name):
        return self.daemon.metrics()[name]

    def reaches(self, name, value):
        """Counts of other cores follow a moment later."""
        until(lambda: self.metric(name) == value, f"{name} to be {value}, not {self.metric(name)}")

    async def test_every_line_is_of_the_format_and_names_stand_together(self):
        text, _ = scrape(self.daemon)
        kinds, seen, name = {}, set(), None
        for line in text.splitlines():
            if line.startswith("# HELP"):
                name = line.split()[2]
                self.assertGreater(len(line.split()), 4, line)
                self.assertNotIn(name, kinds, "the lines of one name are apart")
            elif line.startswith("# TYPE"):
                _, _, of, kind = line.split()
                self.assertEqual(of, name)
                kinds[name] = kind
            else:
                found = SERIES.match(line)
                self.assertTrue(found, line)
                base = re.sub("_(bucket|sum|count)$", "", found[1]) if kinds[name] == "histogram" else found[1]
                self.assertEqual(base, name, line)
                float(found[3])
                self.assertNotIn(line.rpartition(" ")[0], seen)
                seen.add(line.rpartition(" ")[0])
                self.assertTrue(kinds[name] != "counter" or name.endswith("_total"), name)
        for family in ("errors_total", "disconnects_total", "auth_failures_total", "memory_bytes",
                       "stage_duration_seconds", "active_users", "messages_dropped_total",
                       "recoveries_total", "reconnects_total", "core_cpu_seconds_total", "uring_enters_total",
                       "queue_bytes", "fanout_listeners", "broadcast_duration_seconds", "ping_rtt_seconds"):
            self.assertIn("ringroom_" + family, kinds)

    async def test_buckets_add_up(self):
        values = self.daemon.metrics()
        rows = {}
        for series, value in values.items():
            if found := re.match(r'(.*)_bucket\{(.*?),?le="(.*)"\}', series):
                rows.setdefault((found[1], found[2]), []).append((float(found[3].replace("+", "")), value))
        self.assertEqual(len(rows), 8)
        for (name, label), buckets in rows.items():
            self.assertEqual(sorted(buckets), buckets, name)
            self.assertEqual(sorted(value for _, value in buckets), [value for _, value in buckets], name)
            self.assertEqual(buckets[-1][0], math.inf)
            self.assertEqual(buckets[-1][1], values[f"{name}_count" + (f"{{{label}}}" if label else "")])

    async def test_nothing_that_a_client_says_makes_a_series(self):
        before = series_of(scrape(self.daemon)[0])
        ann = await self.client('an"n\\')
        await ann.join("room-of-my-own")
        for type in ("my_own_type", "x:y.z", "query_request", "nonsense"):
            await ann.send(type, "room-of-my-own", {"query": "x"})
        await ann.silence()
        for code in (1000, 3333, 4999, 4508):
            other = await self.client("leaver")
            await other.socket.close(code)
        self.daemon.request("GET", "/no/such/path?a=b")
        self.daemon.request("POST", "/api/publish", {"room": 1}, {"X-API-Key": API_KEY})
        self.assertEqual(series_of(scrape(self.daemon)[0]), before)

    async def test_messages_are_counted_by_type_and_own_types_as_other(self):
        before = self.daemon.metrics()
        ann = await self.client("ann")
        await ann.join("types")
        for _ in range(3):
            await ann.send("room_message", "types", {"n": 1})
        for type in ("typing_indicator", "cursor_position", "my_own_type", "another"):
            await ann.send(type, "types", {})
        await ann.silence()
        after = self.daemon.metrics()
        for type, count in {"join_room": 1, "room_message": 3, "typing_indicator": 1, "cursor_position": 1,
                            "ping": 1, "other": 2, "history": 0}.items():
            series = f'ringroom_messages_by_type_total{{type="{type}"}}'
            self.assertEqual(after[series] - before[series], count, type)

    async def test_ends_are_counted_by_their_code(self):
        def ended(code):
            return self.metric(f'ringroom_disconnects_total{{code="{code}"}}')

        counts = {code: ended(code) for code in ("1000", "1002", "1006", "other")}
        for code in (1000, 4999):
            client = await self.client("leaver")
            await client.socket.close(code)
        broken = await self.client("breaker")
        broken.socket.transport.abort()
        rude = await self.client("rude")
        rude.socket.transport.write(b"\xff\xff\xff\xff")
        for code, more in {"1000": 1, "1002": 1, "1006": 1, "other": 1}.items():
            until(lambda: ended(code) == counts[code] + more, f"an end with {code}")

    async def test_refusals_are_counted_by_their_code(self):
        def refused(code):
            return self.metric(f'ringroom_errors_total{{code="{code}"}}')

        counts = {code: refused(code) for code in ("not_joined", "invalid", "not_found", "bad_request", "other")}
        ann = await self.client("ann")
        await ann.send("room_message", "elsewhere", {})
        await ann.send("no type", "elsewhere")
        await ann.socket.send("{")
        await ann.silence()
        self.daemon.request("GET", "/no/such/path")
        self.daemon.request("PUT", "/ready")
        for code, more in {"not_joined": 1, "invalid": 1, "bad_request": 1, "not_found": 1, "other": 1}.items():
            self.assertEqual(refused(code) - counts[code], more, code)

    async def test_who_is_not_let_in_is_counted_by_the_reason(self):
        series = 'ringroom_auth_failures_total{reason="api_key"}'
        before = self.metric(series)
        self.daemon.request("POST", "/api/publish", {}, {"X-API-Key": "wrong"})
        self.assertEqual(self.metric(series) - before, 1)

    async def test_every_message_passes_every_stage(self):
        def counts():
            values = self.daemon.metrics()
            return {stage: values[f'ringroom_stage_duration_seconds_count{{stage="{stage}"}}'] for stage in STAGES}

        before = counts()
        clients = [await self.client(f"u{i}") for i in range(6)]  # on both cores
        for number in range(4):
            for client in clients:
                await client.join(f"stage{number}", presence=False)
        # Each client hears of all who came behind it.
        for position, client in enumerate(clients):
            for number in range(4):
                for _ in clients[position + 1 :]:
                    await client.next("user_joined", room=f"stage{number}")
        told = counts()
        for client in clients:
            for number in range(4):
                for _ in range(5):
                    await client.send("room_message", f"stage{number}", {})
        for client in clients:
            for _ in range(20):
                await client.next("ack")
        expected = {"receive_to_room": 120, "room_to_send": 120 * 6, "publish_to_ack": 120}
        until(lambda: counts() == {stage: told[stage] + more for stage, more in expected.items()},
              f"{expected} more than {told}, not {counts()}")
        self.assertEqual(told["receive_to_room"], before["receive_to_room"])
        values = self.daemon.metrics()
        for stage in STAGES:
            seconds = values[f'ringroom_stage_duration_seconds_sum{{stage="{stage}"}}']
            self.assertLess(seconds / counts()[stage], 5)
        self.assertGreater(values["ringroom_fanout_listeners_count"], 0)
        self.assertGreater(values["ringroom_turn_duration_seconds_count"], 0)

    async def test_recoveries_and_reconnects_are_counted_by_their_result(self):
        before = self.daemon.metrics()
        ann = await self.client("ann&resume=1")
        joined = await ann.join("recover")
        position = {"sequence": 0, "epoch": joined["payload"]["epoch"]}
        await ann.send("leave_room", "recover")
        await ann.next("room_left")
        self.assertTrue((await ann.join("recover", recover=position))["payload"]["recovered"])
        await ann.send("leave_room", "recover")
        await ann.next("room_left")
        wrong = await ann.join("recover", recover={"sequence": 0, "epoch": "another"})
        self.assertFalse(wrong["payload"]["recovered"])
        after = self.daemon.metrics()
        for series in ('ringroom_recoveries_total{result="recovered"}', 'ringroom_recoveries_total{result="failed"}',
                       'ringroom_reconnects_total{result="admitted"}'):
            self.assertEqual(after[series] - before[series], 1, series)

    async def test_cores_have_numbers_of_their_own(self):
        values = self.daemon.metrics()
        for name in ("core_cpu_seconds_total", "core_turns_total", "core_sockets", "core_queue_bytes"):
            for core in ("0", "1"):
                self.assertIn(f'ringroom_{name}{{core="{core}"}}', values)
        self.assertGreater(values["ringroom_core_cpu_seconds_total"], 0)
        self.assertEqual(values["ringroom_core_turns_total"], values["ringroom_turns_total"])

    async def test_scrapes_one_behind_the_other_are_all_answered(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.daemon.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 10 + b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
                     b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = (await reader.read(-1)).split(b"HTTP/1.1 200 OK")[1:]
        writer.close()
        self.assertEqual(len(answers), 12)
        self.assertTrue(all(b"ringroom_turns_total" in answer for answer in answers[:10]))
        self.assertEqual(answers[10].split(b"\r\n\r\n")[1], b"")


class ActiveUsers(unittest.TestCase):
    def test_a_user_counts_once_however_many_connections_it_has(self):
        async def connect(daemon):
            sockets = [await websockets.connect(f"{daemon.ws}/ws?user=ann") for _ in range(8)]
            for socket in sockets:
                await socket.recv()
            values = daemon.metrics()
            for socket in sockets:
                await socket.close()
            return values

        with Daemon("--cores", "2") as daemon:
            values = asyncio.run(connect(daemon))
            for window in ("5m", "1h", "1d"):
                self.assertEqual(values[f'ringroom_active_users{{window="{window}"}}'], 1)


def number_after(flag, default):
    return int(sys.argv[sys.argv.index(flag) + 1]) if flag in sys.argv else default


class Scrape(unittest.TestCase):
    """Each client in a room of its own. By hand: windows with and without scrapes in turn."""

    CONNECTIONS = number_after("--connections", 300)
    WINDOWS = 20 if "--connections" in sys.argv else 2
    WINDOW_S, RATE, SCRAPE_MS_MAX = 1.5, 2000, 50

    def test_costs_the_same_with_many_connections_and_rooms_and_holds_nobody_up(self):
        raise_descriptor_limit()
        with Daemon("--cores", "2") as daemon:
            few = series_of(scrape(daemon)[0])
            crowd = Crowd(daemon.port, self.CONNECTIONS, room_size=1)
            crowd.join_all()
            self.assertEqual(daemon.metrics()["ringroom_rooms"], self.CONNECTIONS)
            self.assertEqual(series_of(scrape(daemon)[0]), few)
            took_ms = sorted(scrape(daemon)[1] * 1000 for _ in range(50))
            p99 = {False: [], True: []}
            for window in range(self.WINDOWS):
                p99[window % 2 == 1].append(self.window(crowd, daemon, window % 2 == 1))
            crowd.check()
            crowd.close()
        middle = {scraped: sorted(values)[len(values) // 2] for scraped, values in p99.items()}
        print(f"# {self.CONNECTIONS} connections and rooms, {len(few)} series: a scrape takes {took_ms[25]:.1f} ms, "
              f"at most {took_ms[-1]:.1f}; p99 of answers {middle[False]:.2f} ms without scrapes, "
              f"{middle[True]:.2f} with ten a second ({middle[True] / middle[False] * 100 - 100:+.1f} %)")
        self.assertLess(took_ms[25], self.SCRAPE_MS_MAX)

    def window(self, crowd, daemon, scraped):
        """p99 in ms of the answers to publications while somebody scrapes, or nobody does."""
        crowd.took.clear()
        pace, end, due = Pace(crowd, self.RATE), time.monotonic() + self.WINDOW_S, 0
        sock = daemon.connect() if scraped else None
        while time.monotonic() < end:
            pace()
            crowd.step(0.002)
            if scraped and time.monotonic() >= due:
                due = time.monotonic() + 0.1
                sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                sock.setblocking(False)
                try:
                    while sock.recv(1 << 20):
                        pass
                except BlockingIOError:
                    pass
                sock.setblocking(True)
        crowd.until(lambda: not crowd.asked, "the last answers")
        if sock:
            sock.close()
        values = sorted(seconds for _, seconds in crowd.took)
        return values[len(values) * 99 // 100] * 1000


if __name__ == "__main__":
    for flag in ("--connections",):
        if flag in sys.argv:
            at = sys.argv.index(flag)
            del sys.argv[at : at + 2]
    unittest.main(verbosity=2)
