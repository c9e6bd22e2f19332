#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs every group of tests that the tree has, one after the other, and adds up."""

import re
import subprocess
import sys
import time

from redoubt_test.paths import LOGS, TOP, relative
from redoubt_test.report import Table, closing_line

# In the order of what rests on what. Not here, for they take longer than all of these:
# test-packages, the whole of kvm-selftests, test-linux-full, matrix, fuzz, soak.
GROUPS = ("test-core", "test-hyp", "test-tools", "test-harness", "test-launch", "attack",
          "test-command", "test-vm", "kvm-selftests-short", "test-linux", "test-protected")
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def exists(group):
    """Whether make has the target and, for a directory of the harness, tests are in it."""
    here = TOP / "tests" / "system"
    dry = subprocess.run(["make", "-n", group], cwd=TOP, capture_output=True, text=True)
    tests = here / group.removeprefix("test-").replace("-", "_")
    in_harness = f"run_group.py {group}" in dry.stdout
    return dry.returncode == 0 and (not in_harness or any(tests.glob("test_*.py")))


def run(group):
    """(passed, failed, skipped, seconds) of a group; its output is shown as it comes."""
    LOGS.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    found = None
    with open(LOGS / f"{group}.out", "w", encoding="utf-8") as log:
        process = subprocess.Popen(["make", group], cwd=TOP, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace")
        for line in process.stdout:
            print(line, end="", flush=True)
            log.write(line)
            found = CLOSING.match(line.strip()) or found
        status = process.wait()
    passed, failed, skipped = (int(n or 0) for n in found.groups()) if found else (0, 0, 0)
    if status and not failed:
        print(f"{group}: make ended with status {status}; see {relative(LOGS)}/{group}.out")
        failed = 1
    return passed, failed, skipped, time.monotonic() - start


def main():
    groups = sys.argv[1:] or [g for g in GROUPS if exists(g)]
    table = Table("group", "passed", "failed", "skipped", "seconds")
    total = [0, 0, 0]
    for group in groups:
        print(f"\n##### {group}", flush=True)
        *counts, seconds = run(group)
        total = [a + b for a, b in zip(total, counts)]
        table.add(group, *counts, f"{seconds:.0f}")
    print(f"\n{table}\n\nwritten to {table.write('test')}")
    print(closing_line(*total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
