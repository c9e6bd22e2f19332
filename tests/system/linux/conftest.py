# SPDX-License-Identifier: GPL-2.0-only
"""The host and the guest that most tests here share, and what must be left when a guest is gone."""

import hashlib
import os

import pytest

from redoubt_test import paths
from redoubt_test.guest import Guest, guest_root, host_options
from redoubt_test.leftovers import assert_nothing_left, host_state
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD
from redoubt_test.soak import GUEST_FILES

DISK_MIB = 24


# The disk's contents, for guests: at 10.0.2.2.
SERVE = "busybox httpd -p 8000 -h /redoubt/guest"


class Disk:
    """A file of random contents in the host, and their checksum."""

    host_path = "/redoubt/guest/disk.img"

    def __init__(self):
        self.path = BUILD / "guest-disk.img"
        if not self.path.exists():
            part = self.path.with_suffix(f".{os.getpid()}")
            part.write_bytes(os.urandom(DISK_MIB << 20))
            part.rename(self.path)
        self.sha256 = hashlib.sha256(self.path.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def disk():
    return Disk()


class LinuxHost:
    """A host with the module, and as it was before its first guest."""

    def __init__(self, machine):
        self.machine = machine
        self.redoubt = machine.hypervisor == "redoubt"
        if self.redoubt:
            machine.load_redoubt()
            self.before = host_state(machine)

    def assert_nothing_left(self):
        if self.redoubt:  # mainline does not tell
            assert_nothing_left(self.machine, self.before)


def pytest_collection_modifyitems(items):
    """Mainline is compared in what a guest sees, not in tests of the module itself."""
    if paths.HYPERVISOR != "redoubt":
        items[:] = [item for item in items if "linux_host" in item.fixturenames]


@pytest.fixture(scope="session")
def linux_host(disk):
    files = {"redoubt/guest/disk.img": disk.path}
    guest_files = {**GUEST_FILES, "redoubt/timercheck": BUILD / "guest" / "timercheck"}
    options = host_options(guest_kernel=("4k", "16k"), guests=2, files=files,
                           guest_files=guest_files, name="test-linux",
                           qemu=["-drive", f"file={guest_root()},format=raw,if=virtio,snapshot=on"])
    with with_redoubt(hypervisor=paths.HYPERVISOR, **options) as m:
        shared = LinuxHost(m)
        m.run(SERVE)
        yield shared
        if m._why_dead() is None:
            Shared.close()
            shared.assert_nothing_left()


@pytest.fixture
def host(linux_host):
    """The shared host, without a guest before and after the test."""
    Shared.close()
    yield linux_host.machine
    linux_host.assert_nothing_left()


# Devices over PCI; what is written is thrown away.
PCI = " ".join((
    "-device virtio-balloon-pci,id=balloon",
    f"-drive file={Disk.host_path},if=none,id=d,format=raw,snapshot=on",
    "-device virtio-blk-pci,drive=d",
    "-netdev user,id=n,hostfwd=tcp::8080-:80 -device virtio-net-pci,netdev=n,romfile=",
    "-device virtio-rng-pci",
    "-device virtio-serial-pci,id=consoles",
    "-chardev pipe,id=hvc,path=/run/hvc -device virtconsole,bus=consoles.0,chardev=hvc",
    "-chardev pipe,id=data,path=/run/data",
    "-device virtserialport,bus=consoles.0,chardev=data,name=redoubt.data",
))
NET_AND_DISK = ("-device virtio-blk-pci,drive=d -netdev user,id=n"
                " -device virtio-net-pci,netdev=n,romfile=")
SNAPSHOT = f"-drive file={Disk.host_path},if=none,id=d,format=raw,snapshot=on {NET_AND_DISK}"
MIGRATION = f"-drive file=/run/migration.img,if=none,id=d,format=raw {NET_AND_DISK}"
MMIO = (f"-drive file={Disk.host_path},if=none,id=d,format=raw,snapshot=on"
        " -device virtio-blk-device,drive=d"
        " -netdev user,id=n -device virtio-net-device,netdev=n -device virtio-rng-device")
# Debian's own user space on a disk: the host's second one.
SYSTEM = "-drive file=/dev/vdb,if=none,id=d,format=raw,snapshot=on -device virtio-blk-pci,drive=d"


def start_devices(vm):
    """Drivers of all devices that a guest here may have; an address for its network."""
    vm.run("""for m in mmio blk net rng balloon; do modprobe virtio_$m; done
        ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up""")


class Shared:
    """One guest with 4 vCPUs and all devices, which tests use one after the other."""

    vm = None

    @classmethod
    def get(cls, machine):
        if cls.vm and (cls.vm.ended() or cls.vm.host is not machine):
            cls.vm = None
        if not cls.vm:
            machine.run("""for f in hvc data; do
                rm -f /run/$f.in /run/$f.out; mkfifo /run/$f.in /run/$f.out; done""")
            cls.vm = Guest(machine, smp=4, qemu=PCI).start()
            start_devices(cls.vm)
        return cls.vm

    @classmethod
    def close(cls):
        vm, cls.vm = cls.vm, None
        if vm and not vm.ended():
            vm.stop()

    @classmethod
    def drop(cls):
        """After a failure, in which the guest may have had a part."""
        vm, cls.vm = cls.vm, None
        if vm and not vm.ended() and vm.host._why_dead() is None:
            vm.kill()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    item.failed_in_call = call.when == "call" and outcome.get_result().failed


@pytest.fixture
def vm(linux_host, request):
    yield Shared.get(linux_host.machine)
    if getattr(request.node, "failed_in_call", False):
        Shared.drop()


PATTERN = f"seq 1 3000000 | head -c {DISK_MIB << 20 >> 1} >/tmp/pattern"


def check_written(vm):
    """What check_disk() has written is there."""
    vm.run(f"""set -e; {PATTERN}
        head -c $(stat -c %s /tmp/pattern) /dev/vda | cmp - /tmp/pattern; rm /tmp/pattern""")


def check_disk(vm, disk):
    """Reads what the host has put there, then writes and reads back; past all caches."""
    assert disk.sha256 in vm.output("sha256sum /dev/vda")
    vm.run(f"""set -e; {PATTERN}
        cat /tmp/pattern >/dev/vda; sync; echo 3 >/proc/sys/vm/drop_caches""")
    check_written(vm)


def check_download(vm, disk):
    got = vm.output("wget -q -O - http://10.0.2.2:8000/disk.img | sha256sum", timeout=400)
    assert disk.sha256 in got


def interrupts(vm, pattern):
    """Interrupts so far of the lines of /proc/interrupts that match."""
    count = vm.output(f"""awk '/{pattern}/ {{ for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i }}
                      END {{ print n + 0 }}' /proc/interrupts""")
    return int(count)


def check_each_interrupt(vm, pattern):
    """From each CPU, one request at a time: if its interrupt is lost, it never ends.

    Where several are under way the next one's interrupt makes up for a lost one.
    """
    requests = 250
    for cpu in range(int(vm.output("nproc"))):
        before = interrupts(vm, pattern)
        vm.run(f"taskset -c {cpu} dd if=/dev/vda of=/dev/null bs=4k count={requests} iflag=direct")
        assert interrupts(vm, pattern) - before >= requests


def passed(result, names):
    """Each of the program's own checks is there, and is ok."""
    found = {name: (ok, detail) for name, ok, detail in result.results()}
    assert sorted(found) == sorted(names), result.output
    assert all(ok for ok, _ in found.values()), result.output
