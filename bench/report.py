"""The page of bench/run --html: what ran, as tables and inline SVG. No script, no request outside."""
import html
import statistics

COLOURS = {"ringroom": "#0b6e99", "floor": "#8a8f98", "peer": "#c2410c"}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; margin: 2rem auto;
       max-width: 64rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p { color: #57606a; margin: .3rem 0 1rem; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #d8dee4; font-size: 13px; }
th { color: #57606a; font-weight: 600; } .row { white-space: nowrap; } .holds { color: #1a7f37; } .FAILS { color: #cf222e; }
code { font-size: 12px; overflow-wrap: anywhere; } svg text { font: 12px system-ui, sans-serif;
       fill: #1f2328; } svg .quiet { fill: #57606a; }
"""
LABEL, WIDTH, ROW = 170, 900, 22  # of a chart, in pixels


def colour(name):
    return COLOURS.get(name.split()[0], COLOURS["peer"])


def measured(runs, measure):
    values = [run["measures"][measure] for run in runs if measure in run["measures"]]
    return (statistics.median(values), min(values), max(values)) if values else None


def ratios(result):
    own, floor = result["runs"]["ringroom"], result["runs"].get("floor", [])
    values = [a["measures"]["server-cpu-us"] / b["measures"]["server-cpu-us"] for a, b in zip(own, floor)
              if "server-cpu-us" in a["measures"] and "server-cpu-us" in b["measures"]]
    return (statistics.median(values), min(values), max(values)) if values else None


def chart(rows, unit, mark=None):
    """Bars with their spread. A row: scenario, who, (median, min, max). `mark` is a line across."""
    if not rows:
        return "<p>Nothing of this kind was measured.</p>"
    top = max(max(value[2] for _, _, value in rows), mark or 0) * 1.02
    height = ROW * len(rows) + 24
    scale = (WIDTH - LABEL - 260) / top
    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img">']
    before = None
    for index, (scenario, who, (median, least, most)) in enumerate(rows):
        y = index * ROW + 4
        if scenario != before:
            out.append(f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end">{html.escape(scenario)}</text>')
        before = scenario
        middle = y + 8
        out.append(
            f'<rect x="{LABEL}" y="{y}" width="{max(median * scale, 1):.1f}" height="16" rx="2" '
            f'fill="{colour(who)}"/>'
            f'<path d="M{LABEL + least * scale:.1f} {middle}H{LABEL + most * scale:.1f}" stroke="#1f2328"/>'
            f'<text class="quiet" x="{LABEL + most * scale + 6:.1f}" y="{y + 12}">'
            f'{median:.3g} {unit} [{least:.3g}-{most:.3g}] {html.escape(who)}</text>')
    if mark is not None:
        x = LABEL + mark * scale
        out.append(f'<path d="M{x:.1f} 0V{height - 20}" stroke="#cf222e" stroke-dasharray="3 3"/>'
                   f'<text class="quiet" x="{x:.1f}" y="{height - 5}" text-anchor="middle">{mark:g}</text>')
    return "".join(out) + "</svg>"


def latency_rows(results, measure):
    return [(name, who, value) for name, result in results.items()
            for who, runs in result["runs"].items() if (value := measured(runs, measure))]


def by_size(rows):
    """Charts of like with like: a bar of 100 us would hide all bars of 0.1 us beside it."""
    limits = [(0, 1), (1, 20), (20, float("inf"))]
    size = {}
    for name, _, value in rows:
        size[name] = max(size.get(name, 0), value[0])
    return [part for low, high in limits if (part := [row for row in rows if low <= size[row[0]] < high])]


def page(results, target_rows):
    first = next(iter(results.values()))["runs"]["ringroom"][0]
    cpu = [(name, who, value) for name, result in results.items() for who, runs in result["runs"].items()
           if (value := measured(runs, "server-cpu-us"))]
    floor = [(name, "ringroom", value) for name, result in results.items() if (value := ratios(result))]
    head, *rest = target_rows
    table = "<tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>"
    for row in rest:
        verdict = row[-1].split(",")[0]
        cells = "".join(f'<td class="row">{html.escape(cell)}</td>' for cell in row[:-1])
        table += f'<tr>{cells}<td class="{html.escape(verdict)}">{html.escape(row[-1])}</td></tr>'
    disturbed = [name for name, result in results.items()
                 if any(run["measures"].get("server-waited-percent", 0) > 5
                        for runs in result["runs"].values() for run in runs)]
    runs = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(who)}</td><td>{html.escape(result['commit'])}</td>"
        f"<td class=\"row\">{len(runs)} x {runs[0]['window_s']:.0f} s</td>"
        f"<td><code>{html.escape(runs[0]['server_command'])}<br>{html.escape(runs[0]['command'])}</code></td></tr>"
        for name, result in results.items() for who, runs in result["runs"].items())
    note = (f"<p>Disturbed, other work had the server's core: {html.escape(', '.join(disturbed))}.</p>"
            if disturbed else "")
    machine = first["machine"]
    commits = ", ".join(dict.fromkeys(result["commit"] for result in results.values()))
    latency = "".join(f"<h2>Latency {name}, milliseconds</h2>" +
                      "".join(chart(part, "ms") for part in by_size(latency_rows(results, measure)))
                      for name, measure in (("p50", "p50-ms"), ("p99", "p99-ms")))
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>ringroom benchmarks</title>'
            f"<style>{STYLE}</style><h1>ringroom benchmarks</h1>"
            f"<p>{html.escape(machine['cpu'])}, {machine['cpus']} CPUs, {html.escape(first['kernel'])}; "
            f"commit {html.escape(commits)}. Bars are medians, the line through their end is the "
            f"range over the rounds. What the numbers mean and do not say: bench/README.md.</p>{note}"
            f"<h2>Targets</h2><table>{table}</table>"
            f"<h2>CPU of the floor: 1 is bare TCP without a protocol</h2>{chart(floor, '', 1)}"
            f"<h2>Server CPU per message or delivery, microseconds</h2>"
            f"{''.join(chart(part, 'us') for part in by_size(cpu))}{latency}"
            f"<h2>Runs</h2><table><tr><th>scenario</th><th></th><th>commit</th><th>rounds</th><th>server and load</th></tr>"
            f"{runs}</table></html>")
