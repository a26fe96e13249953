#!/usr/bin/env python3
"""Runs the unittest cases of a file and reports each in TAP, so that the build counts single cases.

    RINGROOM=build/test/ringroom tests/system/tap.py tests/system/rooms_test.py [CASE]
"""

import importlib.util
import pathlib
import sys
import unittest


class Report(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0

    def tell(self, verdict, test, note="", text=""):
        self.count += 1
        print(f"{verdict} {self.count} - {'.'.join(test.id().split('.')[1:])}{note}")
        for line in text.splitlines():
            print(f"# {line}")
        sys.stdout.flush()

    def addSuccess(self, test):
        self.tell("ok", test)

    def addSkip(self, test, reason):
        self.tell("ok", test, f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell("not ok", test, text=self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.tell("not ok", test, text=self.errors[-1][1])

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.tell("not ok", subtest, text=(self.failures + self.errors)[-1][1])


def cases_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from cases_of(item)
        else:
            yield item


def main():
    path = pathlib.Path(sys.argv[1])
    sys.path[0:0] = [str(path.parent), str(pathlib.Path(__file__).parent.parent / "support")]
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    if len(sys.argv) > 2:
        suite = unittest.TestSuite(case for case in cases_of(suite) if sys.argv[2] in case.id())
    report = Report()
    suite.run(report)
    print(f"1..{report.count}")
    sys.exit(0 if report.wasSuccessful() and report.count else 1)


if __name__ == "__main__":
    main()
