#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Counts instructions: Redoubt beside mainline KVM, nVHE and protected.

Every host runs the same kernel under -icount with one CPU, where a nanosecond
is an instruction; figures of one build repeat to a fraction of a percent.
"""

import argparse
import re
import sys

import bench_host
from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import Machine, MachineError, with_redoubt
from redoubt_test.paths import GUEST_PROGRAMS
from redoubt_test.report import Table

# An unknown function of each hypervisor's range: entry, dispatch, refusal, return.
MAINLINE_UNKNOWN = 0xC6000FFF
COLUMNS = ("redoubt", "nvhe", "protected")

# Waits until nothing of the boot is left running: idle for 98 of 100 ticks.
SETTLE = """
    before=0
    while :; do
        read -r _ u n s idle rest </proc/stat
        [ $((idle - before)) -ge 98 ] && [ $before -gt 0 ] && break
        before=$idle
        sleep 1
    done
"""


def host(hypervisor, kernel):
    files = {
        "redoubt/kvmbench": GUEST_PROGRAMS / "kvmbench",
        "redoubt/hvcbench.ko": GUEST_PROGRAMS / kernel / "hvcbench" / "hvcbench.ko",
    }
    options = dict(kernel=kernel, smp=1, mem=1536, icount=True, files=files, timeout=300,
                   name=f"bench-{hypervisor}")
    if hypervisor == "redoubt":
        return with_redoubt(**options)
    return Machine(hypervisor=hypervisor, **options)


def hypercall(m, number):
    m.run(f"insmod /redoubt/hvcbench.ko id={number:#x}")
    tenths = int(m.output("cat /sys/module/hvcbench/parameters/result; rmmod hvcbench"))
    return tenths / 10, "instructions"


def kvmbench(m, arguments=""):
    """{row: (value, unit)} that kvmbench prints."""
    found = {}
    for line in m.output(f"kvmbench {arguments}").splitlines():
        name, value, unit = line.split(" ", 2)
        found[name] = (float(value), unit)
    return found


# Redoubt's guests have no pointer authentication, so nobody's have. Mainline protected cannot
# run a guest with it: 6.12 announces it to ordinary guests but leaves it trapped in that mode,
# so the first write of a key is an undefined instruction, and a stock kernel panics before it
# has a console.
GUEST_CPU = "host,pauth=off"
DISK_READS = 4096
IDLE_SECONDS = 10
# What the VMM's threads have run, in and out of the guest: nanoseconds, so instructions.
RUN_TIME = """
    for t in /proc/$(pidof qemu-system-aarch64)/task/*; do cat $t/schedstat; done |
        awk '{ sum += $1 } END { printf "%.0f\\n", sum }'
"""


def logged(vm, text):
    """When the guest's kernel logged a line: nanoseconds, so instructions since it began."""
    line = re.search(rf"\[ *([0-9]+\.[0-9]+)\] {text}", vm.output("dmesg"))
    return float(line[1]) * 1e9


def boot_to_init(vm):
    return logged(vm, "Run /init as init"), "instructions"


def disk_read(vm):
    vm.run("modprobe virtio_blk; [ -b /dev/vda ]")
    vm.run(f"""
        echo 'bench: read' >/dev/kmsg
        dd if=/dev/vda of=/dev/null bs=4k count={DISK_READS} iflag=direct
        echo 'bench: done' >/dev/kmsg""")
    return (logged(vm, "bench: done") - logged(vm, "bench: read")) / DISK_READS, "instructions"


def idle(m):
    """The guest waits for a command, and nothing else is going on."""
    before = int(m.output(RUN_TIME))
    m.run(f"sleep {IDLE_SECONDS}")
    return (int(m.output(RUN_TIME)) - before) / IDLE_SECONDS, "instructions/s"


def measure_linux(hypervisor, kernel, found):
    """Rows of a stock kernel as a guest of Debian's QEMU."""
    options = host_options(guest_kernel=kernel, kernel=kernel, smp=1, icount=True, timeout=600,
                           boot_timeout=600, name=f"bench-linux-{hypervisor}")
    redoubt = hypervisor == "redoubt"
    with with_redoubt(**options) if redoubt else Machine(hypervisor=hypervisor, **options) as m:
        if redoubt:
            m.load_redoubt()
        # An idle CPU's time leaps ahead while the emulator waits for its disk: minutes in a second.
        m.run("echo 0 >/proc/sys/kernel/hung_task_timeout_secs")
        m.run(f"truncate -s {DISK_READS * 4096} /run/disk.img; {SETTLE}")
        disk = "-drive file=/run/disk.img,if=none,id=d,format=raw -device virtio-blk-pci,drive=d"
        with Guest(m, cpu=GUEST_CPU, qemu=disk, boot_timeout=900, timeout=600) as vm:
            found["linux_boot"] = boot_to_init(vm)
            vm.run(SETTLE)
            found["linux_idle"] = idle(m)
            found["virtio_blk_read_4k"] = disk_read(vm)
        if redoubt:
            with Guest(m, protected=True, boot_timeout=900, timeout=600) as vm:
                found["protected_linux_boot"] = boot_to_init(vm)


def measure(hypervisor, kernel, found):
    """All rows of one hypervisor, into found; the rest is kept when one part fails."""
    measure_calls(hypervisor, kernel, found)
    measure_linux(hypervisor, kernel, found)


def measure_calls(hypervisor, kernel, found):
    """Rows of hypercalls and of the small VMM."""
    with host(hypervisor, kernel) as m:
        m.run("echo 20 >/proc/sys/vm/nr_hugepages")
        if hypervisor == "redoubt":
            m.load_redoubt()
        m.run(SETTLE)
        found["host_hypercall_unknown"] = hypercall(m, MAINLINE_UNKNOWN)
        found.update(kvmbench(m))
        found.update(kvmbench(m, "--ageing"))
        if hypervisor == "redoubt":
            found.update(kvmbench(m, "--protected"))


def table(results):
    report = Table("name", "unit", "redoubt", "mainline_nvhe", "mainline_protected")
    names = dict.fromkeys(name for column in COLUMNS for name in results.get(column, {}))
    for name in names:
        cells = [results.get(column, {}).get(name) for column in COLUMNS]
        unit = next(c[1] for c in cells if c)
        report.add(name, unit, *(f"{c[0]:.1f}" if c else "-" for c in cells))
    return report


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--hypervisors", default=",".join(COLUMNS))
    p.add_argument("--kernel", default="4k")
    p.add_argument("--host-only", action="store_true", help="no VMs: launch and the host's costs")
    options = p.parse_args()
    results = {}
    status = 0
    for hypervisor in options.hypervisors.split(","):
        print(f"bench: measuring {hypervisor}", flush=True)
        results[hypervisor] = {}
        try:
            bench_host.measure(hypervisor, options.kernel, SETTLE, results[hypervisor])
            if not options.host_only:
                measure(hypervisor, options.kernel, results[hypervisor])
        except MachineError as error:
            # A column that mainline can't fill is no failure of Redoubt's: its rows show "-".
            print(f"bench: {hypervisor}: {error}", file=sys.stderr)
            status = status or hypervisor == "redoubt"
    report = table(results)
    print(f"\n{report}\n\nwritten to {report.write('bench')}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
