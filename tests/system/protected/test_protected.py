# SPDX-License-Identifier: GPL-2.0-only
"""A stock Debian kernel as a protected VM: what the host can't read, and gets back zeroed."""

import pytest

from redoubt_test import ownermap
from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import GUEST_PROGRAMS
from redoubt_test.secret import look_for_secret, write_secret


@pytest.fixture(scope="module")
def host():
    options = host_options(mem=1536, guests=2,
                           files={"redoubt/memscan": GUEST_PROGRAMS / "memscan"})
    with with_redoubt(**options, name="test-protected") as m:
        m.load_redoubt()
        yield m


def guest_bytes(host):
    owners = ownermap.parse(host.output("cat /sys/kernel/debug/redoubt/owners"))
    return ownermap.bytes_of(owners, "vm")


def test_a_protected_guest_keeps_its_secret(host):
    """Nothing is found while it runs, and nothing in its memory once the host has that back."""
    with Guest(host, mem=256, protected=True) as vm:
        write_secret(vm)
        assert guest_bytes(host) > 32 << 20
        assert look_for_secret(host) == 0
        vm.run("sha256sum /run/secret")
    assert guest_bytes(host) == 0
    assert look_for_secret(host) == 0


def test_sigkill_returns_zeroed_memory(host):
    vm = Guest(host, mem=256, protected=True).start()
    write_secret(vm)
    vm.kill()
    assert guest_bytes(host) == 0
    assert look_for_secret(host) == 0


def test_several_cpus(host):
    with Guest(host, smp=2, mem=256, protected=True) as vm:
        assert int(vm.output("nproc")) == 2
        vm.run("for i in 1 2 3 4; do seq 1 20000 | md5sum & done | sort -u | wc -l | grep -qx 1")


def test_beside_an_ordinary_guest(host):
    with Guest(host, 0, mem=256, protected=True) as closed, Guest(host, 1, mem=256) as open_:
        for vm in (closed, open_):
            vm.run("seq 1 50000 | md5sum; head -c 30000000 /dev/zero | sha256sum")


def test_an_ordinary_guest_has_no_secrets(host):
    """The check can fail: an ordinary VM's secret is found. Last, for it stays in free memory."""
    with Guest(host, mem=256) as vm:
        write_secret(vm)
        assert look_for_secret(host) > 0


def test_module_leaves_after_protected_guests():
    with with_redoubt(**host_options(mem=1536)) as m:
        m.load_redoubt()
        with Guest(m, mem=256, protected=True) as vm:
            assert m.run("rmmod redoubt", check=False).status != 0
            vm.run("true")
        m.run("rmmod redoubt")
