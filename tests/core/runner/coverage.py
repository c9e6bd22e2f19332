# SPDX-License-Identifier: GPL-2.0-only
"""Line coverage of core, from what the programs of the coverage build have run."""

import glob
import json
import os
import subprocess
import time

from .variants import BUILD, ROOT

LEAST_PERCENT = 90


def clear():
    """Forgets earlier runs."""
    for path in glob.glob(os.path.join(BUILD, "coverage", "**", "*.gcda"), recursive=True):
        os.unlink(path)


def lines_run():
    """
    {source: {line: was it run}}. A file that no program was linked with has notes
    (.gcno) and no counts: not run.
    """
    runs = {}
    for counts in glob.glob(os.path.join(BUILD, "coverage", "core", "**", "*.gcno"),
                            recursive=True):
        done = subprocess.run(["gcov", "--json-format", "--stdout", counts], cwd=ROOT,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for document in done.stdout.splitlines():
            for entry in json.loads(document)["files"]:
                path = os.path.relpath(os.path.join(ROOT, entry["file"]), ROOT)
                if not path.startswith("core/") or not path.endswith(".c"):
                    continue
                lines = runs.setdefault(path, {})
                for line in entry["lines"]:
                    number = line["line_number"]
                    lines[number] = lines.get(number, False) or line["count"] > 0
    return runs


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    words, numbers = [], sorted(numbers)
    while numbers:
        n = 1
        while n < len(numbers) and numbers[n] == numbers[0] + n:
            n += 1
        words.append(str(numbers[0]) if n == 1 else f"{numbers[0]}-{numbers[n - 1]}")
        numbers = numbers[n:]
    return " ".join(words)


def check(out):
    start = time.monotonic()
    runs = lines_run()
    total = sum(len(lines) for lines in runs.values())
    hit = sum(sum(lines.values()) for lines in runs.values())
    os.makedirs(os.path.join(ROOT, "build", "reports"), exist_ok=True)
    with open(os.path.join(ROOT, "build", "reports", "coverage.tsv"), "w", encoding="utf-8") as f:
        f.write("file\tlines\trun\tpercent\tnot run\n")
        for path, lines in sorted(runs.items()):
            some = sum(lines.values())
            missed = ranges(n for n, was in lines.items() if not was)
            out.note(f"    {path:<34} {some:>5} of {len(lines):>5} lines "
                     f"{100 * some / len(lines):6.1f}%  {missed[:60]}")
            f.write(f"{path}\t{len(lines)}\t{some}\t{100 * some / len(lines):.1f}\t{missed}\n")
    percent = 100 * hit / total if total else 0
    good = percent >= LEAST_PERCENT
    out.add(f"lines of core covered: {percent:.1f}%", "coverage", int(good), int(not good),
            time.monotonic() - start, "" if good else f"less than {LEAST_PERCENT}%")
