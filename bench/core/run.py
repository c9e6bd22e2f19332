#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds and runs the benchmarks of core, and prints one table.

Each bench_*.c beside this file is a program, linked with all of core. It runs
natively for the time (the best of two runs) and once under callgrind for the
instructions, which repeat. See bench.h for what it prints. Arguments, if any, are
the subjects to run: "run.py pgtable".
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(os.environ.get("REDOUBT_BUILD", os.path.join(TOP, "build")), "bench-core")
REPORTS = os.path.join(os.path.dirname(BUILD), "reports")
CFLAGS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes",
          "-Wstrict-prototypes", "-Wundef"]
INCLUDES = ["-I" + os.path.join(TOP, d) for d in ("core/include", "include", "tests/port")]
NATIVE_RUNS = 2


def compile_to(output, *args):
    """Runs the compiler; its own message is the only one on failure."""
    command = [os.environ.get("CC", "gcc"), *CFLAGS, *INCLUDES, "-I" + HERE, *args, "-o", output]
    if subprocess.run(command, check=False).returncode:
        sys.exit(f"bench-core: {os.path.relpath(output, TOP)} could not be built")


def build_core():
    """All of core as an archive."""
    archive = os.path.join(BUILD, "libcore.a")
    objects = []
    for source in sorted(glob.glob(os.path.join(TOP, "core", "*", "*.c"))):
        name = os.path.relpath(source, TOP).replace(os.sep, "-")[:-2]
        objects.append(os.path.join(BUILD, name + ".o"))
        compile_to(objects[-1], "-c", source)
    if os.path.exists(archive):
        os.remove(archive)
    subprocess.run(["ar", "rcs", archive, *objects], check=True)
    return archive


def build(source, archive):
    """Builds one benchmark and returns the program's path."""
    program = os.path.join(BUILD, os.path.basename(source)[:-2])
    compile_to(program, source, archive)
    return program


def parse(text):
    """The figures of one run: {name: {unit: value}}, in order."""
    figures = {}
    for line in text.splitlines():
        name, unit, value = line.split("\t")
        figures.setdefault(name, {})[unit] = float(value)
    return figures


def native(program):
    """Best of a few runs."""
    best = None
    for _ in range(NATIVE_RUNS):
        run = subprocess.run([program], check=True, capture_output=True, text=True)
        figures = parse(run.stdout)
        if best is None:
            best = figures
            continue
        for name, units in figures.items():
            if "ns" in units:
                best[name]["ns"] = min(best[name]["ns"], units["ns"])
    return best


def instructions(program):
    """Instructions by name, from the dumps that callgrind makes on request.

    callgrind counts a "rep stos" once a byte; memset() is told to use vectors, of which
    what is counted is what is executed.
    """
    counts = {}
    environment = dict(os.environ, GLIBC_TUNABLES="glibc.cpu.x86_rep_stosb_threshold=1000000000")
    with tempfile.TemporaryDirectory(dir=BUILD) as where:
        subprocess.run(["valgrind", "--quiet", "--tool=callgrind", "--callgrind-out-file=" +
                        os.path.join(where, "out"), program],
                       check=True, stdout=subprocess.DEVNULL, env=environment)
        for path in glob.glob(os.path.join(where, "out.*")):
            with open(path, encoding="ascii", errors="replace") as dump:
                text = dump.read()
            name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
            total = re.search(r"^(?:totals|summary): (\d+)", text, re.M)
            if name and total:
                counts.setdefault(name.group(1), int(total.group(1)))
    return counts


def rows_of(program):
    """(name, unit, value) of everything that one program measures."""
    counts = instructions(program)
    rows = []
    for name, units in native(program).items():
        pages = units.pop("pages", None)
        if pages and name in counts:
            rows.append((name, "instructions", counts[name] / pages))
        rows.extend((name, unit, value) for unit, value in units.items())
    return rows


def print_table(rows):
    """Measured work first, one line a name; then everything else."""
    by_name = {}
    for name, unit, value in rows:
        by_name.setdefault(name, {})[unit] = value
    print(f"{'per page':<36}{'instructions':>14}{'ns':>10}")
    for name, units in by_name.items():
        if "ns" in units:
            count = units.get("instructions")
            shown = f"{count:.1f}" if count is not None else "-"
            print(f"{name:<36}{shown:>14}{units['ns']:>10.2f}")
    print()
    for name, unit, value in rows:
        if unit not in ("instructions", "ns"):
            print(f"{name:<36}{value:>14.0f}  {unit}")


def main():
    """Runs them all."""
    if not shutil.which("valgrind"):
        sys.exit("bench-core: valgrind is needed to count instructions")
    os.makedirs(BUILD, exist_ok=True)
    os.makedirs(REPORTS, exist_ok=True)
    path = os.path.join(REPORTS, "-".join(["bench-core", *sys.argv[1:]]) + ".tsv")
    rows = []
    archive = build_core()
    for subject in sys.argv[1:] or ["*"]:
        for source in sorted(glob.glob(os.path.join(HERE, f"bench_{subject}.c"))):
            rows += rows_of(build(source, archive))
    with open(path, "w", encoding="ascii") as report:
        for name, unit, value in rows:
            report.write(f"{name}\t{unit}\t{value:.2f}\n")
    print_table(rows)
    print(f"\nwritten to {os.path.relpath(path, TOP)}")


if __name__ == "__main__":
    main()
