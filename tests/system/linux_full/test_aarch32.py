# SPDX-License-Identifier: GPL-2.0-only
"""A stock 32-bit kernel, Debian's armhf with LPAE, as a guest."""

import hashlib
import os

import pytest

from redoubt_test.guest import Guest, host_options
from redoubt_test.leftovers import assert_nothing_left, host_state
from redoubt_test.machine import CPU_MAX, with_redoubt

VCPUS = 2
DISK = "/redoubt/guest/disk.img"
DEVICES = (f"-drive file={DISK},if=none,id=d,format=raw,snapshot=on"
           " -device virtio-blk-pci,drive=d")
DISK_BYTES = 8 << 20

# FP registers of four programs on two vCPUs: each must come to the same sum as alone.
SUMS = """
    sum() { awk -v n=$1 'BEGIN { for (i = 1; i < 30000; i++) s += n / i; printf "%.12f\\n", s }'; }
    for n in 1 3 5 7; do sum $n >/tmp/alone.$n; done
    for n in 1 3 5 7; do sum $n >/tmp/beside.$n & done; wait
    for n in 1 3 5 7; do cmp /tmp/alone.$n /tmp/beside.$n || exit 1; done
"""

# PSCI: CPU_OFF, and CPU_ON once more.
HOTPLUG = """
    echo 0 >/sys/devices/system/cpu/cpu1/online && [ $(nproc) = 1 ]
    echo 1 >/sys/devices/system/cpu/cpu1/online && [ $(nproc) = 2 ]
"""


def start_pinned(vm):
    """Starts the guest with each vCPU on a CPU of the host of its own.

    QEMU's emulation (7.2) keeps the SPSR of the mode that an AArch32 guest is in where a
    hypervisor's accesses to it don't reach: a vCPU that moves to another CPU between an
    exception and the kernel's look at SPSR finds one of another vCPU's. So it does with
    mainline KVM; tests/guest/aarch32/vm.c has shown it. Real CPUs have no such copy.
    """
    vm.launch()  # told "-S": nothing has run
    vm.monitor.command("query-status")
    for cpu, thread in enumerate(vm.vcpu_threads()):
        vm.host.run(f"taskset -p {1 << cpu:x} {thread}")
    vm.monitor.command("cont")
    vm.wait_ready()


def ticks(vm):
    """Timer interrupts so far, by vCPU."""
    return [int(n) for n in vm.output("awk '/arch_timer/ { print $2, $3; exit }' /proc/interrupts")
            .split()]


def check_guest(vm, disk_sha256):
    assert "armmp-lpae" in vm.output("uname -r")
    assert vm.output("nproc").strip() == str(VCPUS)
    before = ticks(vm)
    vm.run("for c in 1 2; do taskset $c usleep 200000 || exit 1; done")
    assert all(now > was for was, now in zip(before, ticks(vm)))
    vm.run("""for i in 1 2 3; do seq 1 30000 | tee /tmp/f.$i | md5sum >/tmp/s.$i & done; wait
              for i in 1 2 3; do md5sum </tmp/f.$i | cmp - /tmp/s.$i || exit 1; done
              head -c 60000000 /dev/zero | sha256sum""")
    vm.run(SUMS)
    vm.run("modprobe virtio_blk")
    assert disk_sha256 in vm.output("sha256sum /dev/vda")
    vm.run("""dd if=/dev/urandom of=/tmp/new bs=64k count=32 2>/dev/null
              dd if=/tmp/new of=/dev/vda bs=64k conv=fsync 2>/dev/null
              echo 3 >/proc/sys/vm/drop_caches
              dd if=/dev/vda bs=64k count=32 2>/dev/null | cmp - /tmp/new""")
    vm.run(HOTPLUG)


@pytest.mark.parametrize("cpu", [CPU_MAX, "cortex-a57"], ids=["max", "no-fwb"])
def test_armhf(cpu):
    """Without FEAT_S2FWB (Cortex-A57) the kernel's cleaning by set and way has KVM follow it."""
    disk = os.urandom(DISK_BYTES)
    files = {DISK.lstrip("/"): disk}
    options = host_options(guest_kernel="armhf", cpu=cpu, files=files, name="test-armhf")
    with with_redoubt(**options) as host:
        host.load_redoubt()
        before = host_state(host)
        vm = Guest(host, kernel="armhf", cpu="host,aarch64=off", smp=VCPUS,
                   qemu=f"-S {DEVICES}")
        start_pinned(vm)
        check_guest(vm, hashlib.sha256(disk).hexdigest())
        vm.stop()
        assert_nothing_left(host, before)
        host.run("rmmod redoubt")
