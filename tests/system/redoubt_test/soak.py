# SPDX-License-Identifier: GPL-2.0-only
"""A mixed load of two guests on a host that is out of memory; everything checks itself.

Each guest runs pipelines of processes, files in memory, a disk written and read past all
caches (tests/guest/load), and pages that are always written and always checked
(tests/guest/memcheck). The host runs the last one too, on more memory than it has left, so
that guests' pages go to swap and come back; and it compacts its memory and drops caches all
the time.
"""

from .guest import Guest, host_options
from .leftovers import assert_nothing_left, host_state
from .machine import with_redoubt
from .memory import meminfo_kib
from .paths import GUEST_PROGRAMS, TOP

HOST_FILES = {"redoubt/memcheck": GUEST_PROGRAMS / "memcheck"}
GUEST_FILES = {**HOST_FILES, "redoubt/load": TOP / "tests" / "guest" / "load"}

DISK_MIB = 24
SWAP_MIB = 768
# Programs and the vDSO lie at the same addresses in every process, or QEMU's own bookkeeping
# stops host and guests for seconds (docs/debugging.md, "An emulated host that stands still").
SAME_ADDRESSES = "norandmaps"
GUEST = {"smp": 2, "mem": 320, "cmdline": SAME_ADDRESSES}
# So much more than is left will be asked for; the guests want more, too, as they go on.
OVER_MIB = 160
# At least this much goes to swap, or there was no pressure.
LEAST_SWAPPED_MIB = 32

SWAP_ON = f"""
    set -e
    # The modules here have no index that other programs than busybox know.
    busybox modprobe zram
    echo {SWAP_MIB}M >/sys/block/zram0/disksize
    mkswap /dev/zram0 >/dev/null; swapon /dev/zram0"""
SWAP_OFF = "swapoff /dev/zram0 && echo 1 >/sys/block/zram0/reset && busybox rmmod zram"
PRESSURE = """
    nice -n 10 memcheck {mib} /run/hog >/run/hog.end 2>&1 &
    until [ -s /run/hog ] || [ -s /run/hog.end ]; do sleep 1; done
    (while [ -e /run/hog ]; do
        echo 3 >/proc/sys/vm/drop_caches; echo 1 >/proc/sys/vm/compact_memory; sleep 1
     done) >/dev/null 2>&1 &
    ! grep . /run/hog.end"""
WORK = """
    modprobe virtio_blk
    (load {seconds} /dev/vda >/tmp/load.end 2>&1; echo $? >/tmp/load.status) &
    memcheck 40 /tmp/pages >/tmp/pages.end 2>&1 &
    until [ -s /tmp/pages ]; do usleep 10000; done"""


def _disk(number):
    return (f"-drive file=/var/tmp/soak.{number},if=none,id=d,format=raw"
            " -device virtio-blk-pci,drive=d")


def _swapped_pages(host):
    return int(host.output("awk '$1 == \"pswpout\" { print $2 }' /proc/vmstat"))


def _vm_swap_kib(guest, pid):
    return int(guest.host.output(f"awk '/^VmSwap:/ {{ print $2 }}' /proc/{pid}/status"))


def _finish(machine, work, timeout):
    """Ends a memcheck, which checks all of its pages once more; what it says."""
    return machine.output(f"""
        : >{work}.stop; until [ -s {work}.end ]; do sleep 0.1; done
        cat {work}.end; rm {work}*""", timeout)


def _wait(guests, seconds):
    """Until the load of each has ended: the most that was in swap of each guest, in KiB."""
    pids = [g.pid() for g in guests]
    most = [0] * len(guests)
    running = set(range(len(guests)))
    while running:
        for n in sorted(running):
            most[n] = max(most[n], _vm_swap_kib(guests[n], pids[n]))
            # A second or so, or the load's end.
            if guests[n].run("for i in 1 2 3 4 5; do [ ! -s /tmp/load.status ] || exit 0; sleep 1;"
                             "done; exit 1", timeout=seconds + 600, check=False).status == 0:
                running.remove(n)
    return most


def soak(seconds, name):
    """Runs all of it on a host of its own; fails on anything wrong. Rows of (what, figure)."""
    options = host_options(mem=1792, guests=2, files=HOST_FILES, guest_files=GUEST_FILES,
                           name=name, cmdline=SAME_ADDRESSES)
    with with_redoubt(**options) as host:
        host.load_redoubt()
        before = host_state(host)
        rows = _load(host, seconds)
        assert_nothing_left(host, before)
        host.run("rmmod redoubt")
    return rows


def _load(host, seconds):
    host.run(SWAP_ON)
    for n in (0, 1):
        host.run(f"truncate -s {DISK_MIB}M /var/tmp/soak.{n}")
    before = _swapped_pages(host)
    rows = [("seconds", seconds)]
    with Guest(host, 0, qemu=_disk(0), **GUEST) as one, \
            Guest(host, 1, qemu=_disk(1), **GUEST) as two:
        guests = (one, two)
        for guest in guests:
            guest.run(WORK.format(seconds=seconds), timeout=400)
        hog = meminfo_kib(host, "MemAvailable") // 1024 + OVER_MIB
        rows.append(("host's own pages, MiB", hog))
        host.run(PRESSURE.format(mib=hog), timeout=600)
        most = _wait(guests, seconds)
        for n, guest in enumerate(guests):
            told = guest.output("cat /tmp/load.end; [ $(cat /tmp/load.status) = 0 ]")
            rows += [(f"guest {n}", line.removeprefix("load: ")) for line in told.splitlines()]
            rows.append((f"guest {n}", _checked(_finish(guest, "/tmp/pages", 600))))
            rows.append((f"guest {n}, most in swap, MiB", most[n] >> 10))
    rows.append(("host", _checked(_finish(host, "/run/hog", 600))))
    swapped = (_swapped_pages(host) - before) * _page_kib(host) >> 10
    rows.append(("swapped out, MiB", swapped))
    host.run(f"{SWAP_OFF}; rm /var/tmp/soak.*", timeout=400)
    assert swapped >= LEAST_SWAPPED_MIB, rows
    assert max(most) > 0, rows
    return rows


def _page_kib(host):
    return int(host.output("awk '/^KernelPageSize:/ { print $2; exit }' /proc/self/smaps"))


def _checked(told):
    """What memcheck says in the end, if it is good."""
    lines = [line for line in told.splitlines() if line.startswith("@@ memory: ok ")]
    assert lines, told
    return lines[0].removeprefix("@@ memory: ok ")
