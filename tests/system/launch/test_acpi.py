# SPDX-License-Identifier: GPL-2.0-only
"""A host that learns of its hardware from ACPI, started by UEFI, as servers are."""

import pytest

from redoubt_test.installed import FIRMWARE
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import KERNEL

pytestmark = pytest.mark.skipif(KERNEL == "64k", reason="the project's 64K kernel has no ACPI")


def test_launch_with_acpi():
    with with_redoubt(qemu=("-bios", FIRMWARE)) as host:
        assert "ACPI: RSDP" in host.output("dmesg")
        host.load_redoubt()
        host.run("test -c /dev/kvm && test -c /dev/kvm-protected")
        assert "mismatch" not in host.output("dmesg")
        host.run("rmmod redoubt")


def test_acpi_without_el2_is_refused():
    with with_redoubt(el2=False, qemu=("-bios", FIRMWARE)) as host:
        assert "ACPI: RSDP" in host.output("dmesg")
        assert host.run("insmod /redoubt/redoubt.ko", check=False).status != 0
        assert "no EL2 for this kernel" in host.output("dmesg")
