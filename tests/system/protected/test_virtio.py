# SPDX-License-Identifier: GPL-2.0-only
"""Disk and network of protected VMs, through memory that the guest shares with the host.

Under QEMU as it is; with a stock kernel and the module of guest/redoubt-guest, and with a
kernel that has Linux's own driver and a restricted DMA pool (mk/kernel-pkvm-guest).
"""

import re
import subprocess

import pytest

from redoubt_test import initramfs, ownermap
from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import with_redoubt
from redoubt_test.machine import QEMU
from redoubt_test.paths import GUEST_PROGRAMS, TOP, Kernel
from redoubt_test.secret import look_for_secret, write_secret

POOL = 16 << 20  # what the module shares unasked, and the device tree has
SIZE = 3000001  # bytes of a transfer: not a whole number of sectors, pages or packets
PORT = 8080

DISK = ("-drive file=/run/{0}.img,format=raw,if=none,id={0}"
        " -device virtio-blk-{1},drive={0},iommu_platform=on")
NET = (f"-netdev user,id=net,hostfwd=tcp:127.0.0.1:{PORT}-10.0.2.15:80"
       " -device virtio-net-{0},netdev=net,iommu_platform=on")
PCI = "pci,disable-legacy=on"
MMIO = "device"
MODERN_MMIO = " -global virtio-mmio.force-legacy=off"


ATOMIC_POOL = 128 << 10  # Linux's reserve for DMA in interrupts; its pKVM driver shares it too

# How each kind of guest is started, and what it shares.
KINDS = {
    "stock": {"kernel": "4k", "qemu": "", "shares": POOL},
    "pkvm-guest": {"kernel": "pkvm-guest", "qemu": "-dtb /redoubt/guest/pool.dtb ",
                   "shares": POOL + ATOMIC_POOL},
}


def pool_dtb(directory, smp):
    """QEMU's device tree for `smp` CPUs, with a pool."""
    plain, pooled = directory / "plain.dtb", directory / "pool.dtb"
    subprocess.run([QEMU, "-M", f"virt,gic-version=3,dumpdtb={plain}", "-cpu", "cortex-a57,pmu=off",
                    "-smp", str(smp), "-m", "256M", "-nodefaults", "-display", "none"],
                   check=True, stderr=subprocess.DEVNULL)
    subprocess.run([TOP / "guest" / "restricted-pool", plain, pooled, str(POOL >> 20)], check=True)
    return pooled


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    kernel = Kernel("pkvm-guest")
    options = host_options(mem=1536, guest_module=True, files={
        "redoubt/memscan": GUEST_PROGRAMS / "memscan",
        "redoubt/guest/pkvm-guest.Image": kernel.image,
        "redoubt/guest/pkvm-guest.cpio": initramfs.base(kernel),
        "redoubt/guest/pool.dtb": pool_dtb(tmp_path_factory.mktemp("dtb"), 1),
    })
    with with_redoubt(**options, name="test-virtio") as m:
        m.load_redoubt()
        serve(m)
        yield m


def serve(host):
    """Something for guests to fetch."""
    host.run(f"mkdir -p /run/www; head -c {SIZE} /dev/urandom >/run/www/blob;"
             " busybox httpd -p 127.0.0.1:8000 -h /run/www")


def make_images(host):
    """Two of 16 MiB: a is empty, b is full of noise."""
    host.run("truncate -s 0 /run/a.img; truncate -s 16M /run/a.img;"
             " head -c 16777216 /dev/urandom >/run/b.img")


@pytest.fixture
def disks(host):
    make_images(host)
    yield
    host.run("rm -f /run/a.img /run/b.img")


def owners(host):
    return ownermap.parse(host.output("cat /sys/kernel/debug/redoubt/owners"))


def lent_by_guests(host):
    return ownermap.lent_by_guests(owners(host))


def sha256(machine, what):
    return machine.output(f"{what} | sha256sum").split()[0]


def check_disk(host, vm):
    """What the guest writes is in the image; what is in an image the guest reads."""
    vm.run("modprobe -q virtio_blk; [ -e /dev/vdb ]")
    vm.run(f"head -c {SIZE} /dev/urandom >/run/data; dd if=/run/data of=/dev/vda bs=64k; sync;"
           " echo 3 >/proc/sys/vm/drop_caches")
    written = sha256(vm, "cat /run/data")
    assert sha256(vm, f"head -c {SIZE} /dev/vda") == written
    assert sha256(host, f"head -c {SIZE} /run/a.img") == written
    assert sha256(vm, "cat /dev/vdb") == sha256(host, "cat /run/b.img")


def check_network(host, vm):
    """The guest fetches from the host, and serves to it."""
    vm.run("modprobe -q virtio_net; ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up")
    vm.run("mkdir -p /run/www; wget -q -O /run/got http://10.0.2.2:8000/blob")
    assert sha256(vm, "cat /run/got") == sha256(host, "cat /run/www/blob")
    vm.run(f"head -c {SIZE} /dev/urandom >/run/www/page; httpd -p 80 -h /run/www")
    host.run(f"wget -q -O /run/fetched http://127.0.0.1:{PORT}/page")
    assert sha256(host, "cat /run/fetched") == sha256(vm, "cat /run/www/page")


def check_quiet(vm):
    """Neither the guest's kernel nor QEMU has anything to complain of."""
    log = vm.output("dmesg")
    for word in ("WARNING", "Call trace", "redoubt-guest: this device", "no mapping"):
        assert word not in log
    vm.stop()
    assert [line for line in vm.console.lines if line] == ["@@qemu ended 0"]


def devices(kind):
    return " ".join((DISK.format("a", kind), DISK.format("b", kind), NET.format(kind)))


def guest(host, kind, qemu, **options):
    start = KINDS[kind]
    return Guest(host, mem=256, protected=True, kernel=start["kernel"], qemu=start["qemu"] + qemu,
                 **options)


@pytest.mark.parametrize("kind", KINDS)
def test_disk_and_network(host, disks, kind):
    """Over PCI. A stock guest has nothing on QEMU's command line that an ordinary VM has not."""
    with guest(host, kind, devices(PCI)) as vm:
        if kind == "stock":
            declared = re.search(r"redoubt-guest: (\d+) MiB are declared", vm.output("dmesg"))
            assert declared and int(declared[1]) >= 250
        check_disk(host, vm)
        check_network(host, vm)
        check_quiet(vm)


@pytest.mark.parametrize("kind", KINDS)
def test_virtio_mmio(host, disks, kind):
    """Over virtio-mmio, whose devices QEMU numbers from the last transport down."""
    qemu = " ".join((DISK.format("b", MMIO), DISK.format("a", MMIO), NET.format(MMIO), MODERN_MMIO))
    with guest(host, kind, qemu) as vm:
        vm.run("modprobe -q virtio_mmio; true")
        check_disk(host, vm)
        check_network(host, vm)
        check_quiet(vm)


def test_small_pool(host, disks):
    """More I/O at a time than the pool has room for waits, and arrives."""
    with Guest(host, smp=2, mem=256, protected=True, qemu=devices(PCI),
               cmdline="redoubt-guest=pool_mib=4") as vm:
        assert lent_by_guests(host) == 4 << 20
        vm.run("modprobe virtio_blk; dd if=/dev/vdb of=/dev/vda bs=1M; sync")
        assert sha256(host, "cat /run/a.img") == sha256(host, "cat /run/b.img")
        assert "the pool was full" in vm.output("dmesg")
        check_disk(host, vm)
        check_network(host, vm)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_pool_is_shared(host, disks, kind):
    """While a disk is busy, the host reaches the pool, to the byte, and no secret."""
    with guest(host, kind, devices(PCI)) as vm:
        write_secret(vm)
        vm.run("modprobe -q virtio_blk; (while :; do dd if=/dev/vdb of=/dev/vda bs=1M; sync; done)"
               " >/dev/null 2>&1 & echo $! >/run/load")
        assert lent_by_guests(host) == KINDS[kind]["shares"]
        assert look_for_secret(host) == 0
        vm.run("kill $(cat /run/load)")
        assert lent_by_guests(host) == KINDS[kind]["shares"]
    assert lent_by_guests(host) == 0
    assert ownermap.bytes_of(owners(host), "vm") == 0


def test_what_is_sent_is_seen(host, disks):
    """The search can fail: a secret that the guest writes to its disk is in the host."""
    with Guest(host, mem=256, protected=True, qemu=devices(PCI)) as vm:
        write_secret(vm)
        vm.run("modprobe virtio_blk; dd if=/run/secret of=/dev/vda bs=4k conv=sync; sync")
        assert look_for_secret(host) > 0


def test_module_is_for_protected_guests(host):
    """In an ordinary VM it says that it is not needed, and shares nothing."""
    with Guest(host, mem=256) as vm:
        assert vm.run("insmod /redoubt/redoubt-guest.ko", check=False).status != 0
        assert "this is no protected VM" in vm.output("dmesg")


def test_device_without_access_platform(host, disks):
    """A device whose drivers would go past the pool is named, before one is loaded."""
    bare = DISK.format("a", PCI).replace(",iommu_platform=on", "")
    with Guest(host, mem=256, protected=True, qemu=bare) as vm:
        assert "virtio0: redoubt-guest: this device won't work" in vm.output("dmesg")


@pytest.mark.parametrize("host_kernel, guest_kernel", [("16k", "16k"), ("16k", "4k"), ("4k", "16k")])
def test_granules(host_kernel, guest_kernel):
    """What is shared is whole pages of the host's, whatever the guest's are."""
    options = host_options(mem=1536, kernel=host_kernel, guest_kernel=guest_kernel,
                           guest_module=True)
    with with_redoubt(**options, name=f"test-virtio-{host_kernel}-{guest_kernel}") as host:
        host.load_redoubt()
        serve(host)
        make_images(host)
        with Guest(host, mem=256, protected=True, kernel=guest_kernel, qemu=devices(PCI)) as vm:
            assert lent_by_guests(host) == POOL
            check_disk(host, vm)
            check_network(host, vm)
            check_quiet(vm)
        assert lent_by_guests(host) == 0


def test_newer_qemu():
    """Debian 13's, which can be told of the device node, and must be shown some registers."""
    options = host_options(mem=1536, guest_module=True, codename="trixie")
    with with_redoubt(**options, name="test-virtio-trixie") as host:
        host.load_redoubt("blank_regs=1")
        make_images(host)
        with Guest(host, mem=256, protected=True, accel="kvm,device=/dev/kvm-protected",
                   qemu=devices(PCI)) as vm:
            assert lent_by_guests(host) == POOL
            check_disk(host, vm)
            check_quiet(vm)
