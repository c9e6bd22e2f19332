# SPDX-License-Identifier: GPL-2.0-only
"""Page sizes of host and guest, the module's end, QEMU of another Debian release."""

from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import with_redoubt


def test_module_leaves_after_guests():
    with with_redoubt(**host_options()) as m:
        m.load_redoubt()
        with Guest(m) as vm:
            assert m.run("rmmod redoubt", check=False).status != 0
            vm.run("true")
        m.run("rmmod redoubt && insmod /redoubt/redoubt.ko && rmmod redoubt")


def check_page_size(host, guest_kernel):
    with Guest(host, kernel=guest_kernel) as vm:
        assert vm.output("uname -r").strip().endswith(guest_kernel.replace("4k", "arm64"))
        vm.run("seq 1 100000 | md5sum; head -c 50000000 /dev/zero | sha256sum")


def test_16k_guest(host):
    check_page_size(host, "16k")


def test_16k_host():
    guests = ("4k", "16k")
    with with_redoubt(kernel="16k", **host_options(guest_kernel=guests)) as m:
        m.load_redoubt()
        for guest_kernel in guests:
            check_page_size(m, guest_kernel)


def test_qemu_of_debian_13():
    """QEMU 10 of Debian 13, on the Debian 12 kernel."""
    with with_redoubt(**host_options(codename="trixie")) as m:
        m.load_redoubt()
        assert "version 10" in m.output("qemu-system-aarch64 --version")
        with Guest(m) as vm:
            vm.run("seq 1 100000 | md5sum")
