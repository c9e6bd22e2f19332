# SPDX-License-Identifier: GPL-2.0-only
"""What the host's memory management does to a running guest; tests/guest/vmevents/ is the VMM.

The guest checks each of its pages whenever it comes by; the program checks that the
event has really happened (pages merged, swapped, moved, found empty) and that both
sides agree on the contents in the end.
"""

import pytest

from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD

# QEMU's way to a machine with two nodes of memory.
MEM = 1536
NODES = [
    "-object", f"memory-backend-ram,id=m0,size={MEM // 2}M",
    "-object", f"memory-backend-ram,id=m1,size={MEM // 2}M",
    "-numa", "node,nodeid=0,cpus=0,memdev=m0", "-numa", "node,nodeid=1,cpus=1,memdev=m1",
]
# Whole huge pages: two for the guest, two that replace broken or thrown-away ones.
HUGE_PAGES = 4
EVENTS = [
    "ipa", "readonly", "stats",
    # Before memory is in pieces: 32 MiB that hang together.
    "hugetlb-sizes",
    "ksm", "swap", "cold", "free",
    "dontneed", "replace", "punch", "hugetlb", "two-vms",
    "compact", "migrate", "numa", "collapse",
    "fork", "uffd-wp", "protect", "slots", "log", "ring", "sigmask",
    # Frames are lost for good: the last ones.
    "soft-offline", "hwpoison", "hwpoison-huge",
]
# How the kernel says that it has taken a frame out of service; nothing else may be an error.
POISON = ["Memory failure: ", "Injecting memory failure", "Soft offlining", "MCE: Killing"]


@pytest.fixture(scope="module", params=["4k", "16k"])
def host(request):
    files = {"redoubt/vmevents": BUILD / "guest" / "vmevents"}
    with with_redoubt(kernel=request.param, mem=MEM, qemu=NODES, files=files, allowed=POISON,
                      name=f"test-vm-{request.param}") as m:
        m.load_redoubt()
        m.run(f"""
            set -e
            echo 0 >/proc/sys/kernel/numa_balancing
            modprobe zram
            echo 128M >/sys/block/zram0/disksize
            mkswap /dev/zram0 && swapon /dev/zram0
            echo {HUGE_PAGES} >/proc/sys/vm/nr_hugepages
            [ $(cat /proc/sys/vm/nr_hugepages) = {HUGE_PAGES} ]""")
        yield m


@pytest.mark.parametrize("event", EVENTS)
def test_event(host, event):
    print(host.output(f"vmevents {event}"))
    host.check_console()
