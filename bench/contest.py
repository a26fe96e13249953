"""Who runs in a scenario, and how: servers and loads in turns, on named cores."""
import json
import os
import pathlib
import shlex
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
READY_S = 10  # a server that does not listen by then will not
STOP_S = 10  # and one that is still there so long after SIGTERM is killed
LOAD_S = 180  # above what opening, running and draining may take together: a stuck load is ended
SERVER_CPU, LOAD_CPU = 0, 1
# First come, first served among the same, and all before ordinary work. The load is ahead of the
# server: where they share a core, a server that looks for work would never let it give any. Within the
# load the coordinator is one ahead of its clients, or its readings would be late.
SERVER_PRIORITY, LOAD_PRIORITY = 5, 7

# What a load of the floor can show: it neither acknowledges nor refuses.
FLOOR_MUST = "lost = 0, duplicated = 0, misordered = 0, corrupt = 0, disconnected = 0"


class Failed(Exception):
    """One sentence about what went wrong."""


def flag_keys(flags):
    """--key value and --key=value, as keys."""
    keys, words = {}, iter(flags)
    for word in words:
        if word.startswith("--"):
            name, equals, inline = word[2:].partition("=")
            keys[name] = inline if equals else next(words, "")
    return keys


class Variant:
    """One way of running a scenario: `NAME [flags of the server] [-- flags of the load]`."""

    def __init__(self, line):
        words = shlex.split(line)
        split = words.index("--") if "--" in words else len(words)
        self.name = words[0] if words and split > 0 else ""
        self.server_flags, self.load_flags = words[1:split], words[split + 1:]


class Scenario:
    """The few keys that decide who is started; `ringroom bench` checks them all."""

    def __init__(self, path, flags):
        self.path, self.name, self.flags = path, path.stem, flags
        self.keys = {"work": "echo", "protocol": "raw", "server-cores": "1", "deflate": "off",
                     "payload-bytes": "128", "slow-percent": "0", "canary-connections": "0"}
        self.variants = []
        for line in path.read_text().splitlines():
            words = line.split("#")[0].split(None, 1)
            if len(words) != 2:
                continue
            if words[0] == "variant":
                self.variants.append(Variant(words[1]))
            else:
                self.keys[words[0]] = words[1].strip()
        self.variants = self.variants or [Variant("")]

    def keys_of(self, variant):
        return {**self.keys, **flag_keys(variant.load_flags), **flag_keys(self.flags)}

    @property
    def cores(self):
        """Of the scenario itself; a variant may take fewer and is still run like the others."""
        return int({**self.keys, **flag_keys(self.flags)}["server-cores"])

    @property
    def pinned(self):
        return self.cores == 1 and os.cpu_count() > LOAD_CPU


def find_scenario(name, flags):
    path = ROOT / "bench/scenarios" / f"{name}.conf"
    if not path.exists():
        path = pathlib.Path(name)
    if not path.is_file():
        raise Failed(f"{name}: no such scenario in bench/scenarios")
    return Scenario(path, flags)


def floor_work(keys):
    """What the floor program can do of a scenario; None when it is more than echo or rooms."""
    if keys["server-cores"] != "1" or keys["deflate"] == "on":
        return None
    if keys["slow-percent"] != "0" or keys["canary-connections"] != "0":
        return None
    if keys["work"] == "fanout":
        return "fanout"
    return "echo" if keys["work"] in ("echo", "storm") and keys["protocol"] == "raw" else None


class Contestant:
    """A server in one variant, and what was reported about it, one report for each round."""

    def __init__(self, who, variant, command, load_flags=()):
        self.name = f"{who} {variant.name}".strip()
        self.who, self.variant, self.command = who, variant, command
        self.load_flags = [*variant.load_flags, *load_flags]
        self.reports = []


def contestants(options, scenario):
    """In the order in which they take turns: all variants of a server, then the next server."""
    found = []
    # Others know nothing of our server's flags. Where variants differ in these alone, they run once.
    loads = {tuple(variant.load_flags) for variant in scenario.variants}
    if len(loads) == 1:
        others = [Variant(shlex.join(["--", *next(iter(loads))]))]
    else:
        others = [variant for variant in scenario.variants if not variant.server_flags]
    for variant in scenario.variants:
        keys = scenario.keys_of(variant)
        serve = [options.ringroom, "serve", "--listen", "127.0.0.1:{port}", "--cores", "{cores}",
                 "--insecure-dev", "--echo"]
        if int(keys["payload-bytes"]) > 32768:
            serve += ["--max-message-bytes", str(2 * int(keys["payload-bytes"]))]
        found.append(Contestant("ringroom", variant, serve + variant.server_flags))
    for number, peer in enumerate(options.peer, 1):
        who = "peer" if len(options.peer) == 1 else f"peer{number}"
        found += [Contestant(who, variant, shlex.split(peer)) for variant in others
                  if scenario.keys_of(variant)["protocol"] == "raw"]
    if not options.no_floor and scenario.cores == 1:
        for variant in others:
            work = floor_work(scenario.keys_of(variant))
            if work:
                command = [options.floor, "--listen", "127.0.0.1:{port}", work]
                found.append(Contestant("floor", variant, command,
                                        ["--protocol", "tcp", "--must", FLOOR_MUST]))
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def settled_on(cpu, priority):
    """For the child, before it becomes the program."""
    def settle():
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        if priority:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    return settle


class Server:
    """A server process for one run: listening when entered, gone when left."""

    def __init__(self, contestant, cores, cpu, priority):
        self.port = free_port()
        self.command = [word.replace("{port}", str(self.port)).replace("{cores}", str(cores))
                        for word in contestant.command]
        self.settle = settled_on(cpu, priority)

    def __enter__(self):
        self.log = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log,
                                            stdin=subprocess.DEVNULL, preexec_fn=self.settle)
        except OSError as error:
            raise Failed(f"{self.command[0]}: {error.strerror}") from None
        deadline = time.monotonic() + READY_S
        while not self.listens():
            try:
                self.process.wait(0.02)
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline:
                    continue
            self.__exit__()
            raise Failed(f"{shlex.join(self.command)}: does not listen\n{self.last_words}")
        return self

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.seek(0)
        self.last_words = self.log.read()[-2000:].decode(errors="replace")
        self.log.close()


def run_once(options, contestant, scenario, commit):
    cores = int(scenario.keys_of(contestant.variant)["server-cores"])
    pinned = scenario.pinned
    server_priority, load_priority = (SERVER_PRIORITY, LOAD_PRIORITY) if options.realtime else (0, 0)
    with Server(contestant, cores, SERVER_CPU if pinned else None, server_priority) as server, \
            tempfile.NamedTemporaryFile(suffix=".json") as report:
        # Flags given by hand win over those of a variant, and the floor's over all: it has no choice.
        command = [options.load, "bench", str(scenario.path), *contestant.variant.load_flags,
                   *scenario.flags, *contestant.load_flags[len(contestant.variant.load_flags):],
                   "--server", f"127.0.0.1:{server.port}", "--server-pid", str(server.process.pid),
                   "--commit", commit, "--json", report.name]
        if pinned:
            command += ["--pin", str(LOAD_CPU)]
        try:
            load = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=LOAD_S,
                                  preexec_fn=settled_on(LOAD_CPU if pinned else None, load_priority))
        except subprocess.TimeoutExpired:
            raise Failed(f"{shlex.join(command)}: not finished after {LOAD_S} s") from None
        written = pathlib.Path(report.name).read_text()
        ended = server.process.poll()
    if ended is not None:
        raise Failed(f"{contestant.name} ended with code {ended} during the run\n"
                     f"{server.last_words}{load.stdout}")
    if not written:
        raise Failed(f"{shlex.join(command)}\n{load.stdout}{server.last_words}")
    if options.verbose or load.returncode != 0:
        print(f"[{contestant.name}] {load.stdout}", end="", flush=True)
    result = json.loads(written)
    result["server_command"] = shlex.join(server.command)
    result["held"] = load.returncode == 0
    return result


def run_scenario(options, scenario, commit):
    """All contestants, in turns. What is written is what a report needs."""
    entries = contestants(options, scenario)
    for _ in range(options.rounds):
        for entry in entries:
            entry.reports.append(run_once(options, entry, scenario, commit))
    return {"scenario": scenario.name, "commit": commit, "realtime": options.realtime,
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "command": options.command,
            "flags": scenario.flags, "variants": [variant.name for variant in scenario.variants],
            "runs": {entry.name: entry.reports for entry in entries}}
