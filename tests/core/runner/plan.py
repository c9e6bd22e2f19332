# SPDX-License-Identifier: GPL-2.0-only
"""What to run: the checks of `test` and of `fuzz`, found by file name."""

import os
import re
import signal
import subprocess
import sys
import time

from . import build, variants
from .variants import ROOT, SANITIZER_ENV

# Operations of a full-effort random run; other programs know their own measure.
RANDOM_OPERATIONS = {"run_pgtable": 1_000_000}
# Programs that run in every build; the other judge programs explore something fixed: once
# plain, once sanitized, once counted.
EVERYWHERE = ("run_pgtable", "run_selftest")
FIXED_VARIANTS = ("gcc", "sanitizers", "coverage")
SECONDS_LIMIT = 200
MUTATION_SECONDS_LIMIT = 280


def run_program(command, seconds=SECONDS_LIMIT, env=None):
    """Returns (exit code, output, timed out). Ends only the process group started here."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", start_new_session=True,
                          env={**os.environ, **SANITIZER_ENV, **(env or {})}) as child:
        try:
            output, _ = child.communicate(timeout=seconds)
            return child.returncode, output, False
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            return -1, output, True


def usage(source):
    """The options that a judge program's opening comment says it takes."""
    with open(os.path.join(ROOT, source), encoding="utf-8") as f:
        opening = f.read().split("*/", 1)[0]
    return set(re.findall(r"--\w+", opening))


def tail(output, lines=40):
    kept = output.rstrip().splitlines()
    return "\n".join(kept[-lines:])


def count_cmocka(output):
    """(passed, failed, skipped) single tests of a cmocka program."""
    return tuple(len(set(re.findall(r"^\[" + mark + r"\] ([A-Za-z_]\w*)$", output, re.M)))
                 for mark in ("       OK ", "  FAILED  ", "  SKIPPED "))


def count_judge(output):
    """Judge programs say "ok: ..." or "FAILED: ..." once a check."""
    return (len(re.findall(r"^ok: ", output, re.M)), len(re.findall(r"^FAILED: ", output, re.M)),
            len(re.findall(r"^skipped: ", output, re.M)))


class Check:
    """A program to build and run. Subclasses say how it is built and what it printed."""

    def __init__(self, name, variant, source):
        self.name, self.variant, self.source = name, variant.name, source
        self.build_variant = variant
        self.seconds = SECONDS_LIMIT

    def make(self):
        raise NotImplementedError

    def arguments(self):
        return []

    def count(self, output):
        raise NotImplementedError

    def run(self, out):
        start = time.monotonic()
        why = variants.missing(self.build_variant)
        if why:
            out.add(self.name, self.variant, 0, 0, 0, why, skipped=1)
            return
        try:
            program = self.make()
        except build.BuildError as error:
            out.add(self.name, self.variant, 0, 1, time.monotonic() - start,
                    tail(str(error), 30))
            return
        command = self.build_variant.start + [program] + self.arguments()
        code, output, late = run_program(command, self.seconds)
        passed, failed, skipped = self.count(output)
        # A crash, a sanitizer's finding or silence is a failure of its own.
        if (code or late or not passed + skipped) and not failed:
            failed = 1
        words = [] if not failed else [tail(output)]
        if late:
            words.append(f"still running after {self.seconds} s: ended")
        elif failed and code:
            words.append(f"exit code {code}; run again: {' '.join(command)}")
        if skipped and not failed:
            words += re.findall(r"^skipped: .*$", output, re.M)
        out.add(self.name, self.variant, passed, failed, time.monotonic() - start,
                "\n".join(words), skipped)


class UnitCheck(Check):
    def make(self):
        return build.unit_program(self.build_variant, self.source)

    def count(self, output):
        return count_cmocka(output)


class JudgeCheck(Check):
    def __init__(self, name, variant, source, seed):
        super().__init__(name, variant, source)
        self.seed = seed

    def make(self):
        return build.judge_program(self.build_variant, self.source)

    def arguments(self):
        options, words = usage(self.source), []
        if "--seed" in options:
            words += ["--seed", str(self.seed)]
        if self.name in RANDOM_OPERATIONS:
            ops = RANDOM_OPERATIONS[self.name] * self.build_variant.effort // 100
            words += ["--ops", str(ops)]
        if "--quick" in options and self.build_variant.effort < 100:
            words.append("--quick")
        return words

    def count(self, output):
        return count_judge(output)


class CompileCheck:
    """Every file of core, with this compiler's warnings as errors."""

    name = "core compiles"

    def __init__(self, variant):
        self.variant, self.build_variant = variant.name, variant

    def run(self, out):
        start = time.monotonic()
        why = variants.missing(self.build_variant)
        if why:
            out.add(self.name, self.variant, 0, 0, 0, why, skipped=1)
            return
        wrong = []
        for source in build.core_sources():
            try:
                build.compile_object(self.build_variant, source)
            except build.BuildError as error:
                wrong.append(tail(str(error), 10))
        out.add(self.name, self.variant, 0 if wrong else 1, len(wrong),
                time.monotonic() - start, "\n".join(wrong))


class MutationCheck:
    """tests/core/mutate/run.py: one check a mutant; its last line has the counts."""

    name, variant = "mutation check", "gcc"
    script = "tests/core/mutate/run.py"

    def run(self, out):
        start = time.monotonic()
        code, output, late = run_program([sys.executable, self.script], MUTATION_SECONDS_LIMIT)
        found = re.findall(r"^(\d+) passed, (\d+) failed", output, re.M)
        passed, failed = (int(n) for n in found[-1]) if found else (0, 0)
        if (code or late or not passed) and not failed:
            failed = 1
        out.add(self.name, self.variant, passed, failed, time.monotonic() - start,
                tail(output) if failed else "")


class CorpusCheck(Check):
    """Runs the kept inputs of a fuzz target once, in the sanitizers' build."""

    def __init__(self, source, variant):
        super().__init__(os.path.basename(source)[:-2], variant, source)

    def make(self):
        return build.judge_program(self.build_variant, self.source, "tests/core/fuzz/replay.c")

    def corpus(self):
        return os.path.join("tests/core/fuzz/corpus", self.name[len("fuzz_"):])

    def arguments(self):
        return [self.corpus()]

    def count(self, output):
        return count_judge(output)


class FuzzCheck(CorpusCheck):
    """Fuzzes on from the corpus for a while."""

    def __init__(self, source, seconds):
        super().__init__(source, variants.FUZZ)
        self.fuzz_seconds = seconds
        self.seconds = seconds + 60

    def make(self):
        return build.judge_program(self.build_variant, self.source)

    def found(self, what):
        path = os.path.join(self.build_variant.directory, what, self.name[len("fuzz_"):])
        os.makedirs(path, exist_ok=True)
        return path

    def arguments(self):
        return [f"-max_total_time={self.fuzz_seconds}", "-timeout=10", "-max_len=4096",
                "-use_value_profile=1", "-print_final_stats=1",
                f"-artifact_prefix={self.found('crashes')}/", self.found("corpus"), self.corpus()]

    def count(self, output):
        ended = re.search(r"stat::number_of_executed_units: +[1-9]", output)
        return (1 if ended else 0, 0, 0)

    def run(self, out):
        super().run(out)
        found = self.found("corpus")
        out.note(f"    {len(os.listdir(found))} inputs with new coverage in "
                 f"{os.path.relpath(found, ROOT)}")


def named(check, only):
    return not only or only in check.name


def test_checks(wanted, args):
    """All checks of `test`; the longest first, for the others to run beside it."""
    checks = []
    if any(v.name == "gcc" for v in wanted) and \
            os.path.exists(os.path.join(ROOT, MutationCheck.script)):
        checks.append(MutationCheck())
    for variant in wanted:
        programs = build.relative("tests/core/judge/run_*.c")
        units = build.relative("tests/core/unit/test_*.c")
        if not variant.threads_only:
            checks.append(CompileCheck(variant))
        for source in programs:
            name = os.path.basename(source)[:-2]
            if variant.threads_only and "thread" not in name:
                continue
            if not variant.threads_only and name not in EVERYWHERE \
                    and variant.name not in FIXED_VARIANTS:
                continue
            checks.append(JudgeCheck(name, variant, source, args.seed))
        for source in units:
            name = os.path.basename(source)[:-2]
            if not variant.threads_only or "thread" in name:
                checks.append(UnitCheck(name, variant, source))
        if variant.name == "sanitizers":
            checks += [CorpusCheck(s, variant)
                       for s in build.relative("tests/core/fuzz/fuzz_*.c")]
    return [c for c in checks if named(c, args.only)]


def fuzz_checks(args):
    targets = [s for s in build.relative("tests/core/fuzz/fuzz_*.c")
               if not args.only or args.only in s]
    each = max(1, args.seconds // max(1, len(targets)))
    return [FuzzCheck(s, each) for s in targets]
