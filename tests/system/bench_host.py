# SPDX-License-Identifier: GPL-2.0-only
"""Rows of 'make bench' about the host itself: launch, its stage 2, EL2's memory."""

import re

from redoubt_test.machine import Machine, with_redoubt
from redoubt_test.paths import GUEST_PROGRAMS

DEBUGFS = "/sys/kernel/debug/redoubt"
GIB = 1 << 30
BLOCK_KIB = 2048
PURPOSES = ("image", "vmemmap", "cpus", "tables", "total")


def launch(m):
    """Loads the module. From its first instruction to EL2 in place, by the kernel log's clock."""
    m.run("echo launch begins >/dev/kmsg")
    m.load_redoubt()
    log = m.output("dmesg")
    at = [float(re.search(rf"^\[ *([0-9.]+)\].*{text}", log, re.M)[1])
          for text in ("launch begins", "EL2 is in place")]
    return {"launch": ((at[1] - at[0]) * 1e9, "instructions")}


def _numbers(m, name):
    """{first word: second word} of a file in debugfs."""
    lines = m.output(f"cat {DEBUGFS}/{name}").splitlines()
    return {line.split()[0]: int(line.split()[1]) for line in lines}


def _in_blocks(m, ram):
    """How much of RAM is not in entries of less than 2 MiB. (MMIO in such counts as RAM here.)"""
    small = 0
    for line in m.output(f"cat {DEBUGFS}/host_blocks").splitlines():
        kib, _, count = line.split()
        small += int(kib) * int(count) if int(kib) < BLOCK_KIB else 0
    return 100 - 100 * small * 1024 / ram, "% of RAM"


def redoubt(m):
    """What Redoubt's debugfs tells once the machine has settled."""
    memory = _numbers(m, "memory")
    ram = memory["ram"]
    rows = {"host_faults_to_shell": (_numbers(m, "stats")["HOST_FAULTS"], "faults")}
    rows["host_ram_in_blocks"] = _in_blocks(m, ram)
    for purpose in PURPOSES:
        rows[f"el2_memory_{purpose}"] = (memory[purpose] * GIB / ram, "bytes per GiB of RAM")
    rows["el2_text"] = (memory["text"], "bytes")
    return rows


def mainline(m, mem):
    """What mainline tells: the size of its EL2 code, and what pKVM set aside at boot."""
    symbols = m.output("grep -E ' __hyp_text_(start|end)$' /proc/kallsyms").split()
    rows = {}
    if len(symbols) == 6:
        where = dict(zip(symbols[2::3], symbols[::3]))
        size = int(where["__hyp_text_end"], 16) - int(where["__hyp_text_start"], 16)
        rows["el2_text"] = (size, "bytes")
    reserved = re.search(r"kvm.*: Reserved (\d+) MiB at", m.output("dmesg"))
    if reserved:
        per_gib = int(reserved[1]) * (1 << 20) * 1024 / mem
        rows["el2_memory_total"] = (per_gib, "bytes per GiB of RAM")
    return rows


def costs(m, hypervisor):
    """Calls, sharing and faults, by a module in the host; nVHE has the first only."""
    m.run(f"insmod /redoubt/hostcost.ko mainline={int(hypervisor != 'redoubt')} "
          f"stage2={int(hypervisor != 'nvhe')}")
    rows = {}
    for name, row in (("empty", "host_hypercall_empty"), ("share1", "host_share_unshare_1"), 
                      ("share512", "host_share_unshare_512"), ("fault", "host_stage2_fault")):
        tenths = int(m.output(f"cat /sys/module/hostcost/parameters/{name}"))
        if tenths:
            rows[row] = (tenths / 10, "instructions")
    m.run("rmmod hostcost")
    return rows


def measure(hypervisor, kernel, settle, found):
    """All rows of one hypervisor, into found, on a machine of its own."""
    module = GUEST_PROGRAMS / kernel / "hostcost" / "hostcost.ko"
    options = dict(kernel=kernel, smp=1, mem=1536, icount=True, timeout=300,
                   files={"redoubt/hostcost.ko": module}, name=f"bench-host-{hypervisor}")
    is_redoubt = hypervisor == "redoubt"
    with with_redoubt(**options) if is_redoubt else Machine(hypervisor=hypervisor, **options) as m:
        if is_redoubt:
            found.update(launch(m))
        m.run(settle)
        found.update(redoubt(m) if is_redoubt else mainline(m, m.mem))
        found.update(costs(m, hypervisor))
