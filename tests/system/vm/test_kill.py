# SPDX-License-Identifier: GPL-2.0-only
"""A VMM that is killed, at a thousand moments of chance, leaves nothing behind (invariant 11)."""

import pytest

from redoubt_test.machine import with_redoubt
from redoubt_test.memory import kernel_kib, kmalloc_objects
from redoubt_test.paths import BUILD

ROUNDS = {"4k": 1000, "16k": 400}
PAGE_KIB = {"4k": 4, "16k": 16}
CPUS = 2
SEED = 20_24
DEBUG = "/sys/kernel/debug/redoubt"


def numbers(host, command):
    """{name: number} of lines that begin with both."""
    lines = (line.replace(":", " ").split() for line in host.output(command).splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1}


def state(host):
    """What must not change: EL2's memory, who owns pages, VMs, pins."""
    host.run("echo 1 >/proc/sys/vm/stat_refresh")
    pins = numbers(host, "grep nr_foll_pin /proc/vmstat")
    return {
        "EL2's memory": numbers(host, f"cat {DEBUG}/memory"),
        "owners": [line.split() for line in host.output(f"cat {DEBUG}/owners").splitlines()
                   if " host" not in line or "shared" in line or "lent" in line],
        "VMs": numbers(host, f"cat {DEBUG}/stats")["VMS"],
        "pins": pins["nr_foll_pin_acquired"] - pins["nr_foll_pin_released"],
        # Blocks of the host's stage 2 that were split are blocks again. Exact: see touch_all().
        "free tables": numbers(host, f"cat {DEBUG}/stats")["POOL_FREE"],
    }


def touch_all(host):
    """Reads all memory of the host.

    A block that has EL2's own pages in it gets a table in the host's stage 2 when the host
    first touches the rest of it, which may never have happened before a VMM gets a page there.
    From here on all of those tables are there, and how many are in use depends on nothing but
    who owns what.
    """
    host.run("memscan nothing-is-looked-for", timeout=900)


def more_objects(before, after):
    """By kmalloc() cache, beyond what may be the CPUs' current slabs."""
    return {name: n - before.get(name, (0,))[0] - CPUS * per_slab
            for name, (n, per_slab) in after.items()}


@pytest.mark.parametrize("kernel", ["4k", "16k"])
def test_killed_at_any_moment(kernel):
    files = {f"redoubt/{name}": BUILD / "guest" / name for name in ("vmevents", "memscan")}
    with with_redoubt(kernel=kernel, smp=CPUS, files=files, name=f"test-kill-{kernel}") as host:
        host.load_redoubt()
        host.run("vmevents kill 1 200", timeout=300)  # what is allocated once, is now
        touch_all(host)
        before, kib, objects = state(host), kernel_kib(host), kmalloc_objects(host)
        rounds = ROUNDS[kernel]
        print(host.output(f"vmevents kill {SEED} {rounds}", timeout=900))
        grown, more = kernel_kib(host) - kib, more_objects(objects, kmalloc_objects(host))
        print(f"the kernel has {grown} KiB more; objects: {max(more.items(), key=lambda m: m[1])}")
        assert before == state(host)
        # Of four VMMs three have a VM, which must not leave a page or an object each.
        assert grown < rounds // 2 * PAGE_KIB[kernel]
        assert max(more.values()) < rounds // 2
        host.run("rmmod redoubt")
