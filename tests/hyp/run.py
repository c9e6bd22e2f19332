#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Builds EL2's code for this machine, attacks it, and prints a table.

    run.py [--jobs N] test [--only WORD] [--seed N]
    run.py [--jobs N] fuzz [--seconds N]
    run.py [--jobs N] mutate [--only WORD]

"test" runs the attacker (fuzz_hvc.c) in each build for a bounded number of steps, which its
seed decides, and then the mutation check: EL2 is broken in the ways that hyp.mutants lists,
one at a time, and the attacker must notice. "fuzz" goes on for a while, from a seed of the
day. Objects go to build/core/hyp-<variant>/, the report to build/reports/.
"""

import argparse
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(os.path.dirname(HERE), "core"),
                 os.path.join(os.path.dirname(HERE), "core", "mutate")]

from runner import build, lock, plan, report, variants  # noqa: E402
import table  # noqa: E402

INCLUDES = ["tests/hyp/port", "hyp/include"]
# Of EL2 only what stands on the machine itself is not built here: sim_cpu.c has it.
LEFT_OUT = ("hyp/panic.c", "hyp/string.c")
JUDGE = ["tests/core/judge/walk.c", "tests/core/judge/tlbi.c"]

PLAIN = variants.Variant("hyp-gcc", "gcc", ["-O1", "-g"], includes=INCLUDES)
GCC_SAN = variants.Variant("hyp-gcc-san", "gcc", ["-O1", "-g"] + variants.SAN, variants.SAN,
                           includes=INCLUDES)
CLANG_SAN = variants.Variant("hyp-clang-san", "clang", ["-O1", "-g"] + variants.SAN,
                             variants.SAN, includes=INCLUDES)
FUZZ = variants.Variant("hyp-fuzz", "clang",
                        ["-O1", "-g", "-DLIBFUZZER", "-fsanitize=fuzzer-no-link"] + variants.SAN,
                        ["-fsanitize=fuzzer"] + variants.SAN, includes=INCLUDES)

# What one mutant is run against, at most. All of it takes 15 seconds, twice that on a busy
# machine: what is not through then hangs, and that is noticed too.
MUTANT_STEPS = ["--runs", "64", "--steps", "1000"]
MUTANT_SECONDS = 180


def el2_sources():
    found = build.relative("hyp/*.c") + build.relative("core/pgtable/*.c")
    return [s for s in found + build.relative("core/ownership/*.c") if s not in LEFT_OUT]


def all_sources():
    return build.relative("tests/hyp/*.c") + JUDGE + el2_sources()


def make(variant):
    objects = [build.compile_object(variant, source) for source in all_sources()]
    return build.link(variant, "fuzz_hvc", objects, ["-lpthread"])


class Attack(plan.Check):
    """The attacker, in one build."""

    def __init__(self, variant, words, seconds=plan.SECONDS_LIMIT, name="fuzz_hvc"):
        super().__init__(name, variant, "tests/hyp/fuzz_hvc.c")
        self.words, self.seconds = words, seconds

    def make(self):
        return make(self.build_variant)

    def arguments(self):
        return self.words

    def count(self, output):
        return plan.count_judge(output)


class LibFuzzer(plan.FuzzCheck):
    """The same choices from libFuzzer's bytes, guided by coverage."""

    def __init__(self, seconds):
        super().__init__("tests/hyp/fuzz_hvc.c", seconds)
        self.build_variant, self.variant = FUZZ, FUZZ.name

    def make(self):
        return make(FUZZ)

    def corpus(self):
        return self.found("corpus")


class Mutants:
    """One check a mutant: does the attacker notice it?"""

    variant = PLAIN.name

    def __init__(self, only):
        self.build_variant = PLAIN
        with open(os.path.join(HERE, "hyp.mutants"), encoding="utf-8") as f:
            self.mutants = [m for m in table.parse("hyp.mutants", f.read())
                            if not only or only in m.what or only in m.file]
        self.name = f"{len(self.mutants)} mutants"

    def compile(self, mutant):
        """The objects of all of EL2, with that of the broken file in its place."""
        with open(os.path.join(variants.ROOT, mutant.file), encoding="utf-8") as f:
            text = mutant.apply(f.read())
        broken = os.path.join(PLAIN.directory, "mutant", os.path.basename(mutant.file))
        os.makedirs(os.path.dirname(broken), exist_ok=True)
        with open(broken, "w", encoding="utf-8") as f:
            f.write(text)
        includes = INCLUDES + [build.PORT, "core/include", "include",
                               os.path.dirname(mutant.file)]
        command = [PLAIN.compiler, "-std=gnu11", "-w", "-O1", "-g",
                   *[f"-I{i}" for i in includes], "-c", broken, "-o", broken + ".o"]
        done = subprocess.run(command, cwd=variants.ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise build.BuildError("does not compile: " + done.stdout.splitlines()[0])
        objects = [build.compile_object(PLAIN, s) for s in all_sources() if s != mutant.file]
        return objects + [broken + ".o"]

    def judge(self, mutant):
        """(caught, words)"""
        program = os.path.join(PLAIN.directory, "mutant", "fuzz_hvc")
        try:
            objects = self.compile(mutant)
        except (table.TableError, build.BuildError) as error:
            return False, str(error)
        subprocess.run([PLAIN.compiler, *objects, "-o", program, "-lpthread"],
                       cwd=variants.ROOT, check=True)
        code, output, late = plan.run_program([program, *MUTANT_STEPS], MUTANT_SECONDS)
        found = re.search(r"^FAILED: (.*)$", output, re.M)
        if found:
            return True, found[1][:100]
        return code != 0 or late, f"status {code}" if code else "no check fails"

    def run(self, out):
        for mutant in self.mutants:
            start = time.monotonic()
            caught, words = self.judge(mutant)
            name = f"{os.path.basename(mutant.file)}: {mutant.what}"
            out.add(name, "mutant", int(caught), int(not caught), time.monotonic() - start,
                    words if not caught else "")


def command_test(args):
    out = report.Report("test-hyp", progress_seconds=4)
    pool = report.Pool(out, args.jobs)
    seed = ["--seed", str(args.seed)]
    for check in (
            Attack(CLANG_SAN, seed + ["--runs", "16", "--steps", "700"]),
            Attack(CLANG_SAN, seed + ["--runs", "4", "--steps", "1000", "--racer"],
                   name="fuzz_hvc --racer"),
            Attack(PLAIN, seed + ["--runs", "32", "--steps", "1500"]),
            Attack(GCC_SAN, seed + ["--runs", "8", "--steps", "500"]),
            LibFuzzer(5),
            Mutants(None)):
        if not args.only or args.only in check.name:
            pool.submit(check)
    pool.finish()
    return out.close()


def command_fuzz(args):
    out = report.Report("fuzz-hyp", progress_seconds=4)
    pool = report.Pool(out, args.jobs)
    half = max(1, args.seconds // 2)
    words = ["--seed", time.strftime("%Y%m%d"), "--runs", "0", "--seconds", str(half)]
    pool.submit(Attack(CLANG_SAN, words, half + 120))
    pool.submit(LibFuzzer(half))
    pool.finish()
    return out.close()


def command_mutate(args):
    out = report.Report("mutate-hyp", progress_seconds=4)
    Mutants(args.only).run(out)
    return out.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2, help="checks at a time (2)")
    sub = parser.add_subparsers(dest="command", required=True)
    test = sub.add_parser("test")
    test.add_argument("--only", help="checks whose name contains this")
    test.add_argument("--seed", type=int, default=1)
    fuzz = sub.add_parser("fuzz")
    fuzz.add_argument("--seconds", type=int, default=60)
    mutate = sub.add_parser("mutate")
    mutate.add_argument("--only")
    args = parser.parse_args()
    held = lock.hold(PLAIN.directory)  # until the process ends
    assert held
    return {"test": command_test, "fuzz": command_fuzz, "mutate": command_mutate}[
        args.command](args)


if __name__ == "__main__":
    sys.exit(main())
