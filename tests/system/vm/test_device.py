# SPDX-License-Identifier: GPL-2.0-only
"""Memory slots over what is not plain RAM: a PCI device's memory, as VFIO makes them; tagged memory."""

import pytest

from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD

# A device whose second BAR is memory that keeps what is written.
DEVICE = ["-object", "memory-backend-ram,id=shared,size=1M,share=on",
          "-device", "ivshmem-plain,memdev=shared"]


@pytest.mark.parametrize("kernel", ["4k", "16k"])
def test_device_memory(kernel):
    files = {f"redoubt/{name}": BUILD / "guest" / name for name in ("vmevents", "oddmem")}
    with with_redoubt(kernel=kernel, qemu=DEVICE, files=files, name="test-device") as host:
        host.load_redoubt()
        host.run("""
            set -e
            device=$(dirname $(grep -l 0x1110 /sys/bus/pci/devices/*/device))
            echo 1 >$device/enable
            for i in 1 2; do VMEVENTS_BAR=$device/resource2 vmevents device; done""")
        print(host.output("""
            device=$(dirname $(grep -l 0x1110 /sys/bus/pci/devices/*/device))
            oddmem fetch $device/resource2"""))
        host.run("rmmod redoubt")


@pytest.mark.parametrize("kernel", ["4k", "16k"])
def test_allocation_tags(kernel):
    """The host has them, VMs have not: neither of their own, nor a way to the host's."""
    files = {"redoubt/oddmem": BUILD / "guest" / "oddmem"}
    with with_redoubt(kernel=kernel, qemu=["-M", "mte=on"], files=files, name="test-tags") as host:
        assert " mte" in host.output("cat /proc/cpuinfo")
        host.load_redoubt()
        print(host.output("oddmem mte"))
        host.run("rmmod redoubt")
