#!/usr/bin/env python3
"""Guards what a message costs in instructions, which are the same whatever else the machine does.

    instructions.py HOT_PATH             compare with instructions.json, which is beside this file
    instructions.py HOT_PATH --update    write it anew, after a change that is meant to cost or save

Runs each work of hot_path under callgrind with two lengths; the difference is free of start and end.
Exit code 0: within the tolerance; 1: a work costs more, or so much less that the baseline is stale;
77: cannot be measured here (no valgrind, or another compiler than the baseline's).
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

BASELINE = pathlib.Path(__file__).with_name("instructions.json")
TOLERANCE_PERCENT = 5
SKIPPED = 77
# Deliveries of the shorter run; the longer one has three times as many.
WORKS = {"echo": 4000, "echo-d16": 8000, "raw-fanout": 8000, "raw-fanout-burst": 32000,
         "json-fanout": 8000, "json-fanout-burst": 32000, "json-rooms": 16000,
         "json-rooms-limited": 16000}
# What a work may cost at most of another, measured in the same run.
COMPARED = {"json-rooms-limited": ("json-rooms", 1.05)}


def counted(program, work, deliveries):
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                          program, work, str(deliveries)], capture_output=True, text=True)
    collected = re.search(r"Collected : (\d+)", run.stderr)
    passed = re.search(r"deliveries (\d+)", run.stdout)
    if run.returncode != 0 or not collected or not passed:
        sys.exit(f"{work}: hot_path ended with code {run.returncode}\n{run.stdout}{run.stderr}")
    return int(collected[1]), int(passed[1])


def instructions_per_delivery(program, work):
    few, few_deliveries = counted(program, work, WORKS[work])
    many, many_deliveries = counted(program, work, 3 * WORKS[work])
    return round((many - few) / (many_deliveries - few_deliveries), 1)


def compiler_of(program):
    # What the compiler wrote into the program: another one makes other instructions.
    text = subprocess.run(["readelf", "-p", ".comment", program], capture_output=True, text=True)
    return next(iter(re.findall(r"\] +(GCC[^\n]*|.*clang[^\n]*)", text.stdout)), "unknown")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: valgrind is not installed")
        return SKIPPED
    compiler = compiler_of(options.program)
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if not options.update and baseline.get("compiler") != compiler:
        print(f"skipped: the baseline is of {baseline.get('compiler')}, this is {compiler}")
        return SKIPPED

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        now = dict(zip(WORKS, pool.map(
            lambda work: instructions_per_delivery(options.program, work), WORKS)))
    if options.update:
        BASELINE.write_text(json.dumps({"compiler": compiler, "per_delivery": now}, indent=1) + "\n")
        print(f"written to {BASELINE.name}: {now}")
        return 0

    wrong = []
    for work, value in now.items():
        before = baseline["per_delivery"].get(work)
        percent = (value / before - 1) * 100 if before else float("inf")
        print(f"{work:20} {value:8.1f} instructions per delivery, baseline {before}, {percent:+.1f} %")
        if abs(percent) > TOLERANCE_PERCENT:
            wrong.append(work)
    dear = False
    for work, (other, most) in COMPARED.items():
        ratio = now[work] / now[other]
        print(f"{work:20} {ratio:8.3f} times {other}, at most {most}")
        dear = dear or ratio > most
    if wrong:
        print(f"\n{', '.join(wrong)}: more than {TOLERANCE_PERCENT} % away from the baseline. If that is "
              f"meant, say in the commit what it buys, and run\n"
              f"  tests/guard/instructions.py {options.program} --update\n"
              f"To see where they go: valgrind --tool=callgrind {options.program} {wrong[0]} 20000")
    return 1 if wrong or dear else 0


if __name__ == "__main__":
    sys.exit(main())
