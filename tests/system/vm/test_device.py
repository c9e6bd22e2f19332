# SPDX-License-Identifier: GPL-2.0-only
"""A memory slot over a PCI device's memory, as VFIO makes them."""

import pytest

from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD

# A device whose second BAR is memory that keeps what is written.
DEVICE = ["-object", "memory-backend-ram,id=shared,size=1M,share=on",
          "-device", "ivshmem-plain,memdev=shared"]


@pytest.mark.parametrize("kernel", ["4k", "16k"])
def test_device_memory(kernel):
    files = {"redoubt/vmevents": BUILD / "guest" / "vmevents"}
    with with_redoubt(kernel=kernel, qemu=DEVICE, files=files, name="test-device") as host:
        host.load_redoubt()
        host.run("""
            set -e
            device=$(dirname $(grep -l 0x1110 /sys/bus/pci/devices/*/device))
            echo 1 >$device/enable
            for i in 1 2; do VMEVENTS_BAR=$device/resource2 vmevents device; done""")
        host.run("rmmod redoubt")
