# SPDX-License-Identifier: GPL-2.0-only
"""A hostile kernel and a hostile program against EL2: each attack is refused as documented.

What was tried, what should come of it and what did is in build/reports/attacks.tsv.
"""

import subprocess

import pytest

from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD, TOP

KERNEL = "4k"
ATTACK = "/sys/kernel/debug/attack"


@pytest.fixture(scope="module")
def attacks():
    rows = []
    yield rows
    report = BUILD / "reports" / "attacks.tsv"
    report.parent.mkdir(parents=True, exist_ok=True)
    lines = ["attack\texpected\tgot"] + ["\t".join(row) for row in rows]
    report.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def host():
    subprocess.run([TOP / "mk" / "test-module", KERNEL, "attack"], check=True)
    module = BUILD / "guest" / KERNEL / "attack" / "attack.ko"
    files = {"redoubt/attack.ko": module, "redoubt/touchpage": BUILD / "guest" / "touchpage"}
    # Oopses are what deadly attacks end with; each test looks for its own.
    with with_redoubt(kernel=KERNEL, smp=2, mem=1024, files=files,
                      allowed=["Internal error", "Unable to handle", "Call trace"]) as m:
        m.load_redoubt("locked=1")
        m.run("insmod /redoubt/attack.ko")
        yield m


@pytest.mark.parametrize("group", ["memory", "calls", "numbers", "smc", "race", "vcpu", "mmio", "fuzz"])
def test_group(host, attacks, group):
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


@pytest.mark.parametrize("what, oops", [
    ("read", "unreadable memory"),
    ("write", "read-only memory|unreadable memory|write to"),
    ("execute", "execute from non-executable memory|Unable to handle kernel"),
    ("sysreg", "undefined instruction"),
], ids=["read", "write", "execute", "sysreg"])
def test_deadly(host, attacks, what, oops):
    """The kernel has no fixup for these: the task dies with an oops, and nothing else does."""
    result = host.run(f"dmesg -c >/dev/null; (echo {what} >{ATTACK}/deadly); echo $?; "
                      f"dmesg | grep -Ei '{oops}'", check=False)
    refused = result.output.split("\n", 1)[0].strip() != "0"
    attacks.append([f"deadly: {what}", "oops", "oops" if refused and not result.status else "lived"])
    assert refused, "the task lived"
    assert result.status == 0, f"no oops that says {oops!r}"
    assert host.output("echo alive").strip() == "alive"


@pytest.mark.parametrize("how", ["read", "write", "execute", "copy"])
def test_process(host, attacks, how):
    """A process that has EL2's page mapped gets SIGBUS; a system call on it, EFAULT."""
    expected = {"copy": "EFAULT"}.get(how, "SIGBUS")
    got = host.output(f"touchpage {how} {ATTACK}/page").strip()
    attacks.append([f"process: {how}", expected, got])
    assert got == expected
