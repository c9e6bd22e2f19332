# SPDX-License-Identifier: GPL-2.0-only
"""Attacks on a guest's memory and registers, by its VMM and by the host's kernel.

Each is made on an ordinary VM too, where it succeeds: so an attempt that is no good is found.
"""

import subprocess

import pytest

from redoubt_test.guest import Guest, host_options
from redoubt_test.kexec import KEXEC_MACHINE, kexec_files, load_kernel  # noqa: F401
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD, GUEST_PROGRAMS, KERNEL, TOP
from redoubt_test.secret import look_for_secret, write_secret

pytestmark = pytest.mark.skipif(KERNEL == "64k", reason="the project's 64K kernel has no swap")

ATTACK = "/sys/kernel/debug/attack"
# Two nodes, for migration; a disk of compressed memory, for swap.
NUMA = ["-object", "memory-backend-ram,id=m0,size=768M",
        "-object", "memory-backend-ram,id=m1,size=768M",
        "-numa", "node,nodeid=0,memdev=m0,cpus=0", "-numa", "node,nodeid=1,memdev=m1,cpus=1"]
SWAP = """
    modprobe zram; echo 64M >/sys/block/zram0/disksize
    mkswap /dev/zram0 && swapon /dev/zram0"""

# attack: what comes of it on an ordinary VM, and on a protected one
OUTCOMES = {
    "user-read": ("secret", "SIGBUS"),
    "user-write": ("changed", "SIGBUS"),
    "system-call-read": ("secret", "EFAULT"),
    "system-call-write": ("changed", "EFAULT"),
    "process_vm_readv": ("secret", "EFAULT"),
    "process_vm_writev": ("changed", "EFAULT"),
    "ptrace-peek": ("secret", "EIO"),
    "ptrace-poke": ("changed", "EIO"),
    "proc-mem-read": ("secret", "EIO"),
    "proc-mem-write": ("changed", "EIO"),
    "fork": ("secret", "SIGSEGV"),
    "dofork": ("secret", "EINVAL"),
    "core-dump": ("secret", "EINVAL"),
    "ksm": ("merged", "not merged"),
    "swap": ("on the disk", "not on the disk"),
    "migration": ("moved", "EFAULT"),
    "dontneed": ("changed", "unchanged"),
    "map-over": ("changed", "unchanged"),
    "userfaultfd": ("changed", "EINVAL"),
    "second-vm": ("secret", "EPERM"),
    "second-protected-vm": ("EPERM", "EPERM"),
    "twice-in-one-vm": ("secret", "EPERM"),
    "remap": ("changed", "EPERM"),
    "kcore": ("secret", "not found"),
    "registers-read": ("secret", "EPERM"),
    "registers-write": ("changed", "EPERM"),
    "after-the-end": ("secret", "zeroes"),
}


@pytest.fixture(scope="module")
def small_host():
    """For a VMM of our own."""
    files = {"redoubt/protvm": GUEST_PROGRAMS / "protvm"}
    with with_redoubt(files=files, mem=1536, qemu=NUMA, smp=2, name="attack-vmm") as m:
        m.load_redoubt("locked=1")
        m.run(SWAP)
        yield m


@pytest.fixture(scope="module")
def host():
    """For Linux guests under QEMU."""
    subprocess.run([TOP / "mk" / "test-module", "4k", "attack"], check=True)
    files = {"redoubt/attack.ko": BUILD / "guest" / "4k" / "attack" / "attack.ko",
             "redoubt/memscan": GUEST_PROGRAMS / "memscan",
             "redoubt/touchpage": GUEST_PROGRAMS / "touchpage"}
    with with_redoubt(**host_options(mem=1536, files=files), name="attack-guests") as m:
        m.load_redoubt("locked=1")
        m.run("insmod /redoubt/attack.ko")
        yield m


@pytest.mark.parametrize("name", OUTCOMES)
def test_vmm(small_host, attacks, name):
    """A VMM that means no good, and others who may trace it. No oops comes of any."""
    got = small_host.output(f"protvm --ordinary attack {name}; protvm attack {name}").splitlines()
    for kind, expected, outcome in zip(("ordinary", "protected"), OUTCOMES[name], got):
        attacks.append([f"{kind} VM: {name}", expected, outcome])
    assert tuple(got) == OUTCOMES[name]


def held_by_el2(host):
    """Not the pages of its pool: how many the host's tables take is the host's doing."""
    owners = host.output("cat /sys/kernel/debug/redoubt/owners")
    return [line for line in owners.splitlines() if " hyp" in line]


def test_hostile_guest(small_host, attacks):
    """Every hypercall's number, wild arguments, all it can lend: EL2 has as much memory as before."""
    before = held_by_el2(small_host)
    got = small_host.run("protvm hostile", check=False, timeout=300).output.strip()
    attacks.append(["protected VM: a guest's calls, numbers, arguments, greed", "ok", got])
    assert got == "ok"
    assert held_by_el2(small_host) == before


def test_all_attacks_are_listed(small_host):
    assert small_host.output("protvm attack").splitlines() == list(OUTCOMES)


def kernel_attacks(host, attacks):
    rows = [line.split("\t") for line in host.output(f"cat {ATTACK}/running", timeout=400).splitlines()]
    attacks += rows
    wrong = [row for row in rows if row[1] != row[2]]
    assert len(rows) >= 3 and not wrong, "attack, expected, got:\n" + "\n".join(map(str, wrong))


# A process that has a guest's pages mapped, as with a /dev/mem without restrictions.
MAPPED = {"ordinary": {"read": "nothing happened", "copy": "copied"},
          "protected": {"read": "SIGBUS", "write": "SIGBUS", "execute": "SIGBUS", "copy": "EFAULT"}}


def mapped_attacks(host, attacks, kind):
    for how, expected in MAPPED[kind].items():
        got = dict(line.rsplit(" ", 1) for line in
                   host.output(f"touchpage {how} {ATTACK}/guest_page").splitlines())
        attacks.append([f"{kind} VM: its pages mapped into a process: {how}", expected,
                        " ".join(got)])
        assert list(got) == [expected] and int(got[expected]) >= 16


def test_kernel_and_a_protected_guest(host, attacks):
    """Every page, by every mapping; then the guest still has what it had. Killed, nothing is left."""
    with Guest(host, mem=256, protected=True) as vm:
        write_secret(vm)
        before = vm.output("sha256sum /run/secret")
        kernel_attacks(host, attacks)
        mapped_attacks(host, attacks, "protected")
        assert vm.output("sha256sum /run/secret") == before
        found = look_for_secret(host)
        vm.kill()
    after = look_for_secret(host)
    for when, count in (("running", found), ("killed", after)):
        attacks.append([f"protected VM: a Linux guest's secret in /proc/kcore, {when}", "0",
                        str(count)])
    assert (found, after) == (0, 0)
    assert " vm" not in host.output("cat /sys/kernel/debug/redoubt/owners")


def test_kernel_and_an_ordinary_guest(host, attacks):
    """The same attempts succeed. The last test: its secret stays in free memory."""
    with Guest(host, mem=256) as vm:
        write_secret(vm)
        kernel_attacks(host, attacks)
        mapped_attacks(host, attacks, "ordinary")
        found = look_for_secret(host)
        attacks.append(["ordinary VM: a Linux guest's secret in /proc/kcore", "found",
                        "found" if found else "not found"])
        assert found


@pytest.mark.parametrize("kind", ["ordinary", "protected"])
def test_crash_kernel(kexec_files, attacks, kind):
    """The host crashes on purpose, and the crash kernel looks through what was its memory."""
    files = {**kexec_files, "redoubt/protvm": GUEST_PROGRAMS / "protvm"}
    with with_redoubt(files=files, cmdline="crashkernel=512M",
                      allowed=["sysrq", "Call trace", "Internal error", "Unable to handle"],
                      **{**KEXEC_MACHINE, "mem": 1536}) as m:
        m.load_redoubt("locked=1")
        m.run(load_kernel("p", "second=1 maxcpus=1 panic=0"))
        option = "--ordinary " if kind == "ordinary" else ""
        m.run(f"protvm {option}hold >/run/hold & until grep -q ready /run/hold; do :; done")
        m.channel.send("echo c >/proc/sysrq-trigger")
        m.channel.wait_ready(180)
        # An oops for each page of EL2's and the guest's: more than a serial line wants to print.
        words = m.output("echo 0 >/proc/sys/kernel/printk; protvm vmcore", timeout=240).split()
    found, refused, mib = int(words[0]), int(words[2]), int(words[5])
    attacks.append([f"{kind} VM: its secret in /proc/vmcore of a crash kernel",
                    "found" if kind == "ordinary" else "not found",
                    "found" if found else "not found"])
    assert mib > 512, "little was read"
    # 64 pages of data, some of code; EL2's are refused in any case.
    assert found > 1000 if kind == "ordinary" else not found and refused > 65
