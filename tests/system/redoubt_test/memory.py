# SPDX-License-Identifier: GPL-2.0-only
"""What a machine has free, counted so that two counts can be compared."""

import re


def meminfo_kib(machine, name):
    """One line of /proc/meminfo, in KiB."""
    found = re.search(rf"^{name}: +(\d+) kB", machine.output("cat /proc/meminfo"), re.M)
    return int(found.group(1))


def _in_lists_kib(machine):
    """Free pages on the CPUs' own lists."""
    return int(machine.output("""
        page=$(awk '/^KernelPageSize:/ { print $2; exit }' /proc/self/smaps)
        awk -v page=$page '$1 == "count:" { n += $2 } END { print n * page }' /proc/zoneinfo"""))


def free_kib(machine):
    """What is free or could be at once, in KiB, after the caches are dropped.

    The kernel's MemFree and MemAvailable leave out the free pages on the CPUs' own
    lists, and these grow to tens of MiB and shrink again as pages come and go:
    without them, a count after some work says nothing about a leak of less.
    """
    machine.run("sync; echo 3 >/proc/sys/vm/drop_caches")
    names = ("MemFree", "Cached", "Buffers")
    return _in_lists_kib(machine) + sum(meminfo_kib(machine, name) for name in names)


def kernel_kib(machine):
    """What the kernel has for itself, in KiB: neither free, nor cache, nor a program's.

    Slabs without an object are given back first, and what CPUs have counted by themselves is
    added up. It goes up and down by some hundred KiB as programs come and go.
    """
    machine.run("""sync; echo 3 >/proc/sys/vm/drop_caches
        for slab in /sys/kernel/slab/*/shrink; do echo 1 >$slab; done
        echo 1 >/proc/sys/vm/stat_refresh""")
    others = ("MemFree", "Buffers", "Cached", "AnonPages")
    return (meminfo_kib(machine, "MemTotal") - _in_lists_kib(machine)
            - sum(meminfo_kib(machine, name) for name in others))


def kmalloc_objects(machine):
    """{cache: (objects, objects of a slab)} of kmalloc()'s caches; after kernel_kib().

    The slab that a CPU takes objects from counts as a full one.
    """
    lines = (line.split() for line in machine.output("grep ^kmalloc- /proc/slabinfo").splitlines())
    return {words[0]: (int(words[1]), int(words[4])) for words in lines}
