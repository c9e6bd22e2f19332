# SPDX-License-Identifier: GPL-2.0-only
"""The host and the guest that most tests here share, and what must be left when a guest is gone."""

import hashlib
import os

import pytest

from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD, GUEST_PROGRAMS, TOP

DISK_MIB = 24
LOAD = TOP / "tests" / "guest" / "load"


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


def host_state(host):
    """What guests must not change for longer than they live: VMs, EL2's pages, guests' pages."""
    owners = host.output("cat /sys/kernel/debug/redoubt/owners")
    state = {"vms": int(host.output("awk '$1 == \"VMS\" { print $2 }' "
                                    "/sys/kernel/debug/redoubt/stats")), "lent": 0}
    for line in owners.splitlines():
        _, pages, owner, *lent = line.split()
        state[owner] = state.get(owner, 0) + int(pages)
        state["lent"] += int(pages) if "guests" in lent else 0
    return state


class LinuxHost:
    """A host with the module, and as it was before its first guest."""

    def __init__(self, machine):
        self.machine = machine
        self.before = host_state(machine)

    def assert_nothing_left(self):
        """Counted when no guest lives: what a guest leaves behind shows as a difference."""
        now = host_state(self.machine)
        # The host's own page moves are no matter here.
        assert {**now, "host": 0} == {**self.before, "host": 0}


@pytest.fixture(scope="session")
def linux_host(disk):
    files = {"redoubt/guest/disk.img": disk.path}
    guest_files = {"redoubt/timercheck": GUEST_PROGRAMS / "timercheck", "redoubt/load": LOAD}
    options = host_options(mem=2560, guests=2, files=files, guest_files=guest_files,
                           name="test-linux")
    with with_redoubt(**options) as m:
        m.load_redoubt()
        m.run("busybox httpd -p 8000 -h /redoubt/guest")  # for guests at 10.0.2.2
        shared = LinuxHost(m)
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
))


class Shared:
    """One guest with 4 vCPUs and all devices, which tests use one after the other."""

    vm = None

    @classmethod
    def get(cls, machine):
        if cls.vm and (cls.vm.ended() or cls.vm.host is not machine):
            cls.vm = None
        if not cls.vm:
            cls.vm = Guest(machine, smp=4, qemu=PCI).start()
            cls.vm.run("modprobe virtio_blk; modprobe virtio_net; modprobe virtio_rng;"
                       "modprobe virtio_balloon; ip addr add 10.0.2.15/24 dev eth0;"
                       "ip link set eth0 up")
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


def passed(result, names):
    """Each of the program's own checks is there, and is ok."""
    found = {name: (ok, detail) for name, ok, detail in result.results()}
    assert sorted(found) == sorted(names), result.output
    assert all(ok for ok, _ in found.values()), result.output
