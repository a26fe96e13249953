"""The page of bench/run --html: what ran, as HTML and inline SVG. No script, no request outside."""
import html
import math
import pathlib

import targets

STYLE = pathlib.Path(__file__).with_name("page.css").read_text()
QUANTILES = ["p50", "p75", "p90", "p95", "p99", "p99.5", "p99.9", "p99.99"]
OPEN_LOOPS = ("echo-open", "rooms-100k-raw", "rooms-100k-json", "rooms-1000x10")  # a rate is given
TARGET_SCALE = 2  # a target's bar ends at so many times what is allowed


def text(value):
    return html.escape(str(value))


def kind(name):
    """ringroom, floor or peer: the colour."""
    who = name.split()[0]
    return who if who in ("ringroom", "floor") else "peer"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bar(name, figure, top, mark=None):
    """Median as a bar, the range over the rounds as a line through its end."""
    def x(value):
        return f"{min(value / top, 1) * 1000:.1f}"
    median, least, most = figure
    label = f"{name}: {number(median)}, from {number(least)} to {number(most)}"
    line = f'<path class="mark" vector-effect="non-scaling-stroke" d="M{x(mark)} 0V14"/>' if mark else ""
    return (f'<svg class="bar {kind(name)}" viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" '
            f'aria-label="{text(label)}"><rect class="fill" width="{x(median)}" height="14"/>'
            f'<path class="spread" vector-effect="non-scaling-stroke" d="M{x(least)} 7H{x(most)}"/>{line}</svg>')


def value(figure, unit=""):
    median, least, most = figure
    return f'<div class="value"><b>{number(median)}</b> {unit} [{number(least)}–{number(most)}]</div>'


def bars(results, figures, unit, mark=None):
    """`figures`: (scenario, who, figure). Like with like: a bar of 100 would hide those of 0.1 beside it."""
    size = {}
    for scenario, _, figure in figures:
        size[scenario] = max(size.get(scenario, 0), figure[0])
    out = []
    for low, high in ((0, 1), (1, 20), (20, 1000), (1000, math.inf)):
        part = [row for row in figures if low <= size[row[0]] < high]
        if not part:
            continue
        top = max(max(figure[2] for _, _, figure in part), mark or 0) * 1.02
        before = None
        for scenario, who, figure in part:
            if scenario != before:
                out.append(f"<h3>{text(scenario)}</h3>")
            before = scenario
            out.append(f'<div class="row"><div class="name">{text(who)}</div>'
                       f"{bar(who, figure, top, mark)}{value(figure, unit)}</div>")
    return "".join(out) or "<p>Nothing of this kind was measured.</p>"


def of_all(results, figure_of):
    return [(name, who, figure) for name, result in results.items() for who in result["runs"]
            if (figure := figure_of(result, who))]


def key(results):
    kinds = {kind(who) for result in results.values() for who in result["runs"]}
    return '<div class="key">' + "".join(
        f'<span class="{name}"><i></i>{name}</span>' for name in ("ringroom", "floor", "peer")
        if name in kinds) + "</div>"


def curve(result):
    """Latency by percentile, both axes logarithmic: the tail is what an open loop is measured for."""
    lines = []
    for who, runs in result["runs"].items():
        run = sorted(runs, key=lambda run: run["measures"].get("p99-ms", 0))[len(runs) // 2]
        points = [(quantile, run["latency_ms"].get(quantile, 0)) for quantile in QUANTILES]
        points = [(index, ms) for index, (_, ms) in enumerate(points) if ms > 0]
        if points:
            lines.append((who, points))
    if not lines:
        return ""
    low = math.floor(math.log10(min(ms for _, points in lines for _, ms in points)))
    high = max(math.ceil(math.log10(max(ms for _, points in lines for _, ms in points))), low + 1)
    left, right, top, bottom = 42, 410, 8, 150

    def at(index, ms):
        return (left + index * (right - left) / (len(QUANTILES) - 1),
                bottom - (math.log10(ms) - low) * (bottom - top) / (high - low))
    out = ['<svg class="curve" viewBox="0 0 420 172" role="img" aria-label="latency by percentile">']
    for power in range(low, high + 1):
        _, y = at(0, 10 ** power)
        out.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>'
                   f'<text x="{left - 5}" y="{y + 4:.1f}" text-anchor="end">{10.0 ** power:g}</text>')
    for index, quantile in enumerate(QUANTILES):
        out.append(f'<text x="{at(index, 1)[0]:.1f}" y="166" text-anchor="middle">{quantile[1:]}</text>')
    seen = set()
    for who, points in lines:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in points))
        again = " again" if kind(who) in seen else ""
        seen.add(kind(who))
        out.append(f'<path class="line {kind(who)}{again}" d="M{path}"><title>{text(who)}</title></path>')
    return "".join(out) + "</svg>"


def sparks(results):
    """The rate over time of each scenario's middle round, as it went for ringroom."""
    out = []
    for name, result in results.items():
        for who, runs in result["runs"].items():
            run = sorted(runs, key=rate_of)[len(runs) // 2]
            series = run.get("series", {})
            rates = series.get("handshakes_per_s") or series.get("deliveries_per_s") or []
            if kind(who) != "ringroom" or len(rates) < 2 or max(rates) <= 0:
                continue
            points = "L".join(f"{index * 1000 / (len(rates) - 1):.1f} {32 - 30 * rate / max(rates):.1f}"
                              for index, rate in enumerate(rates))
            label = f"{name}, {who}: from {number(min(rates))} to {number(max(rates))} a second"
            out.append(f'<div class="row"><div class="name">{text(name)} <small>{text(who.partition(" ")[2])}</small>'
                       f'</div><svg class="spark curve ringroom" viewBox="0 0 1000 34" preserveAspectRatio="none" '
                       f'role="img" aria-label="{text(label)}"><path class="area" d="M0 34L{points}L1000 34Z"/>'
                       f'<path class="line" vector-effect="non-scaling-stroke" d="M{points}"/></svg>'
                       f'<div class="value"><b>{number(rate_of(run))}</b> /s [{number(min(rates))}–'
                       f"{number(max(rates))}]</div></div>")
    return "".join(out)


def rate_of(run):
    return run["measures"].get("handshakes-per-s", run["measures"].get("deliveries-per-s", 0))


def verdict_class(verdict):
    return "good" if verdict.startswith("holds") else "bad" if verdict.startswith("FAILS") else "open"


def target_row(target, scenario, figure, verdict):
    first, _, more = verdict.partition(", ")
    shown = '<div class="empty"></div><div class="value empty">–</div>'
    if figure:
        relative = tuple(part / target.at_most for part in figure)
        shown = bar("ringroom", relative, TARGET_SCALE, 1) + value(figure)
    return (f'<div class="row target"><div class="id">{text(target.id)}</div>'
            f"<div>{text(target.asks)}<small>{text(scenario)}: {text(target.measure)} ≤ {target.at_most:g}"
            f'</small></div>{shown}<div class="verdict {verdict_class(verdict)}">{text(first)}'
            f"<small>{text(more)}</small></div></div>")


def facts(results, target_rows):
    first = next(iter(next(iter(results.values()))["runs"].values()))[0]
    counted = {name: sum(verdict_class(row[3]) == name for row in target_rows) for name in ("good", "bad", "open")}
    listed = [("machine", f"{first['machine']['cpu']}, {first['machine']['cpus']} CPUs"),
              ("kernel", first["kernel"]),
              ("commit", ", ".join(dict.fromkeys(result["commit"] for result in results.values()))),
              ("measured", " to ".join(sorted({results[name].get("at", "")[:16].replace("T", " ")
                                               for name in results})[::max(len(results) - 1, 1)]) or "-"),
              ("priority", "realtime" if all(result.get("realtime") for result in results.values())
               else "ordinary" if not any(result.get("realtime") for result in results.values()) else "mixed")]
    shown = "".join(f'<li><span class="of">{name}</span><b>{text(fact)}</b></li>' for name, fact in listed)
    return (f'<ul class="facts">{shown}<li><span class="of">targets</span><b>'
            f'<span class="good">{counted["good"]} hold</span>, '
            f'<span class="bad">{counted["bad"]} fail</span>, {counted["open"]} open</b></li></ul>')


def commands(results):
    out = []
    for name, result in results.items():
        out.append(f"<details><summary>{text(name)} <small>{text(result['commit'])}</small></summary>"
                   f"<p><code>{text(result['command'])}</code></p>")
        for who, runs in result["runs"].items():
            held = "" if all(run["held"] for run in runs) else ' <b class="bad">a claim did not hold</b>'
            out.append(f"<p><b>{text(who)}</b>, {len(runs)} x {runs[0]['window_s']:.1f} s; bottleneck: "
                       f"{text('; '.join(sorted({run['bottleneck'] for run in runs})))}{held}<br>"
                       f"<code>{text(runs[0]['server_command'])}<br>{text(runs[0]['command'])}</code></p>")
        out.append("</details>")
    return "".join(out)


def page(results, target_rows):
    def of_floor(result, who):
        floor = targets.at(result, "floor", who.partition(" ")[2])
        runs = result["runs"]
        return targets.ratio(runs[who], runs[floor]) if floor and kind(who) != "floor" else None

    def of_base(result, who):
        base = targets.at(result, who.split()[0], result["variants"][0])
        runs = result["runs"]
        return targets.ratio(runs[who], runs[base]) if base and base != who else None

    def measure(name):
        return of_all(results, lambda result, who: targets.measured(result["runs"][who], name))
    disturbed = [name for name, result in results.items()
                 if any(targets.disturbed(runs) > targets.DISTURBED_PERCENT for runs in result["runs"].values())]
    note = (f"<p>Disturbed, other work had the server's core for more than {targets.DISTURBED_PERCENT} % of a "
            f"round: {text(', '.join(disturbed))}. There, believe no latency.</p>" if disturbed else "")
    curves = "".join(f"<h3>{text(name)}</h3>{curve(results[name])}" for name in OPEN_LOOPS if name in results)
    if curves:
        curves = ("<h2>Latency by percentile at a fixed rate, ms</h2><p>The round with the middle p99. From when a "
                  "message was due. Dashed: a further variant or server of the same kind.</p>" + curves)
    variants = of_all(results, of_base)
    rates = sparks(results)
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
            f'content="width=device-width, initial-scale=1"><title>ringroom benchmarks</title>'
            f"<style>{STYLE}</style><h1>ringroom benchmarks</h1>{facts(results, target_rows)}"
            f"<p>Bars are medians; the line through the end of a bar is the range over the rounds. Ratios are taken "
            f"within a round. What the numbers mean and do not say: bench/README.md.</p>{note}"
            f"<h2>Targets</h2><p>The red line is the target; a bar that ends before it holds.</p>"
            f"{''.join(target_row(*row) for row in target_rows)}"
            f"<h2>CPU against the floor</h2><p>1 is bare TCP with the same bytes and no protocol.</p>"
            f"{key(results)}{bars(results, of_all(results, of_floor), '', 1)}"
            + (f"<h2>CPU of a variant against the first of its scenario</h2>{bars(results, variants, '', 1)}"
               if variants else "") +
            f"<h2>Server CPU per message, delivery or handshake</h2>{key(results)}"
            f"{bars(results, measure('server-cpu-us'), 'µs')}{curves}"
            + (f"<h2>Rate over time</h2><p>Deliveries or handshakes a second, from 0, in the round with the middle "
               f"rate.</p>{rates}" if rates else "") +
            f"<h2>Latency p50</h2>{bars(results, measure('p50-ms'), 'ms')}"
            f"<h2>Latency p99</h2>{bars(results, measure('p99-ms'), 'ms')}"
            f"<h2>Commands</h2>{commands(results)}</html>\n")
