# SPDX-License-Identifier: GPL-2.0-only
"""Page sizes of host and guest, the module's end, QEMU of another Debian release."""

from conftest import MMIO, SERVE, SNAPSHOT, check_disk, check_download, start_devices
from redoubt_test.guest import Guest, host_options
from redoubt_test.leftovers import assert_nothing_left, host_state
from redoubt_test.machine import with_redoubt


def test_module_leaves_after_guests():
    with with_redoubt(**host_options()) as m:
        m.load_redoubt()
        with Guest(m) as vm:
            assert m.run("rmmod redoubt", check=False).status != 0
            vm.run("true")
        m.run("rmmod redoubt && insmod /redoubt/redoubt.ko && rmmod redoubt")


def check_page_size(host, guest_kernel, disk):
    with Guest(host, kernel=guest_kernel, qemu=SNAPSHOT) as vm:
        assert vm.output("uname -r").strip().endswith(guest_kernel.replace("4k", "arm64"))
        vm.run("seq 1 100000 | md5sum; head -c 50000000 /dev/zero | sha256sum")
        start_devices(vm)
        check_disk(vm, disk)
        check_download(vm, disk)


def test_16k_guest(host, disk):
    check_page_size(host, "16k", disk)


def test_16k_host(disk):
    guests = ("4k", "16k")
    files = {"redoubt/guest/disk.img": disk.path}
    with with_redoubt(kernel="16k", **host_options(guest_kernel=guests, files=files)) as m:
        m.load_redoubt()
        m.run(SERVE)
        for guest_kernel in guests:
            check_page_size(m, guest_kernel, disk)


def test_qemu_of_debian_13(disk):
    """QEMU 10 of Debian 13: devices over MMIO and over PCI. test-linux-full has more vCPUs."""
    files = {"redoubt/guest/disk.img": disk.path}
    with with_redoubt(**host_options(codename="trixie", files=files)) as m:
        m.load_redoubt()
        m.run(SERVE)
        before = host_state(m)
        assert "version 10" in m.output("qemu-system-aarch64 --version")
        for smp, devices in ((1, MMIO), (4, SNAPSHOT)):
            with Guest(m, smp=smp, qemu=devices) as vm:
                assert int(vm.output("nproc")) == smp
                start_devices(vm)
                check_disk(vm, disk)
                check_download(vm, disk)
        assert_nothing_left(m, before)
        m.run("rmmod redoubt")
