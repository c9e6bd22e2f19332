# SPDX-License-Identifier: GPL-2.0-only
"""The test programs that mutants are run against, and how to tell that one fails."""

import glob
import os
import re
import signal
import subprocess
import threading
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))

SECONDS_LIMIT = 30

# Judge programs and what makes them quick.
JUDGES = {
    "run_pgtable": ["--seed", "7", "--ops", "60000"],
    "run_pgtable_oom": [],
    "run_ownership_random": ["--seed", "7", "--ops", "6000"],
    "run_ownership_exhaustive": ["--quick"],
    "run_gmem": ["--quick"],
    "run_gmem_threads": ["--quick"],
}

LIBRARIES = {
    "core/pgtable": ("test_pgtable_*.c", ["run_pgtable", "run_ownership_random"]),
    "core/ownership": ("test_ownership_*.c",
                       ["run_ownership_exhaustive", "run_ownership_random"]),
    "core/gmem": ("test_gmem_*.c", ["run_gmem"]),
}

# A judge program says so before it shrinks what it found.
FAILURE = re.compile(r"^(FAILED|# operation \d+ of sequence|\[  FAILED  \]|\[  ERROR)")


@dataclass(frozen=True)
class Program:
    name: str
    source: str
    judge: bool
    arguments: tuple


def _program(name):
    judge = name.startswith("run_")
    source = f"tests/core/{'judge' if judge else 'unit'}/{name}.c"
    return Program(name, source, judge, tuple(JUDGES.get(name, [])))


def battery(mutant):
    """The programs for this mutant, the likeliest first."""
    units, judges = LIBRARIES[os.path.dirname(mutant.file)]
    found = glob.glob(os.path.join(ROOT, "tests/core/unit", units))
    names = mutant.by + sorted(os.path.basename(p)[:-2] for p in found) + judges
    return [_program(name) for name in dict.fromkeys(names)]


def all_sources():
    """Every program that some mutant may be run against."""
    names = set()
    for units, judges in LIBRARIES.values():
        names.update(judges)
        names.update(os.path.basename(p)[:-2] for p in
                     glob.glob(os.path.join(ROOT, "tests/core/unit", units)))
    names.update(JUDGES)
    return [p for p in map(_program, sorted(names)) if os.path.exists(os.path.join(ROOT, p.source))]


def run_until_failure(path, program):
    """Runs the program; the first words of its failure, or None if it passes."""
    with subprocess.Popen([path, *program.arguments], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as child:
        late = threading.Event()

        def end():
            late.set()
            child.kill()

        timer = threading.Timer(SECONDS_LIMIT, end)
        timer.start()
        words = None
        last = ""
        for line in child.stdout:
            last = line.strip() or last
            if FAILURE.match(line):
                words = line.strip()
                child.kill()
                break
        timer.cancel()
        code = child.wait()
    if words:
        return words[:110]
    if late.is_set():
        return f"hangs for {SECONDS_LIMIT} s"
    if code < 0:
        return f"{signal.Signals(-code).name}: {last}"[:110]
    return f"status {code}: {last}"[:110] if code else None
