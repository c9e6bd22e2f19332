# SPDX-License-Identifier: GPL-2.0-only
"""A stock Debian kernel with QEMU's devices: what goes through them arrives as it was."""

import pytest

from conftest import (DISK_MIB, MMIO, Disk, check_disk, check_download, check_each_interrupt,
                      interrupts, start_devices)
from redoubt_test.guest import Guest
from redoubt_test.memory import free_kib, meminfo_kib


def test_pci_disk(vm, disk):
    before = interrupts(vm, "ITS.*virtio.*-req")
    check_disk(vm, disk)
    # Message-signalled, as LPIs of the guest's ITS, to more than one vCPU.
    assert interrupts(vm, "ITS.*virtio.*-req") - before > 50


def test_pci_disk_without_a_queue(vm):
    """Each request waits for an interrupt of its own: a message, an LPI of each vCPU."""
    check_each_interrupt(vm, "ITS.*virtio.*-req")


def test_pci_network(vm, disk):
    before = interrupts(vm, "ITS.*virtio.*-(in|out)put")
    check_download(vm, disk)
    assert interrupts(vm, "ITS.*virtio.*-(in|out)put") - before > 50


def test_pci_network_to_the_host(vm, host_machine):
    """The other way: the host asks a server in the guest."""
    vm.run("""mkdir -p /tmp/www; seq 1 1000000 >/tmp/www/numbers
        busybox httpd -f -p 80 -h /tmp/www >/dev/null 2>&1 & echo $! >/tmp/server
        until netstat -ltn | grep -q ':80 '; do usleep 1000; done""")
    want = vm.output("sha256sum </tmp/www/numbers").split()[0]
    got = host_machine.output("busybox wget -q -O - http://127.0.0.1:8080/numbers | sha256sum",
                              timeout=400)
    assert want in got
    vm.run("kill $(cat /tmp/server); rm -r /tmp/www /tmp/server")


def test_pci_random_numbers(vm):
    vm.run("""
        set -e
        grep -q virtio_rng /sys/class/misc/hw_random/rng_current
        for i in 1 2; do head -c 4096 /dev/hwrng >/tmp/random.$i; done
        [ $(stat -c %s /tmp/random.1) = 4096 ]
        ! cmp -s /tmp/random.1 /tmp/random.2
        [ $(gzip -c /tmp/random.1 | wc -c) -gt 4000 ]; rm /tmp/random.*""")


def test_pci_console(vm, host_machine):
    """virtio-console, a terminal, both ways at once; beside the ports that carry commands."""
    # QEMU throws away what a console's other end has no room for: less than a pipe holds.
    host_machine.run("""
        (timeout 150 head -n 500 /run/hvc.out >/run/hvc.got; : >/run/hvc.end) 2>/dev/null &""")
    # It stays open, or the kernel forgets that it is raw.
    vm.run("""
        (exec 4<>/dev/hvc0; stty raw -echo <&4; : >/tmp/raw
         timeout 150 head -n 500 <&4 >/tmp/got & seq 1 500 >&4; wait; : >/tmp/end) \
            >/dev/null 2>&1 &
        until [ -e /tmp/raw ]; do usleep 1000; done""")
    host_machine.run("seq 501 1000 >/run/hvc.in &")
    host_machine.run("""until [ -e /run/hvc.end ]; do sleep 0.1; done
        seq 1 500 | cmp - /run/hvc.got; rm /run/hvc.got /run/hvc.end""")
    vm.run("""until [ -e /tmp/end ]; do usleep 10000; done
        seq 501 1000 | cmp - /tmp/got; rm /tmp/got /tmp/raw /tmp/end""")


def test_pci_serial_port(vm, host_machine, disk):
    """A virtio port carries binary data: the disk's contents in, and out again."""
    half = DISK_MIB << 20 >> 1
    data = f"head -c {half} {Disk.host_path}"
    port = vm.output("/redoubt/port data").strip()
    host_machine.run(f"{data} >/run/data.in 2>/dev/null &")
    vm.run(f"timeout 350 head -c {half} {port} >/tmp/data", timeout=400)
    want = host_machine.output(f"{data} | sha256sum")
    assert vm.output("sha256sum </tmp/data") == want
    host_machine.run(f"""
        (timeout 350 head -c {half} /run/data.out | sha256sum >/run/data.sum
         : >/run/data.end) 2>/dev/null &""")
    vm.run(f"timeout 350 cat /tmp/data >{port}; rm /tmp/data", timeout=400)
    assert host_machine.output("""until [ -e /run/data.end ]; do sleep 0.1; done
        cat /run/data.sum; rm /run/data.end""", timeout=400) == want


def test_balloon_gives_memory_back(vm, host_machine):
    """The guest has used its memory and freed it; the balloon takes it: the host has it."""
    vm.run("head -c 250000000 /dev/zero >/tmp/fill; rm /tmp/fill")
    before = free_kib(host_machine)
    total = meminfo_kib(vm, "MemTotal")
    vm.monitor.command("balloon", value=300 << 20)
    while vm.monitor.wait_event("BALLOON_CHANGE", 180)["data"]["actual"] > 300 << 20:
        pass
    assert total - meminfo_kib(vm, "MemTotal") > 190 << 10
    assert free_kib(host_machine) - before > 120 << 10
    vm.monitor.command("balloon", value=512 << 20)
    vm.run(f"until [ $(awk '/^MemTotal:/ {{ print $2 }}' /proc/meminfo) = {total} ]; do :; done;"
           "head -c 200000000 /dev/zero | sha256sum")


def test_mmio(host, disk):
    """The same devices over virtio-mmio, with one vCPU."""
    with Guest(host, qemu=MMIO) as vm:
        start_devices(vm)
        check_disk(vm, disk)
        check_download(vm, disk)
        vm.run("[ $(head -c 4096 /dev/hwrng | wc -c) = 4096 ]")
        check_each_interrupt(vm, "GICv3.*virtio")


@pytest.fixture
def host_machine(linux_host):
    return linux_host.machine
