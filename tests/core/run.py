#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds and runs every test of core, and prints a table.

    run.py [--jobs N] test [--only WORD] [--variant NAME]... [--seed N]
    run.py [--jobs N] fuzz [--seconds N] [--only WORD]

What is run is found by name, so that a new test needs no edit here:

    tests/core/unit/test_*.c     a cmocka program, linked with all of core
    tests/core/judge/run_*.c     a program, linked with core and the other judge files
    tests/core/fuzz/fuzz_*.c     a libFuzzer target, linked likewise; corpus/<name>/
    tests/core/mutate/run.py     the mutation check

A file with "thread" in its name also runs under ThreadSanitizer. Objects go to
build/core/<variant>/ and are rebuilt when a file they include, or the command,
changes. The report goes to build/reports/.
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True

from runner import coverage, lock, plan, report, variants  # noqa: E402


def run_all(checks, out, jobs):
    """A few at a time, started in order."""
    pool = report.Pool(out, jobs)
    for check in checks:
        pool.submit(check)
    pool.finish()


def command_test(args):
    out = report.Report("test-core", progress_seconds=4)
    wanted = [v for v in variants.ALL if not args.variant or v.name in args.variant]
    checks = plan.test_checks(wanted, args)
    coverage.clear()
    run_all(checks, out, args.jobs)
    if not args.only and any(v.name == "coverage" for v in wanted):
        coverage.check(out)
    return out.close()


def command_fuzz(args):
    out = report.Report("fuzz", progress_seconds=4)
    run_all(plan.fuzz_checks(args), out, args.jobs)
    return out.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="checks at a time (2)")
    sub = parser.add_subparsers(dest="command", required=True)
    test = sub.add_parser("test")
    test.add_argument("--only", help="checks whose name contains this")
    test.add_argument("--variant", action="append", help="these builds only")
    test.add_argument("--seed", type=int, default=1,
                      help="of the random runs")
    fuzz = sub.add_parser("fuzz")
    fuzz.add_argument("--seconds", type=int, default=60)
    fuzz.add_argument("--only")
    args = parser.parse_args()
    held = lock.hold(variants.BUILD)  # until the process ends
    assert held
    return command_test(args) if args.command == "test" else command_fuzz(args)


if __name__ == "__main__":
    sys.exit(main())
