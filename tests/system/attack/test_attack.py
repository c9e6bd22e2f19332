# SPDX-License-Identifier: GPL-2.0-only
"""A hostile kernel and a hostile program against EL2: each attack is refused as documented.

What was tried, what should come of it and what did is in build/reports/attacks.tsv.
"""

import subprocess

import pytest

from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD, KERNEL, TOP

ATTACK = "/sys/kernel/debug/attack"


@pytest.fixture(scope="module")
def attack_files():
    subprocess.run([TOP / "mk" / "test-module", KERNEL, "attack"], check=True)
    module = BUILD / "guest" / KERNEL / "attack" / "attack.ko"
    return {"redoubt/attack.ko": module, "redoubt/touchpage": BUILD / "guest" / "touchpage"}


@pytest.fixture(scope="module")
def host(attack_files):
    # Oopses are what deadly attacks end with; each test looks for its own.
    with with_redoubt(smp=2, mem=1024, files=attack_files,
                      allowed=["Internal error", "Unable to handle", "Call trace"]) as m:
        m.load_redoubt("locked=1")
        m.run("insmod /redoubt/attack.ko")
        yield m


@pytest.mark.parametrize("group", ["memory", "calls", "numbers", "smc", "race", "vcpu", "guest",
                                   "mmio", "protected", "fuzz"])
def test_group(host, attacks, group):
    judge(host, attacks, group)


def judge(host, attacks, group):
    """Every line of a group's report says what was expected; EL2 owns afterwards what it did."""
    before = host.output("cat /sys/kernel/debug/redoubt/owners")
    text = host.output(f"cat {ATTACK}/{group}", timeout=240)
    rows = [line.split("\t") for line in text.splitlines()]
    assert rows, "the group reported nothing"
    attacks += rows
    wrong = [row for row in rows if row[1] != row[2]]
    assert not wrong, "attack, expected, got:\n" + "\n".join(map(str, wrong))
    after = host.output("cat /sys/kernel/debug/redoubt/owners")
    assert hyp_ranges(before) == hyp_ranges(after)


def hyp_ranges(owners):
    return [line for line in owners.splitlines() if " hyp" in line]


SYSREGS = ("hcr_el2", "vttbr_el2", "vtcr_el2", "sctlr_el2", "vbar_el2", "ttbr0_el2", "cptr_el2",
           "mdcr_el2", "cnthctl_el2", "tpidr_el2")


DEADLY = {
    "read": "unreadable memory",
    "write": "read-only memory|unreadable memory|write to",
    "execute": "execute from non-executable memory|Unable to handle kernel",
    **{f"sysreg {name}": "undefined instruction" for name in SYSREGS},
}


@pytest.mark.parametrize("what", DEADLY)
def test_deadly(host, attacks, what):
    """The kernel has no fixup for these: the task dies with an oops, and nothing else does."""
    oops = DEADLY[what]
    result = host.run(f"dmesg -c >/dev/null; (echo {what} >{ATTACK}/deadly); echo $?; "
                      f"dmesg | grep -Ei '{oops}'", check=False)
    refused = result.output.split("\n", 1)[0].strip() != "0"
    attacks.append([f"deadly: {what}", "oops", "oops" if refused and not result.status else "lived"])
    assert refused, "the task lived"
    assert result.status == 0, f"no oops that says {oops!r}"
    assert host.output("echo alive").strip() == "alive"


@pytest.mark.parametrize("how", ["read", "write", "execute", "copy"])
def test_process(host, attacks, how):
    """A process that has EL2's pages mapped gets SIGBUS at each; a system call on them, EFAULT."""
    expected = {"copy": "EFAULT"}.get(how, "SIGBUS")
    got = dict(line.split() for line in host.output(f"touchpage {how} {ATTACK}/page").splitlines())
    attacks.append([f"process: {how}, all of EL2's pages", expected, " ".join(got)])
    assert list(got) == [expected]
    assert int(got[expected]) == hyp_pages(host)


def hyp_pages(host):
    owners = host.output("cat /sys/kernel/debug/redoubt/owners").splitlines()
    return sum(int(line.split()[1]) for line in owners if line.split()[2] == "hyp")


def test_open(attack_files, attacks):
    """What may cost the host a CPU, or EL2 if it went wrong: on a machine of its own."""
    with with_redoubt(smp=2, files=attack_files) as m:
        m.load_redoubt()
        m.run("insmod /redoubt/attack.ko; echo 0 >/sys/devices/system/cpu/cpu1/online")
        judge(m, attacks, "open")
