"""`ringroom bench` while it runs: what stands on a terminal, in a log, and what is left of a run that
was interrupted."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest
import xml.etree.ElementTree as ElementTree

from daemon import DEADLINE_S, ENVIRONMENT, Daemon, program, raise_descriptor_limit

ROOM = ["--work", "fanout", "--publishers", "1", "--subscribers", "50", "--rate", "200", "--warmup-ms", "500"]
RIGHT = "lost = 0, duplicated = 0, misordered = 0, corrupt = 0, disconnected = 0"


def fields_of(line):
    return dict(field.partition("=")[::2] for field in line.split())


class Screen:
    """As much of a terminal as the bench uses: what is written over, erased, and where the cursor is."""

    def __init__(self):
        self.rows, self.row, self.column = [""], 0, 0

    def take(self, text):
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.row += 1
                if self.row == len(self.rows):
                    self.rows.append("")
            elif part.startswith("\x1b"):
                self.obey(part[-1], part[2:-1])
            else:
                line = self.rows[self.row].ljust(self.column)
                self.rows[self.row] = line[:self.column] + part + line[self.column + len(part):]
                self.column += len(part)

    def obey(self, order, number):
        if order == "A":
            self.row -= int(number or 1)
            assert self.row >= 0, "above the first row"
        elif order == "K":
            self.rows[self.row] = self.rows[self.row][:self.column]
        elif order == "J":
            self.rows[self.row] = self.rows[self.row][:self.column]
            del self.rows[self.row + 1:]
        else:
            assert order == "m", order

    @property
    def text(self):
        return "\n".join(self.rows)


class OnTerminal:
    """A bench whose standard error is a terminal of a given size, and its output a pipe."""

    def __init__(self, *arguments, columns=100, **variables):
        self.terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.modes = termios.tcgetattr(theirs)
        environment = {**ENVIRONMENT, "TERM": "xterm", "LC_ALL": "C.UTF-8", **variables}
        environment.pop("NO_COLOR", None)
        environment.update(variables)
        self.process = subprocess.Popen([program(), "bench", *arguments], env=environment, text=True,
                                        stdout=subprocess.PIPE, stderr=theirs)
        self.theirs = theirs
        self.screen, self.raw, self.seen = Screen(), b"", []

    def read(self):
        """What has come since, or None once the bench has ended and all is read."""
        ended = self.process.poll() is not None
        readable, _, _ = select.select([self.terminal], [], [], 0 if ended else 0.05)
        if not readable:
            return None if ended else ""
        chunk = os.read(self.terminal, 65536)
        self.raw += chunk
        # A character may be cut; the rest of it comes with the next piece.
        text = self.raw.decode(errors="ignore")
        self.screen = Screen()
        self.screen.take(text)
        self.seen.append(self.screen.text)
        return text

    def until(self, pattern):
        end = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.screen.text):
            if self.read() is None or time.monotonic() > end:
                raise AssertionError(f"{pattern} did not stand on the terminal:\n{self.seen[-3:]}")

    def finish(self):
        end = time.monotonic() + DEADLINE_S
        while self.read() is not None:
            if time.monotonic() > end:
                raise AssertionError("the bench did not end")
        self.report = self.process.stdout.read()
        self.process.stdout.close()
        modes = termios.tcgetattr(self.theirs)
        os.close(self.terminal)
        os.close(self.theirs)
        if modes != self.modes:
            raise AssertionError("the modes of the terminal have changed")
        return self.process.returncode


class BenchProgress(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise_descriptor_limit()

    def arguments(self, daemon, *more):
        return [*ROOM, "--server", f"127.0.0.1:{daemon.port}", "--server-pid", str(daemon.process.pid), *more]

    def in_pipe(self, *arguments, **more):
        return subprocess.run([program(), "bench", *arguments], capture_output=True, text=True,
                              env={**ENVIRONMENT, **more}, timeout=DEADLINE_S, check=False)

    def test_a_terminal_shows_every_phase_and_is_left_as_it_was(self):
        for columns in (40, 100):
            with self.subTest(columns=columns), Daemon("--cores", "1") as daemon:
                bench = OnTerminal(*self.arguments(daemon, "--duration-s", "2", "--must", RIGHT), columns=columns)
                for shown in (r"settling|connecting", r"warm-up 0\.\d of 0\.5 s +█", r"measuring 1 of 2 s +█",
                              r"deliveries/s +(9|1\d|1\d,\d)", r"p99 ms +\d+\.\d", r"us/delivery +\d", r"lost +0",
                              r"closed +0", r"[▁▂▃▄▅▆▇█]+ +max \d"):
                    bench.until(shown)
                widest = max(len(line) for text in bench.seen for line in text.splitlines())
                self.assertLessEqual(widest, columns)
                self.assertEqual(bench.finish(), 0, bench.report)
                # Nothing is left but the report, which is on standard output.
                self.assertEqual(bench.screen.text.strip(), "")
                self.assertEqual((bench.screen.row, bench.screen.column), (0, 0))
                self.assertNotIn(b"\x1b[?", bench.raw)
                self.assertIn("holds", bench.report)
                self.assertNotIn("\x1b", bench.report)

    def test_it_speaks_as_the_terminal_can(self):
        with Daemon("--cores", "1") as daemon:
            quick = self.arguments(daemon, "--duration-s", "1", "--must", RIGHT)
            plain = OnTerminal(*quick, LC_ALL="C", NO_COLOR="1")
            plain.until("measuring 0 of 1 s +[#.]+ ")
            self.assertEqual(plain.finish(), 0)
            self.assertTrue(plain.raw.isascii())
            self.assertNotRegex(plain.raw, rb"\x1b\[[0-9;]*m")
            dumb = OnTerminal(*quick, TERM="dumb")
            self.assertEqual(dumb.finish(), 0)
            self.assertNotIn(b"\x1b", dumb.raw)
            self.assertIn("phase=measuring", dumb.screen.text)
            silent = OnTerminal(*quick, "--progress", "none")
            self.assertEqual(silent.finish(), 0)
            self.assertEqual(silent.raw, b"")

    def test_a_log_gets_a_line_a_second_and_only_if_asked(self):
        with Daemon("--cores", "1") as daemon:
            quick = self.arguments(daemon, "--duration-s", "3", "--must", RIGHT)
            silent = self.in_pipe(*quick[:-4], "--duration-s", "1")
            self.assertEqual((silent.returncode, silent.stderr), (0, ""))
            told = self.in_pipe(*quick, "--progress", "lines")
            self.assertEqual(told.returncode, 0, told.stdout)
            lines = [fields_of(line) for line in told.stderr.splitlines()]
            phases = list(dict.fromkeys(line["phase"] for line in lines))
            self.assertEqual(phases, ["connecting", "settling", "warm-up", "measuring", "draining"])
            measuring = [line for line in lines if line["phase"] == "measuring"]
            self.assertEqual([round(float(line["at_s"])) for line in measuring], [0, 1, 2, 3])
            for line in measuring[1:]:
                self.assertEqual(line["of_s"], "3.0")
                self.assertGreater(float(line["deliveries_per_s"]), 5000)
                self.assertGreater(float(line["server_cpu_us"]), 0)
                self.assertLessEqual(float(line["p50_ms"]), float(line["p99_ms"]))
                self.assertEqual((line["lost"], line["closed"], line["ready"]), ("0", "0", "51"))

    def test_the_page_and_the_picture_are_well_formed_whatever_the_names(self):
        with Daemon("--cores", "1") as daemon, tempfile.TemporaryDirectory() as folder:
            attack = "<script>alert(1)<&\"'\x1b\x07"
            scenario, page, picture = (os.path.join(folder, name)
                                       for name in (attack + ".conf", "run.html", "run.svg"))
            with open(scenario, "w") as file:
                file.write("work fanout\nmembers 5\nrate 100\nduration-s 2\nwarmup-ms 0\n")
            done = self.in_pipe(scenario, "--server", f"127.0.0.1:{daemon.port}", "--must", RIGHT, "--commit",
                                b"\xff\xc3<b>".decode(errors="surrogateescape"), "--html", page, "--svg", picture)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            shown = attack.replace("\x1b", "?").replace("\x07", "?")
            for path in (page, picture):
                root = ElementTree.parse(path).getroot()
                self.assertIn(shown, "".join(root.itertext()))
                names = {element.tag.rpartition("}")[2] for element in root.iter()}
                self.assertFalse(names & {"script", "img", "link", "foreignObject", "a"}, names)
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")

    def test_an_interrupted_run_reports_what_it_measured(self):
        with Daemon("--cores", "1") as daemon, tempfile.NamedTemporaryFile(suffix=".json") as file:
            bench = OnTerminal(*self.arguments(daemon, "--duration-s", "600", "--must", RIGHT, "--json", file.name))
            bench.until("measuring 1 of 600 s")
            bench.process.send_signal(signal.SIGINT)
            self.assertEqual(bench.finish(), 130)
            self.assertEqual(bench.screen.text.strip(), "")
            self.assertIn("interrupted", bench.report.splitlines()[0])
            report = json.load(file)
            self.assertTrue(report["interrupted"])
            self.assertTrue(1 <= report["window_s"] < 60, report["window_s"])
            self.assertEqual(report["measures"]["lost"], 0)
            self.assertEqual(report["measures"]["deliveries"], 50 * report["measures"]["messages"])
            self.assertGreater(report["measures"]["p50-ms"], 0)

    def test_an_end_before_the_measurement_is_one_too(self):
        with Daemon("--cores", "1") as daemon:
            early = OnTerminal(*self.arguments(daemon, "--warmup-ms", "60000"))
            early.until("warm-up")
            early.process.send_signal(signal.SIGTERM)
            self.assertEqual(early.finish(), 143)
            self.assertIn("interrupted", early.report)
        # Who listens and does not answer keeps it connecting.
        with subprocess.Popen(["/usr/bin/python3", "-c", "import socket, sys\ns=socket.create_server(('127.0.0.1',0))\n"
                               "print(s.getsockname()[1], flush=True)\nsys.stdin.read()"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as deaf:
            port = deaf.stdout.readline().strip()
            stuck = OnTerminal(*ROOM, "--server", f"127.0.0.1:{port}")
            stuck.until("connecting 0/51")
            stuck.process.send_signal(signal.SIGINT)
            self.assertEqual(stuck.finish(), 130)
            self.assertIn("bench: interrupted, 0 of 51 connections ready", stuck.screen.text)
            deaf.stdin.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
