#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Breaks core in listed ways, one at a time, and demands that a test notices.

    run.py [--jobs N] [--only WORD] [--list]

The ways are in *.mutants beside this file (see table.py for the format). For each, a
copy of the library is changed under build/mutate/, the files concerned are compiled,
and test programs are linked with them and run until one fails: those that the entry
names first, then all others of the library. A mutant that no program notices fails
the check, and so does one whose original text is no longer in the source.
"""

import argparse
import glob
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from build import DIRECTORY, Build, BuildError  # noqa: E402
from programs import battery, run_until_failure  # noqa: E402
from runner import lock  # noqa: E402
from table import TableError, parse  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def load(only):
    mutants = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.mutants"))):
        with open(path, encoding="utf-8") as f:
            mutants += parse(os.path.basename(path), f.read())
    return [m for m in mutants if not only or only in m.what or only in m.file]


def judge(build, mutant, slot):
    """Returns (caught, words)."""
    try:
        objects = build.mutate(mutant, slot)
    except TableError as error:
        return False, str(error)
    except BuildError as error:
        # The compiler is the first of the tests, but not what is being tested.
        return False, "does not compile: " + str(error).splitlines()[0]
    for program in battery(mutant):
        try:
            path = build.link(program, objects, mutant, slot)
        except BuildError as error:
            return False, f"{program.name} does not link: {str(error).splitlines()[-1]}"
        reason = run_until_failure(path, program)
        if reason:
            return True, f"{program.name}: {reason}"
    return False, "no test fails"


def check_baseline(build, mutants):
    """The programs must pass on what is not broken, or they would catch everything."""
    seen = []
    for program in [p for m in mutants for p in battery(m)]:
        if program in seen:
            continue
        seen.append(program)
        reason = run_until_failure(build.link(program, [], None, 0), program)
        if reason:
            return f"{program.name} fails without any mutation: {reason}"
    return None


def run_all(build, mutants, jobs):
    passed = failed = 0
    slots = list(range(jobs))

    def one(mutant):
        slot = slots.pop()
        start = time.monotonic()
        try:
            caught, words = judge(build, mutant, slot)
        finally:
            slots.append(slot)
        return mutant, caught, words, time.monotonic() - start

    with ThreadPoolExecutor(jobs) as pool:
        for mutant, caught, words, seconds in pool.map(one, mutants):
            passed += caught
            failed += not caught
            print(f"{'ok' if caught else 'MISSED':7}{seconds:5.1f} s  "
                  f"{os.path.basename(mutant.file):19} {mutant.what}")
            print(f"                {words}" if caught else
                  f"FAILED: {mutant.file}: {mutant.what}: {words}", flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", help="mutants whose file or description contains this")
    parser.add_argument("--list", action="store_true", help="say what there is, do nothing")
    args = parser.parse_args()
    try:
        mutants = load(args.only)
        if args.list:
            for mutant in mutants:
                print(f"{mutant.file}: {mutant.what}")
            return 0
        held = lock.hold(DIRECTORY)  # until the process ends
        assert held
        build = Build(args.jobs)
        wrong = check_baseline(build, mutants)
    except (TableError, BuildError) as error:
        wrong = str(error)
    if wrong:
        print(f"FAILED: {wrong}\n0 passed, 1 failed")
        return 1
    passed, failed = run_all(build, mutants, args.jobs)
    print(f"{len(mutants)} mutants: {passed} caught, {failed} missed")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
