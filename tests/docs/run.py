#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the tests of this directory and ends with the line that `make test` adds up."""

import os
import pathlib
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


def main():
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    count = Count()
    status = pytest.main(["-q", "-p", "no:cacheprovider", "--tb=short", "--rootdir", str(HERE),
                          str(HERE), *sys.argv[1:]], plugins=[count])
    if status and not count.failed:
        print("no test ran", file=sys.stderr)
        return 1
    print(f"{count.passed} passed, {count.failed} failed")
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main())
