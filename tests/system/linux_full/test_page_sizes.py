# SPDX-License-Identifier: GPL-2.0-only
"""Guest kernels with 4K, 16K and 64K pages on hosts with each, under QEMU 7.2 and 10."""

import pytest

from redoubt_test.guest import Guest, host_options
from redoubt_test.leftovers import assert_nothing_left, host_state
from redoubt_test.machine import with_redoubt
from redoubt_test.soak import GUEST_FILES

PAGES = {"4k": 4096, "16k": 16384, "64k": 65536}
QEMU = {"bookworm": "version 7.2", "trixie": "version 10"}
DISK = "-drive file=/var/tmp/disk,if=none,id=d,format=raw -device virtio-blk-pci,drive=d"


def check_guest(vm, page):
    """Memory in small and large pieces, programs, a disk past its caches."""
    vm.run(f"""
        set -e
        [ "$(awk '/^KernelPageSize:/ {{ print $2 * 1024; exit }}' /proc/self/smaps)" = {page} ]
        [ "$(nproc)" = 2 ]
        modprobe -q virtio_blk || [ -b /dev/vda ]
        for i in 1 2 3; do seq 1 30000 | tee /tmp/f.$i | md5sum >/tmp/s.$i & done; wait
        for i in 1 2 3; do md5sum </tmp/f.$i | cmp - /tmp/s.$i; done
        head -c 60000000 /dev/zero | sha256sum
        load 5 /dev/vda""")


@pytest.mark.parametrize("codename", QEMU)
@pytest.mark.parametrize("host_kernel", PAGES)
def test_page_sizes(host_kernel, codename):
    options = host_options(guest_kernel=tuple(PAGES), codename=codename, guest_files=GUEST_FILES)
    with with_redoubt(kernel=host_kernel, **options) as m:
        m.load_redoubt()
        assert QEMU[codename] in m.output("qemu-system-aarch64 --version")
        m.run("truncate -s 16M /var/tmp/disk")
        before = host_state(m)
        for guest_kernel, page in PAGES.items():
            with Guest(m, kernel=guest_kernel, smp=2, qemu=DISK) as vm:
                check_guest(vm, page)
        assert_nothing_left(m, before)
        m.run("rmmod redoubt")
