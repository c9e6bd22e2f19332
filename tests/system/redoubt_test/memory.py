# SPDX-License-Identifier: GPL-2.0-only
"""What a machine has free, counted so that two counts can be compared."""

import re


def meminfo_kib(machine, name):
    """One line of /proc/meminfo, in KiB."""
    found = re.search(rf"^{name}: +(\d+) kB", machine.output("cat /proc/meminfo"), re.M)
    return int(found.group(1))


def free_kib(machine):
    """What is free or could be at once, in KiB, after the caches are dropped.

    The kernel's MemFree and MemAvailable leave out the free pages on the CPUs' own
    lists, and these grow to tens of MiB and shrink again as pages come and go:
    without them, a count after some work says nothing about a leak of less.
    """
    machine.run("sync; echo 3 >/proc/sys/vm/drop_caches")
    in_lists = int(machine.output("""
        page=$(awk '/^KernelPageSize:/ { print $2; exit }' /proc/self/smaps)
        awk -v page=$page '$1 == "count:" { n += $2 } END { print n * page }' /proc/zoneinfo"""))
    return in_lists + sum(meminfo_kib(machine, name) for name in ("MemFree", "Cached", "Buffers"))
