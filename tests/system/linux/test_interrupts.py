# SPDX-License-Identifier: GPL-2.0-only
"""Interrupts that QEMU's virtio devices do not use, by a program of our own."""

from conftest import passed
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import GUEST_PROGRAMS


def test_gicv2_is_refused(linux_host):
    """QEMU, asked for one, says why not."""
    told = linux_host.machine.run("""qemu-system-aarch64 -accel kvm -cpu host -m 64M -nodefaults \\
        -display none -M virt,gic-version=2 2>&1""", check=False)
    assert told.status == 1 and "does not support in-kernel GICv2" in told.output, told.output


def test_resampling_irqfd():
    """A level-triggered line that its device holds until the guest has ended the interrupt."""
    with with_redoubt(files={"redoubt/resample": GUEST_PROGRAMS / "resample"}) as m:
        m.load_redoubt()
        passed(m.run("/redoubt/resample 2000", check=False), ["interrupts", "line"])
        m.run("rmmod redoubt")
