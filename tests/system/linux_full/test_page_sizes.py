# SPDX-License-Identifier: GPL-2.0-only
"""Guest kernels with 4K, 16K and 64K pages on hosts with each, under QEMU 7.2 and 10."""

import hashlib

import pytest

from redoubt_test.guest import Guest, host_options
from redoubt_test.leftovers import assert_nothing_left, host_state
from redoubt_test.machine import with_redoubt
from redoubt_test.soak import GUEST_FILES

PAGES = {"4k": 4096, "16k": 16384, "64k": 65536}
QEMU = {"bookworm": "version 7.2", "trixie": "version 10"}
VCPUS = {"4k": 3, "16k": 2, "64k": 4}
DEVICES = ("-drive file=/var/tmp/disk,if=none,id=d,format=raw -device virtio-blk-pci,drive=d"
           " -netdev user,id=n -device virtio-net-pci,netdev=n,romfile=")
# What the host serves, and its checksum.
PAGE = "seq 1 1000000"
SHA256 = hashlib.sha256(b"".join(b"%d\n" % n for n in range(1, 1000001))).hexdigest()


def check_guest(vm, page, vcpus):
    """Memory in small and large pieces, programs, a disk past its caches."""
    vm.run(f"""
        set -e
        [ "$(awk '/^KernelPageSize:/ {{ print $2 * 1024; exit }}' /proc/self/smaps)" = {page} ]
        [ "$(nproc)" = {vcpus} ]
        modprobe -q virtio_blk || [ -b /dev/vda ]
        for i in 1 2 3; do seq 1 30000 | tee /tmp/f.$i | md5sum >/tmp/s.$i & done; wait
        for i in 1 2 3; do md5sum </tmp/f.$i | cmp - /tmp/s.$i; done
        head -c 60000000 /dev/zero | sha256sum
        load 5 /dev/vda""")


def check_network(vm):
    vm.run("modprobe virtio_net; ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up")
    assert SHA256 in vm.output("wget -q -O - http://10.0.2.2:8000/page | sha256sum", timeout=400)


@pytest.mark.parametrize("codename", QEMU)
@pytest.mark.parametrize("host_kernel", PAGES)
def test_page_sizes(host_kernel, codename):
    options = host_options(guest_kernel=tuple(PAGES), codename=codename, guest_files=GUEST_FILES)
    with with_redoubt(kernel=host_kernel, **options) as m:
        m.load_redoubt()
        assert QEMU[codename] in m.output("qemu-system-aarch64 --version")
        m.run(f"truncate -s 16M /var/tmp/disk; mkdir /run/www; {PAGE} >/run/www/page;"
              "busybox httpd -p 8000 -h /run/www")
        before = host_state(m)
        for guest_kernel, page in PAGES.items():
            vcpus = VCPUS[guest_kernel]
            with Guest(m, kernel=guest_kernel, smp=vcpus, qemu=DEVICES) as vm:
                check_guest(vm, page, vcpus)
                if guest_kernel != "64k":  # its small kernel has no network devices
                    check_network(vm)
        assert_nothing_left(m, before)
        m.run("rmmod redoubt")
