"""What deploy/ says to Prometheus and Grafana is true of the program: every metric, label and value that an
expression names is in a scrape of the real one, every alert points to a section of docs/operations.md that
exists, and promtool, where there is one, takes the rules and runs their tests.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import yaml
from daemon import Daemon

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = SOURCE / "deploy"
# What the language has besides names of series: of PromQL only what our expressions use.
FUNCTIONS = {"sum", "min", "max", "topk", "rate", "increase", "deriv", "changes", "histogram_quantile"}
WORDS = {"by", "and", "or", "unless", "offset"}
# Series and labels that Prometheus adds.
ADDED_SERIES, ADDED_LABELS = {"up"}, {"instance", "job"}
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SERIES = re.compile(r'^([a-z_]+)(?:\{(.*)\})? \S+$')
COLUMNS = 24


def dashboard():
    return json.loads((DEPLOY / "grafana/ringroom.json").read_text())


def alerts():
    text = (DEPLOY / "prometheus/alerts.yml").read_text()
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def panels():
    return dashboard()["panels"]


def expressions():
    """(where, expression): those of the dashboard have variables in them."""
    for panel in panels():
        for target in panel.get("targets", []):
            yield f"panel {panel['title']!r}", target["expr"]
    board = dashboard()
    for annotation in board["annotations"]["list"]:
        yield f"annotation {annotation['name']!r}", annotation["expr"]
    for rule in alerts():
        yield f"alert {rule['alert']}", rule["expr"]


def series_in(expression):
    """What it selects: (name, {label: value or None}), and the labels that it sums by."""
    found, by = [], set()
    text = re.sub(r"\[[^\]]*\]", "", expression)  # ranges of time
    for labels in re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", text):
        by |= {label.strip() for label in labels.split(",")}
    text = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", text)
    text = re.sub(r"\boffset\s+\w+", " ", text)
    for match in re.finditer(rf"({NAME})(\{{[^}}]*\}})?(\s*\()?", text):
        name, selector, call = match.groups()
        if call and name not in WORDS:
            assert name in FUNCTIONS, f"{name}() in {expression!r} is no function that this test knows"
        elif name not in WORDS:
            labels = re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', selector or "")
            found.append((name, {label: (kind, value) for label, kind, value in labels}))
    return found, by


def sections(document):
    """Anchors of its headings, as they are made where it is read."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def promtool():
    here = SOURCE / "build/tools/promtool"
    return os.environ.get("PROMTOOL") or shutil.which("promtool") or (str(here) if here.exists() else None)


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Daemon("--cores", "2") as daemon:
            text = daemon.request("GET", "/metrics")[1]
        cls.values = {}  # of each series' name: of each label, those it has
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            name, labels = SERIES.match(line).groups()
            of = cls.values.setdefault(name, {})
            for label, value in re.findall(r'(\w+)="([^"]*)"', labels or ""):
                of.setdefault(label, set()).add(value)

    def test_every_name_in_an_expression_is_one_of_ours(self):
        used = set()
        for where, expression in expressions():
            selected, by = series_in(expression)
            self.assertTrue(selected, f"{where}: {expression}")
            labels_there = set(ADDED_LABELS)
            for name, labels in selected:
                if name in ADDED_SERIES:
                    continue
                used.add(name)
                self.assertTrue(name in self.values, f"{where}: there is no metric {name}")
                labels_there |= set(self.values[name])
                for label, (kind, value) in labels.items():
                    if label in ADDED_LABELS:
                        continue
                    self.assertIn(label, self.values[name], f"{where}: {name} has no such label")
                    for each in value.split("|") if kind in ("=~", "!~") else [value]:
                        self.assertIn(each, self.values[name][label], f"{where}: {name}, {label}")
            self.assertLessEqual(by, labels_there, f"{where}: summed by a label that none of them has")
        self.assertGreater(len(used), 80)

    def test_legends_and_annotations_name_labels_that_the_result_has(self):
        for panel in panels():
            for target in panel.get("targets", []):
                selected, by = series_in(target["expr"])
                is_summed = re.search(r"\b(sum|min|max|histogram_quantile)\b", target["expr"])
                there = by if is_summed else ADDED_LABELS.union(*[self.values[name] for name, _ in selected])
                used = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", target["legendFormat"]))
                self.assertLessEqual(used, there, panel["title"])
        for rule in alerts():
            selected, by = series_in(rule["expr"])
            used = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
            self.assertLessEqual(used, by | ADDED_LABELS, rule["alert"])


class Board(unittest.TestCase):
    def test_panels_stand_beside_each_other(self):
        taken = {}
        for panel in panels():
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], COLUMNS, panel["title"])
            for x in range(at["x"], at["x"] + at["w"]):
                for y in range(at["y"], at["y"] + at["h"]):
                    other = taken.setdefault((x, y), panel["title"])
                    self.assertEqual(other, panel["title"], f"both at {x}, {y}")

    def test_every_panel_says_what_it_shows_and_in_what_unit(self):
        shown = [panel for panel in panels() if panel["type"] != "row"]
        self.assertEqual(len({panel["id"] for panel in panels()}), len(panels()))
        self.assertEqual(len({panel["title"] for panel in shown}), len(shown))
        for panel in shown:
            self.assertTrue(panel["description"], panel["title"])
            defaults = panel["fieldConfig"]["defaults"]
            self.assertTrue(defaults["unit"] and defaults["thresholds"]["steps"], panel["title"])
            self.assertEqual(panel["datasource"]["uid"], "${datasource}", panel["title"])
            for target in panel["targets"]:
                self.assertTrue(re.search(r'instance=~"\$instance"', target["expr"]), panel["title"])
            refs = [target["refId"] for target in panel["targets"]]
            self.assertEqual(len(set(refs)), len(refs), panel["title"])

    def test_rows_are_in_order_and_each_has_panels(self):
        order = [(panel["gridPos"]["y"], panel["gridPos"]["x"]) for panel in panels()]
        self.assertEqual(order, sorted(order))
        kinds = [panel["type"] for panel in panels()]
        self.assertEqual(kinds[0], "row")
        self.assertNotIn(("row", "row"), list(zip(kinds, kinds[1:])))
        self.assertEqual([each["name"] for each in dashboard()["templating"]["list"]], ["datasource", "instance"])


class Alerts(unittest.TestCase):
    def test_each_says_what_is_wrong_and_where_to_read_on(self):
        there = sections(SOURCE / "docs/operations.md")
        names = [rule["alert"] for rule in alerts()]
        self.assertEqual(len(set(names)), len(names))
        for rule in alerts():
            self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook"}, rule["alert"])
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
            document, _, section = rule["annotations"]["runbook"].partition("#")
            self.assertEqual(document, "docs/operations.md", rule["alert"])
            self.assertIn(section, there, rule["alert"])

    def test_sections_that_the_dashboard_points_to_exist(self):
        there = sections(SOURCE / "docs/operations.md")
        for section in re.findall(r"operations\.md#([\w-]+)", json.dumps(dashboard())):
            self.assertIn(section, there)

    def test_each_has_a_case_that_fires_and_one_that_does_not(self):
        tests = yaml.safe_load((DEPLOY / "prometheus/alerts_test.yml").read_text())["tests"]
        fires, is_silent = set(), set()
        for case in tests:
            for each in case["alert_rule_test"]:
                (fires if each.get("exp_alerts") else is_silent).add(each["alertname"])
        names = {rule["alert"] for rule in alerts()}
        self.assertEqual((fires, is_silent), (names, names))

    @unittest.skipUnless(promtool(), "no promtool here: tools/dev gets it")
    def test_promtool_takes_the_rules_and_their_tests_pass(self):
        for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
            run = subprocess.run([promtool(), *arguments], cwd=DEPLOY / "prometheus", capture_output=True,
                                 text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
