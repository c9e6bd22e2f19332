# SPDX-License-Identifier: GPL-2.0-only
"""Page sizes of host and guest, the module's end, QEMU of another Debian release."""

import pytest

from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import with_redoubt


def test_module_leaves_after_guests():
    with with_redoubt(**host_options()) as m:
        m.load_redoubt()
        with Guest(m) as vm:
            assert m.run("rmmod redoubt", check=False).status != 0
            vm.run("true")
        m.run("rmmod redoubt && insmod /redoubt/redoubt.ko && rmmod redoubt")


@pytest.mark.parametrize("host_kernel,guest_kernel", [("4k", "16k"), ("16k", "4k"), ("16k", "16k")])
def test_page_sizes(host_kernel, guest_kernel):
    with with_redoubt(kernel=host_kernel, **host_options(guest_kernel=guest_kernel)) as m:
        m.load_redoubt()
        with Guest(m, kernel=guest_kernel) as vm:
            assert vm.output("uname -r").strip().endswith(guest_kernel.replace("4k", "arm64"))
            vm.run("seq 1 100000 | md5sum; head -c 50000000 /dev/zero | sha256sum")


def test_qemu_of_debian_13():
    """QEMU 10 of Debian 13, on the Debian 12 kernel."""
    with with_redoubt(**host_options(codename="trixie")) as m:
        m.load_redoubt()
        assert "version 10" in m.output("qemu-system-aarch64 --version")
        with Guest(m) as vm:
            vm.run("seq 1 100000 | md5sum")
