#!/usr/bin/env python3
"""Counts what `meson test` ran, case by case, and says it in one last line.

A GoogleTest case, a line of a TAP test, and a test that only has an exit code each count as one. A
test that ended without telling its cases (a crash, a timeout) counts as one failure. Skipped ones are
named and not counted.
"""
import argparse
import json
import pathlib
import sys
import xml.etree.ElementTree as xml


def cases_of(suite):
    """name -> "passed", "failed" or "skipped" of one <testsuite>."""
    for case in suite.iter("testcase"):
        kinds = {child.tag for child in case}
        name = f"{suite.get('name')}: {case.get('name')}"
        if kinds & {"failure", "error"}:
            yield name, "failed"
        elif "skipped" in kinds or case.get("status") == "notrun":
            yield name, "skipped"
        else:
            yield name, "passed"


def count(build):
    """How many cases of a build directory's last run passed and failed; names what did not pass."""
    logs = pathlib.Path(build) / "meson-logs"
    if not (logs / "testlog.junit.xml").exists():
        print(f"{build}: the tests did not run")
        return 0, 1
    root = xml.parse(logs / "testlog.junit.xml").getroot()
    cases = [case for suite in root.iter("testsuite") for case in cases_of(suite)]
    for name, result in cases:
        if result != "passed":
            print(f"{build}: {name}: {result}")
    failures = [name for name, result in cases if result == "failed"]

    silent = 0  # tests that broke without naming a failed case
    for line in (logs / "testlog.json").read_text().splitlines():
        test = json.loads(line)
        if test["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
            continue
        name = test["name"].split(" / ")[-1]
        if not any(name in failure for failure in failures):
            print(f"{build}: {name}: {test['result']}")
            silent += 1
    return sum(result == "passed" for _, result in cases), len(failures) + silent


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--unbuilt", type=int, default=0)
    arguments.add_argument("builds", nargs="*")
    arguments = arguments.parse_args()

    passed, failed = 0, arguments.unbuilt
    for build in arguments.builds:
        more_passed, more_failed = count(build)
        passed += more_passed
        failed += more_failed
    if passed == 0 and failed == 0:
        failed = 1  # nothing ran: that is not a success
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
