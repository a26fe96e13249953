"""The real daemon, for tests: starts it on a free port, waits for its ready line, ends it by pid."""

import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

DEADLINE_S = float(os.environ.get("TEST_DEADLINE_S", "30"))

# Variables RINGROOM_* are options of the program; those of this shell are not meant for tests. A test
# that ends with clients still there does not wait for them, unless it says so by a flag.
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.startswith("RINGROOM_")}
ENVIRONMENT["RINGROOM_DRAIN_MS"] = "0"


def program():
    path = os.environ.get("RINGROOM")
    if not path:
        raise SystemExit("set RINGROOM to the program under test, for example build/release/ringroom")
    return path


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def until(condition, what, deadline_s=None):
    """Polls a condition that another process makes true; fails by name when it does not."""
    end = time.monotonic() + (deadline_s or DEADLINE_S)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"still waiting for: {what}")
        select.select([], [], [], 0.01)


def run(*arguments, text="", env=None):
    """A subcommand from its start to its end: returncode, stdout, stderr."""
    return subprocess.run([program(), *arguments], input=text, capture_output=True, text=True,
                          timeout=DEADLINE_S, env={**ENVIRONMENT, **(env or {})}, check=False)


class Daemon:
    """with Daemon("--cores", "2") as daemon: ... daemon.port ..."""

    def __init__(self, *options, port=0, dev=True, env=None):
        self.options = ["serve", "--listen", f"127.0.0.1:{port}"]
        if dev:
            self.options.append("--insecure-dev")
        self.options += options
        self.env = {**ENVIRONMENT, **(env or {})}
        self.process = None
        self.port = port
        self.admin_port = None

    def start(self):
        self.process = subprocess.Popen(
            [program(), *self.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        text = b""
        end = time.monotonic() + DEADLINE_S
        while b"ready on" not in text or not text.endswith(b"\n"):
            left = end - time.monotonic()
            readable, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            chunk = self.process.stdout.read() if readable else b""
            if not readable or chunk == b"":
                self.process.kill()
                error = self.process.stderr.read().decode(errors="replace")
                raise AssertionError(f"the daemon did not become ready: {text!r} {error}")
            text += chunk or b""
        self.port = int(re.search(rb"http://[^/]*:(\d+)/", text)[1])
        admin = re.search(rb"admin +http://[^/]*:(\d+)/", text)
        self.admin_port = int(admin[1]) if admin else None
        return self

    def stop(self, expect=0):
        """SIGTERM, then its exit code; a sanitizer report is a failure with its text."""
        self.process.send_signal(signal.SIGTERM)
        try:
            _, error = self.process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the daemon did not end after SIGTERM") from None
        if expect is not None and self.process.returncode != expect:
            raise AssertionError(
                f"exit code {self.process.returncode}: {error.decode(errors='replace')[-8000:]}"
            )
        return error.decode(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.stop(expect=0 if kind is None else None)
        elif kind is None:
            raise AssertionError(f"the daemon had ended: {self.process.stderr.read().decode()}")

    # What a client needs.

    @property
    def ws(self):
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_sanitized(self):
        with open(f"/proc/{self.process.pid}/maps") as maps:
            return "libasan" in maps.read()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def request(self, method, path, body=None, headers=None, port=None):
        """(status, parsed JSON or text)."""
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        request = urllib.request.Request(
            f"http://127.0.0.1:{port or self.port}" + path, data=data, method=method, headers=headers or {}
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def metrics(self, port=None):
        """Every series by its name and labels; and by its name alone, all of that name together."""
        _, text = self.request("GET", "/metrics", port=port)
        values = {}
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            series, value = line.split()
            values[series] = float(value)
            if "{" in series:
                name = series.partition("{")[0]
                values[name] = values.get(name, 0) + float(value)
        return values

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
