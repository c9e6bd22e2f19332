# SPDX-License-Identifier: GPL-2.0-only
"""What a debug build can be told (kmod/testing.h), and a release build can't; memory that runs out."""

import os
import subprocess

import pytest

from redoubt_test import ownermap
from redoubt_test.machine import Machine, with_redoubt
from redoubt_test.paths import BUILD, GUEST_PROGRAMS, TOP

FILES = {"redoubt/protvm": GUEST_PROGRAMS / "protvm"}
# Allocations of one VM's life, and what EL2 may lack memory for at its end, and some more.
ALLOCATIONS = 100


@pytest.fixture(scope="module")
def debug_host():
    subprocess.run(["make", "hyp", "RD_DEBUG=1"], cwd=TOP, check=True)
    subprocess.run([TOP / "mk" / "module", "4k"], env={**os.environ, "RD_DEBUG": "1"}, check=True)
    files = {**FILES, "redoubt/redoubt.ko": BUILD / "kmod" / "4k-debug" / "redoubt.ko"}
    with Machine(files=files, name="debug-build") as m:
        yield m


def test_a_debug_build_leaves_vms_open(debug_host):
    m = debug_host
    m.load_redoubt("leave_open=1")
    assert m.output("protvm attack user-read").strip() == "secret"
    assert "left open" in m.output("dmesg")
    m.run("echo 0 >/sys/module/redoubt/parameters/leave_open")
    assert m.output("protvm attack user-read").strip() == "SIGBUS"
    m.run("rmmod redoubt")


def test_a_release_build_does_not():
    with with_redoubt(files=FILES, name="release-build") as m:
        m.load_redoubt("leave_open=1 fail_after=0")
        assert "unknown parameter 'leave_open' ignored" in m.output("dmesg")
        assert m.output("ls /sys/module/redoubt/parameters").split() == ["blank_regs", "locked"]
        assert m.output("protvm attack user-read").strip() == "SIGBUS"


def owned(host, who):
    return ownermap.bytes_of(ownermap.parse(host.output("cat /sys/kernel/debug/redoubt/owners")), who)


def test_each_allocation_may_fail(debug_host):
    """An errno and a VM that goes on, or ends; in any case no page is lost, nor kept for good."""
    m = debug_host
    m.load_redoubt()
    before = owned(m, "hyp")
    results = m.output(f"""
        fail_after=/sys/module/redoubt/parameters/fail_after; dmesg -c >/dev/null
        for n in $(seq 0 {ALLOCATIONS}); do
            echo $n >$fail_after
            text=$(protvm life 2>&1); echo "$n $? $(cat $fail_after) $text"
        done
        echo -1 >$fail_after""", timeout=300).splitlines()
    status = [int(line.split()[1]) for line in results]
    left = [int(line.split()[2]) for line in results]
    assert len(status) == ALLOCATIONS + 1 and set(status) <= {0, 1, 3}
    assert all("Cannot allocate memory" in line for line in results if line.split()[1] == "1")
    assert status[0] != 0 and left[0] < 0 <= left[-1], "nothing failed, or more may than was tried"
    # An end that had to wait holds the module until it has come.
    assert int(m.output("dmesg | grep -c 'EL2 can.t give all of its memory back yet: -12'")) >= 1
    m.run("until grep -qx 0 /sys/module/redoubt/refcnt; do :; done", timeout=60)
    assert (owned(m, "vm"), owned(m, "hyp")) == (0, before)
    m.run("protvm life")
    m.run("rmmod redoubt")
