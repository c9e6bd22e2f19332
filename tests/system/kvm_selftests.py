#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the kernel's KVM selftests on Redoubt and on mainline KVM, and compares.

Mainline's results are kept, by kernel, QEMU and arguments: those in
tests/system/kvm-selftests-mainline.tsv come with the tree, others are measured
once and kept under build/. --remeasure measures all of them again.

Tests that compare clocks with real time, and so fail on a busy machine whatever the
hypervisor does, run in virtual time: QEMU counts instructions, 1 ns each. They do so on
mainline too, and their rows say it.
"""

import argparse
import concurrent.futures
import fcntl
import os
import re
import subprocess
import sys
import time

from redoubt_test.machine import QEMU, Machine, MachineError, with_redoubt
from redoubt_test.paths import BUILD, TOP, Kernel
from redoubt_test.report import Table, closing_line

HERE = TOP / "tests" / "system"
SELFTESTS = BUILD / "selftests"
RECORDED = HERE / "kvm-selftests-mainline.tsv"
MEASURED = BUILD / "kvm-selftests-mainline.tsv"
MAINLINE = ("nvhe", "protected")
HUGE_PAGES = {"4k": 64, "16k": 6, "64k": 1}
SKIP_STATUS = 4
KILLED = 128 + 9
SETS = ("short", "quick", "full")  # each includes those before it
NORMAL_BOOT = 8  # seconds
VIRTUAL = " [virtual time]"
# Real seconds that one of virtual time may take: 10^9 instructions, on a busy machine.
VIRTUAL_SECOND = 60
CPUS = 2  # of a host
NO_BOOT = "(boot)"  # in the place of a test: no test ran, because the host did not boot
# What Redoubt does not offer and says so (docs/kvm-api.md); a test that needs it skips itself.
# Any other skip where mainline passes is a failure.
NOT_OFFERED = {
    "vpmu_counter_access": "ARM_PMU_V3 is 0",
}


class Row:
    """One test with arguments on one host kernel, in real or virtual time."""

    def __init__(self, kernel, seconds, command, virtual):
        self.kernel, self.seconds, self.command, self.virtual = kernel, seconds, command, virtual
        self.recorded = command + (VIRTUAL if virtual else "")
        self.name = self.recorded if kernel == "4k" else f"{self.recorded} @{kernel}"
        self.host = kernel, virtual  # rows with the same one share a boot


class Outcome:
    """pass, fail or skip; late is a fail that may only say that the machine is slow.

    unbootable is a fail because the host did not come up at all.
    """

    def __init__(self, verdict, seconds, detail="", late=False, unbootable=False):
        self.verdict, self.seconds = verdict, float(seconds)
        self.detail, self.late, self.unbootable = detail, late, unbootable


def rows(sets, kernels, only):
    table = []
    for kernel in kernels:
        for line in (HERE / "kvm-selftests.list").read_text().splitlines():
            if line.startswith("#") or not line.strip():
                continue
            words, seconds, command = line.split("\t")
            name, *how = words.split(",")
            if "4k" in how and kernel != "4k":
                continue
            if name in sets and re.search(only, command):
                table.append(Row(kernel, int(seconds), command, "virtual" in how))
    return table


class Bench:
    """A host that is booted when first needed, and again after it died."""

    def __init__(self, host, hypervisor):
        self.kernel, self.virtual = host
        self.hypervisor = hypervisor
        self.machine = None
        self.unbootable = None  # why; it is not tried for every row again

    def _boot(self):
        files = {f"redoubt/{p.name}": p for p in SELFTESTS.glob("*") if executable(p)}
        files |= {f"redoubt/{p.name}": p for p in SELFTESTS.glob("aarch64/*") if executable(p)}
        options = dict(kernel=self.kernel, mem=3072, files=files, smp=CPUS, icount=self.virtual,
                       name=f"selftests-{self.kernel}-{self.hypervisor}")
        if self.hypervisor == "redoubt":
            self.machine = with_redoubt(**options).start()
            self.machine.load_redoubt()
        else:
            try:
                self.machine = Machine(hypervisor=self.hypervisor, **options).start()
            except MachineError as error:
                self.unbootable = str(error)
                raise
        # Half as fast a machine, twice the time: this one's boot is the measure. Virtual time
        # is always the same.
        self.slowness = 1 if self.virtual else max(1, self.machine.boot_seconds / NORMAL_BOOT)
        self.machine.run(f"echo {HUGE_PAGES[self.kernel]} >/proc/sys/vm/nr_hugepages")

    def run(self, row):
        """The Outcome of one row; never raises for what the test or the machine did."""
        start = time.monotonic()
        if self.unbootable:
            return Outcome("fail", 0, self.unbootable, unbootable=True)
        try:
            if not self.machine:
                self._boot()
            limit = int(row.seconds * self.slowness)
            patience = limit * (VIRTUAL_SECOND if self.virtual else 1) + 60
            result = self.machine.run(f"cd /redoubt && timeout -s KILL {limit} ./{row.command}",
                                      timeout=patience, check=False)
            self.machine.check_console()
        except MachineError as error:
            self.close()
            return Outcome("fail", time.monotonic() - start, str(error),
                           unbootable=bool(self.unbootable))
        if result.status == SKIP_STATUS:
            return Outcome("skip", result.seconds, last_line(result.output))
        if result.status == 0:
            return Outcome("pass", result.seconds)
        late = result.status == KILLED and (self.virtual or result.seconds >= limit)
        detail = f"over {limit} s" if late else f"status {result.status}\n{result.output}"
        return Outcome("fail", result.seconds, detail, late)

    def close(self):
        if self.machine:
            self.machine.kill()
        self.machine = None


def executable(path):
    return path.is_file() and path.stat().st_mode & 0o100 and not path.suffix


def last_line(text):
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def read_results(path):
    """{(kernel release, QEMU version, mode, command): Outcome} of a file, which need not exist."""
    table = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        if not line.startswith("#"):
            *key, verdict, seconds = line.split("\t")
            table[tuple(key)] = Outcome(verdict, seconds)
    return table


class MainlineResults:
    """Results by (kernel release, QEMU version, mode, command)."""

    def __init__(self, remeasure):
        version = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True)
        self.qemu = version.stdout.split()[3]
        self.table = {}
        self.added = 0
        for path in () if remeasure else (RECORDED, MEASURED):
            self.table |= read_results(path)

    def _key(self, row, mode, command):
        return Kernel(row.kernel).release, self.qemu, mode, command

    def get(self, row, mode):
        return (self.table.get(self._key(row, mode, row.recorded))
                or self.table.get(self._key(row, mode, NO_BOOT)))

    def put(self, row, mode, outcome):
        """Adds a result to those measured, which other runs in this tree may be adding to."""
        command = NO_BOOT if outcome.unbootable else row.recorded
        key = self._key(row, mode, command)
        self.table[key] = outcome
        self.added += 1
        MEASURED.parent.mkdir(parents=True, exist_ok=True)
        # The lock has a file of its own, because the other one is replaced: a reader finds
        # it whole, and a run that ends in the middle leaves the old one.
        with open(MEASURED.parent / ".lock.kvm-selftests-mainline", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = read_results(MEASURED) | {key: outcome}
            text = "# kernel, QEMU, mode, command, result, seconds\n"
            for key, o in sorted(found.items()):
                text += "\t".join(key) + f"\t{o.verdict}\t{o.seconds:.1f}\n"
            new = MEASURED.with_suffix(".new")
            new.write_text(text)
            new.replace(MEASURED)


def measure_host(table, hypervisor, host, results, show):
    bench = Bench(host, hypervisor)
    try:
        for row in (r for r in table if r.host == host):
            outcome = bench.run(row)
            results[row.name, hypervisor] = outcome
            show(row, hypervisor, outcome)
    finally:
        bench.close()


def measure(table, hypervisor, results, show):
    """Fills results[row.name, hypervisor]: as many hosts at a time as there are CPUs for."""
    hosts = list(dict.fromkeys(row.host for row in table))
    with concurrent.futures.ThreadPoolExecutor(max(1, os.cpu_count() // CPUS)) as pool:
        for done in [pool.submit(measure_host, table, hypervisor, host, results, show)
                     for host in hosts]:
            done.result()


def show_progress(row, hypervisor, outcome):
    print(f"  {hypervisor:<9} {outcome.verdict:<4} {outcome.seconds:6.1f} s  {row.name}", flush=True)


def measure_mainline(table, modes, mainline, results):
    for mode in modes:
        missing = [row for row in table if (row.name, mode) not in results]

        def keep(row, hypervisor, outcome):
            show_progress(row, hypervisor, outcome)
            if not outcome.late:
                mainline.put(row, mode, outcome)

        measure(missing, mode, results, keep)


def judge(row, verdicts):
    """passed, failed or skipped: Redoubt must pass wherever mainline passes in either mode."""
    redoubt, *others = verdicts
    if redoubt == "pass":
        return "passed"
    excused = redoubt == "skip" and row.command in NOT_OFFERED
    return "failed" if "pass" in others and not excused else "skipped"


def report(table, results, columns):
    report_table = Table("test", "redoubt", "mainline_nvhe", "mainline_protected", "seconds")
    count = {"passed": 0, "failed": 0, "skipped": 0}
    defects = []
    for row in table:
        found = [results.get((row.name, h)) for h in ("redoubt", *MAINLINE)]
        verdicts = [o.verdict if o else "-" for o in found]
        seconds = next((o.seconds for o in found if o), 0)
        report_table.add(row.name, *verdicts, f"{seconds:.1f}")
        if "redoubt" in columns:
            verdict = judge(row, verdicts)
        else:
            verdict = {"pass": "passed", "fail": "skipped"}.get(verdicts[1], "skipped")
        count[verdict] += 1
        if verdict == "failed":
            defects.append((row, found[0]))
    return report_table, count, defects


def explain(defects):
    for row, outcome in defects:
        print(f"\n=== {row.name}: mainline passes, Redoubt does not ===\n{outcome.detail[-3000:]}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--set", default="quick", choices=SETS, help="each includes those before it")
    p.add_argument("--kernels", default="4k,16k")
    p.add_argument("--only", default="", help="pattern of the tests to run")
    p.add_argument("--hypervisors", default="redoubt,nvhe,protected")
    p.add_argument("--remeasure", action="store_true")
    options = p.parse_args()
    columns = options.hypervisors.split(",")
    table = rows(SETS[: 1 + SETS.index(options.set)], options.kernels.split(","), options.only)
    mainline = MainlineResults(options.remeasure)
    results = {}
    for row in table:
        for mode in MAINLINE:
            if mainline.get(row, mode):
                results[row.name, mode] = mainline.get(row, mode)
    measure_mainline(table, [h for h in columns if h in MAINLINE], mainline, results)
    if "redoubt" in columns:
        measure(table, "redoubt", results, show_progress)
    report_table, count, defects = report(table, results, columns)
    explain(defects)
    print(f"\n{report_table}\n")
    known = sum(1 for o in results if o[1] in MAINLINE) - mainline.added
    print(f"mainline: {mainline.added} results measured now, {known} kept from runs with the same "
          f"kernel, QEMU and arguments.\n'skipped' counts what mainline does not pass either, and what "
          f"Redoubt does not offer: {', '.join(f'{t} ({why})' for t, why in NOT_OFFERED.items())}.")
    name = "kvm-selftests-partial" if options.only or options.set == "short" else "kvm-selftests"
    print(f"written to {report_table.write(name)}")
    print(closing_line(count["passed"], count["failed"], count["skipped"]))
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
