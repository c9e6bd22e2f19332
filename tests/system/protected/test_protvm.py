# SPDX-License-Identifier: GPL-2.0-only
"""What a protected VM promises its guest and its VMM, by a VMM of our own (tests/guest/protvm)."""

import random
import re

import pytest

from redoubt_test import ownermap
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import GUEST_PROGRAMS

MOMENTS = 30
LIVES = 300


@pytest.fixture(scope="module", params=["4k", "16k"])
def host(request):
    with with_redoubt(kernel=request.param, mem=1024, name=f"protvm-{request.param}",
                      files={"redoubt/protvm": GUEST_PROGRAMS / "protvm"},
                      allowed=["Call trace"]) as m:  # the kernel's, of a full cgroup
        m.load_redoubt()
        yield m
        m.run("rmmod redoubt")


def guest_bytes(host):
    owners = ownermap.parse(host.output("cat /sys/kernel/debug/redoubt/owners"))
    return ownermap.bytes_of(owners, "vm")


def protvm(host, arguments):
    result = host.run(f"protvm {arguments}", check=False)
    assert (result.output.strip(), result.status) == ("ok", 0)


@pytest.mark.parametrize("what", [
    "contents",             # loaded before the first run: kept, and then out of reach
    "--ordinary contents",
    "share",                # windows, also on pages that the guest hasn't got yet
    "relinquish",           # pages for good: zeroed, usable, off the account; pages and blocks
    "relinquish block",
    "registers",            # nowhere in the host's memory while the VMM has the vCPU
    "features",             # ID registers, and what is executed all the same
    "--ordinary features",
])
def test_protvm(host, what):
    protvm(host, what)
    assert guest_bytes(host) == 0


def runs(host):
    return int(re.search(r"^RUNS +(\d+)", host.output("cat /sys/kernel/debug/redoubt/stats"),
                         re.M)[1])


def test_blocks_are_given_as_blocks(host):
    """16 MiB of huge pages: an exit each. With 16K pages a huge page is more than one call."""
    before = runs(host)
    protvm(host, "blocks")
    faults = runs(host) - before
    assert faults < 60 if host.kernel.flavour == "4k" else faults >= 1024


def test_limit_of_locked_memory(host):
    """One clear line, an errno, and the guest goes on once there is more."""
    host.run("dmesg -c >/dev/null")
    protvm(host, "memlock")
    lines = host.output("dmesg | grep RLIMIT_MEMLOCK").splitlines()
    assert len(lines) == 1 and "raise it" in lines[0]


def test_memory_cgroup(host):
    """The VMM of a cgroup that is full is the kernel's to end; the memory comes back."""
    script = """
        grep -q cgroup2 /proc/mounts || mount -t cgroup2 none /sys/fs/cgroup
        mkdir -p /sys/fs/cgroup/c && echo +memory >/sys/fs/cgroup/cgroup.subtree_control
        echo 24M >/sys/fs/cgroup/c/memory.max
        sh -c 'echo $$ >/sys/fs/cgroup/c/cgroup.procs; exec protvm fill 64' >/dev/null 2>&1
        echo $?
        grep '^oom_kill ' /sys/fs/cgroup/c/memory.events"""
    status, kills = host.output(f"({script}) 2>/dev/null").split("\n")[-2:]
    assert status == "137" and int(kills.split()[1]) >= 1
    assert guest_bytes(host) == 0


def test_host_out_of_memory(host):
    """No memory is left for a donation: the kernel ends the VMM, and has all of it back."""
    host.run("dmesg -c >/dev/null")
    fill = "protvm fill $(awk '/^MemTotal/ { print int($2 / 1024) - 16 }' /proc/meminfo)"
    assert host.run(fill, check=False, timeout=300).status == 137
    assert "Out of memory: Killed process" in host.output("dmesg")
    assert guest_bytes(host) == 0


def test_sigkill_at_any_moment(host):
    """Killed at a random moment of a VM's life, again and again: all comes back, zeroed."""
    moments = random.Random(6)
    script = "\n".join(f"""
        protvm churn >/run/churn & pid=$!
        while ! grep -q ready /run/churn; do :; done
        usleep {moments.randrange(400000)}
        kill -9 $pid; wait $pid
        n=$((n + $(grep -c ' vm' /sys/kernel/debug/redoubt/owners)))"""
                        for _ in range(MOMENTS))
    assert host.output(f"n=0\n{script}\necho $n", timeout=400).split("\n")[-1] == "0"
    assert guest_bytes(host) == 0
    assert int(host.output("protvm kcore")) == 0


def test_lives_side_by_side(host):
    """One VM's end never meets another's beginning, although EL2 names both by one number."""
    host.run("dmesg -c >/dev/null")
    ended = host.output(f"""
        for who in 1 2 3 4; do protvm lives {LIVES} >/run/lives.$who 2>&1 & done
        wait
        cat /run/lives.?""", timeout=300).split()
    assert ended == ["ok"] * 4
    assert host.run("dmesg | grep EL2", check=False).output == ""
    assert guest_bytes(host) == 0


REFUSED = "EPERM"
# Where the answer is another: the slot is new and holds no page yet; nothing is set; the counter
# is the host's, and QEMU reads it and writes it, which has no effect.
OTHERWISE = {"get timer's count": "done", "set timer's count": "done",
             "a slot read-only": "done", "set no events": "done", "steal time": "ENXIO",
             "the registers after all that": "0", "the memory after all that": "0",
             "the registers at the end": "0"}


def ioctls(host, arguments):
    return dict(line.split("\t") for line in host.output(f"protvm {arguments}").splitlines())


def test_ioctls(host):
    """Each is refused on a vCPU that has run; what an ordinary one allows shows that it's right."""
    closed, ordinary = ioctls(host, "ioctls"), ioctls(host, "--ordinary ioctls")
    assert closed == {name: OTHERWISE.get(name, REFUSED) for name in closed}
    assert sum(answer == "done" for answer in ordinary.values()) > 35


def test_ordinary_registers_are_found(host):
    """Last: what an ordinary VM leaves in free memory stays there."""
    protvm(host, "--ordinary registers")
