#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the tests of this directory and programs of tests, and ends with the line that
`make test` adds up.

    tests/docs/run.py [PROGRAM...] [-- PYTEST-ARGUMENT...]
"""

import os
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent


class Count:
    """How many tests passed and failed; a file that cannot be read counts as a failure."""

    def __init__(self):
        self.passed = self.failed = 0

    def pytest_runtest_logreport(self, report):
        self.passed += report.when == "call" and report.passed
        self.failed += report.failed

    def pytest_collectreport(self, report):
        self.failed += report.failed


def run_program(path, count):
    """A program of cmocka's; what it says is shown if it fails, or ran nothing."""
    done = subprocess.run([path], cwd=HERE.parents[1], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=300)
    passed = re.search(r"PASSED  [\]] (\d+) test", done.stdout)
    failed = len(re.findall(r"^\[  FAILED  [\]] \w+$", done.stdout, re.M))
    count.passed += int(passed[1]) if passed else 0
    if done.returncode or not passed:
        count.failed += max(failed, 1)
        print(done.stdout)
    print(f"{pathlib.Path(path).name}: {passed[1] if passed else 0} passed", flush=True)


def main():
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    count = Count()
    for path in words[:end]:
        run_program(path, count)
    status = pytest.main(["-q", "-p", "no:cacheprovider", "--tb=short", "--rootdir", str(HERE),
                          str(HERE), *words[end + 1:]], plugins=[count])
    if status and not count.failed:
        print("no test ran", file=sys.stderr)
        return 1
    print(f"{count.passed} passed, {count.failed} failed")
    return int(status != 0 or count.failed != 0)


if __name__ == "__main__":
    sys.exit(main())
