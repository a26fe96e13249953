"""What is asked of which scenario, the figures that answer it, and the verdicts."""
import dataclasses
import statistics

DISTURBED_PERCENT = 5  # of the time; more, and latency and throughput are those of the other work


@dataclasses.dataclass(frozen=True)
class Target:
    """`measure` is a measure of the report, or `cpu/WHO`, `p99/WHO`: its ratio to WHO of the same round.

    WHO is `floor`; `peer`, the first other server; `A`, that one if it ran and else the floor; or
    another variant of ringroom.
    """
    id: str
    scenario: str
    variant: str
    measure: str
    at_most: float
    asks: str


TARGETS = [
    Target("T1", "echo-20B", "", "cpu/peer", 1.00, "echo 20 B, 100 connections"),
    Target("T1", "echo-20B", "", "cpu/floor", 1.02, "echo 20 B, 100 connections"),
    Target("T1", "echo-1000", "", "cpu/peer", 1.00, "echo 20 B, 1,000 connections"),
    Target("T1", "echo-1000", "", "cpu/floor", 1.02, "echo 20 B, 1,000 connections"),
    Target("T2", "echo-20B-d16", "", "cpu/A", 0.95, "echo 20 B, 16 under way"),
    Target("T3", "fanout-1000", "", "cpu/floor", 1.03, "one message to 1,000, payload only"),
    Target("T3", "fanout-1000-json", "remember", "cpu/floor", 1.03,
           "the same with sequence, history, presence and rights"),
    Target("T4", "fanout-1000-bursts", "b16", "cpu/peer", 0.8, "bursts of 16 to 1,000"),
    Target("T4", "fanout-1000-bursts", "b33", "cpu/peer", 0.05, "bursts of 33"),
    Target("T4", "fanout-1000-bursts", "b256", "cpu/peer", 0.05, "bursts of 256"),
    Target("T4", "fanout-1000-bursts", "b33", "cpu/b32", 1.00, "33 no dearer than 32"),
    Target("T4", "fanout-1000-bursts", "b256", "cpu/b32", 1.00, "256 no dearer than 32"),
    Target("T5", "busy-room-100x20", "", "server-cpu-us", 0.25, "4 M deliveries/s of one core"),
    Target("T5", "busy-room-1000x50", "", "server-cpu-us", 0.125, "8 M deliveries/s of one core"),
    Target("T6", "deflate-1000", "deflate", "cpu/plain", 1.15, "1 KiB deflated, one message"),
    Target("T6", "deflate-1000-burst", "deflate", "cpu/plain", 1.6, "1 KiB deflated, bursts of 16"),
    Target("T7", "echo-open", "", "cpu/A", 0.5, "echo at 50,000/s"),
    Target("T7", "echo-open", "", "p99/A", 1.00, "and its p99"),
    Target("T8", "rooms-100k-raw", "", "cpu/A", 0.6, "1,000 rooms of 10 at 100,000 deliveries/s"),
    Target("T8", "rooms-100k-raw", "", "p99-ms", 0.25, "and its p99"),
    Target("T8", "rooms-100k-json", "", "p99-ms", 0.25, "with the native protocol"),
    Target("T9", "others-p99", "", "canary-p99-ms", 0.3, "others while a room of 5,000 is served"),
    Target("T10", "storm", "json", "server-cpu-us", 14, "handshake to connection_ack"),
    Target("T11", "idle-10k", "connected", "memory-bytes-per-connection", 256, "connected"),
    Target("T11", "idle-10k", "room", "memory-bytes-per-connection", 512, "in a room, remembered"),
    Target("T12", "echo-16KiB", "", "cpu/A", 1.00, "echo 16 KiB"),
    Target("T12", "echo-1MiB", "", "cpu/A", 1.00, "echo 1 MiB"),
    Target("T13", "two-cores", "two", "cpu/one", 1.053, "0.95 of one core alone, by CPU"),
    Target("T14", "fanout-1000-json", "history", "cpu/bare", 1.03, "history on against off"),
    Target("T14", "fanout-1000-json", "presence", "cpu/bare", 1.03, "presence on against off"),
    Target("T14", "fanout-1000-deflate-unused", "offered", "cpu/off", 1.03,
           "deflate negotiated, unused"),
    Target("I4", "fanout-1000-json", "remember", "cpu/bare", 1.10, "history and presence together"),
]
RATIOS = {"cpu": "server-cpu-us", "p99": "p99-ms"}


def named(who, variant):
    return f"{who} {variant}".strip()


def spread_of(values):
    return (statistics.median(values), min(values), max(values)) if values else None


def measured(runs, measure):
    """Median over the rounds, with min and max; None when nobody measured it."""
    return spread_of([run["measures"][measure] for run in runs if measure in run["measures"]])


def ratio(runs, others, measure="server-cpu-us"):
    """Of the same round each, so that a slow phase of the machine is in both."""
    pairs = [(own["measures"].get(measure), its["measures"].get(measure))
             for own, its in zip(runs, others)]
    return spread_of([own / its for own, its in pairs if own is not None and its])


def has_peer(result):
    return any(name.startswith("peer") for name in result["runs"])


def at(result, who, variant):
    """The name under which a server ran a variant: its own, or none where it knows no variants."""
    return next((name for name in (named(who, variant), who) if name in result["runs"]), None)


def compared_with(result, variant, who):
    """The name in the result of what `cpu/WHO` divides by; None when it did not run."""
    if who == "A":
        who = "peer" if has_peer(result) else "floor"
    if who == "peer":
        return at(result, "peer", variant) or at(result, "peer1", variant)
    return at(result, "floor", variant) if who == "floor" else at(result, "ringroom", who)


def measured_rounds(result, target):
    """In how many rounds everything that the figure needs was there."""
    runs = result["runs"].get(named("ringroom", target.variant), [])
    what, slash, who = target.measure.partition("/")
    measure = RATIOS[what] if slash else target.measure
    other = compared_with(result, target.variant, who) if slash else None
    others = result["runs"][other] if other else runs
    return sum(measure in own["measures"] and measure in its["measures"]
               for own, its in zip(runs, others))


def figure_of(result, target):
    runs = result["runs"].get(named("ringroom", target.variant), [])
    what, slash, who = target.measure.partition("/")
    if not slash:
        return measured(runs, target.measure)
    other = compared_with(result, target.variant, who)
    return ratio(runs, result["runs"][other], RATIOS[what]) if other else None


def disturbed(runs):
    return max((run["measures"].get("server-waited-percent", 0) for run in runs), default=0)


def verdict_of(figure, at_most):
    if figure is None:
        return "not measured"
    median, least, most = figure
    verdict = "holds" if median <= at_most else "FAILS"
    # The other verdict would have been possible: more rounds, or a quieter machine, decide it.
    return verdict + (", within the spread" if least <= at_most < most else "")


def rows(results):
    """(id, what is asked, scenario, measure, bound, figure or None, verdict) of each target."""
    peers = any(has_peer(result) for result in results.values())
    found = []
    for target in TARGETS:
        if target.measure.endswith("/peer") and not peers:
            continue
        result = results.get(target.scenario)
        scenario = named(target.scenario, target.variant)
        if result is None:
            found.append((target, scenario, None, "not run"))
            continue
        figure = figure_of(result, target)
        verdict = verdict_of(figure, target.at_most)
        runs = result["runs"].get(named("ringroom", target.variant), [])
        if not all(run["held"] or target.measure in ("p99-ms", "server-cpu-us", "canary-p99-ms")
                   for run in runs):
            verdict += ", a claim of its scenario did not hold"
        if figure and measured_rounds(result, target) < len(runs):
            verdict += ", not in every round"
        if disturbed(runs) > DISTURBED_PERCENT:
            verdict += ", disturbed"
        found.append((target, scenario, figure, verdict))
    return found


def shown(figure, digits=3):
    if figure is None:
        return "-"
    median, least, most = (f"{value:.{digits}f}" for value in figure)
    return f"{median} [{least}-{most}]"


def as_text(target_rows):
    table = [("", "asks", "scenario", "measure", "at most", "median [min-max]", "verdict")]
    for target, scenario, figure, verdict in target_rows:
        digits = 0 if figure and figure[0] >= 100 else 3
        table.append((target.id, target.asks, scenario, target.measure, f"{target.at_most:g}",
                      shown(figure, digits), verdict))
    return table
