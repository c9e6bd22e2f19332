#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs one group of system tests, prints its table and closing line.

    tests/system/run_group.py test-launch [pytest arguments, such as -k reboot]

"test-launch" is the directory launch/, "attack" is attack/; "test-launch-64k" is both,
on the 64K kernel; "test-linux-mainline" is linux/ on mainline KVM (nVHE), as far as it can
be. The same table is written to build/reports/GROUP.tsv.

Most machines keep one CPU busy: the groups that compare no clocks with real time run as many
at once as there are CPUs (-n 1 for one after the other). Tests that share a machine stay
together (conftest.py).
"""

import collections
import os
import pathlib
import re
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from redoubt_test import paths  # noqa: E402
from redoubt_test.report import Table, closing_line  # noqa: E402


SIDE_BY_SIDE = ("test-launch", "test-vm", "test-protected")

# Groups that are others' directories on another kernel: the kernel, then the directories.
ON_KERNEL = {"test-launch-64k": ("64k", "launch", "attack")}
# And on another hypervisor than Redoubt: see HYPERVISOR in redoubt_test/machine.py.
ON_HYPERVISOR = {"test-linux-mainline": ("nvhe", "linux")}


class Reporter:
    """Collects what pytest says about each test and shows progress."""

    def __init__(self):
        self.table = Table("test", "result", "seconds")
        self.count = {"passed": 0, "failed": 0, "skipped": 0}
        self.failures = []
        self.seconds = collections.Counter()  # of a test, with the making of what it needs

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config):
        config.pluginmanager.unregister(name="terminalreporter")  # this class is

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration
        if report.when == "call" or report.failed or report.skipped:
            self._result(report)

    def _result(self, report):
        name = re.sub(r".*/test_|[.]py|@.*", "", report.nodeid).replace("::test_", ": ")
        self.count[report.outcome] += 1
        if report.failed:
            self.failures.append((name, report.longreprtext))
        detail = report.outcome
        if report.skipped:
            detail += " (" + str(report.longrepr[-1]).replace("Skipped: ", "") + ")"
        seconds = self.seconds[report.nodeid]
        self.table.add(name, detail, f"{seconds:.1f}")
        print(f"  {report.outcome:<8} {seconds:6.1f} s  {name}", flush=True)

    def pytest_collectreport(self, report):
        if report.failed:
            self.count["failed"] += 1
            self.failures.append((report.nodeid, report.longreprtext))


def main():
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    group = sys.argv[1]
    directories = [HERE / group.removeprefix("test-").replace("-", "_")]
    if group in ON_KERNEL:
        paths.KERNEL, *names = ON_KERNEL[group]
        directories = [HERE / name for name in names]
    if group in ON_HYPERVISOR:
        paths.HYPERVISOR, *names = ON_HYPERVISOR[group]
        directories = [HERE / name for name in names]
    if not all(list(directory.glob("test_*.py")) for directory in directories):
        print(f"{group}: no such group of tests", file=sys.stderr)
        return 2
    print(f"{group}:")
    reporter = Reporter()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    how = ["-n", str(os.cpu_count()), "--dist", "loadgroup"] if group in SIDE_BY_SIDE else []
    pytest.main(["-q", "-p", "no:cacheprovider", "--tb=short", *how,
                 "--rootdir", str(HERE), *map(str, directories), *sys.argv[2:]], plugins=[reporter])
    for name, text in reporter.failures:
        print(f"\n=== {name} ===\n{text}")
    print(f"\n{reporter.table}\n")
    print(f"written to {reporter.table.write(group)}")
    if not reporter.table.rows:
        print(f"{group}: no test ran", file=sys.stderr)
        return 1
    print(closing_line(**reporter.count))
    return 1 if reporter.count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
