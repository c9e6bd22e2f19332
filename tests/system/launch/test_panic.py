# SPDX-License-Identifier: GPL-2.0-only
"""EL2 panics, as only a bug of its own can make it: what the host prints, and how it ends.

The module is a debug build (make module-debug), whose EL2 panics when it is asked to.
"""

import re

import pytest

from redoubt_test.machine import Machine
from redoubt_test.paths import BUILD, KERNEL

pytestmark = pytest.mark.skipif(KERNEL != "4k", reason="the debug build is for the 4K kernel")

MODULE = BUILD / "kmod" / "4k-debug" / "redoubt.ko"
ASSERT, FAULT = 1, 2

HEX = "[0-9a-f]{16}"


def panicked(how):
    """The console's lines from the panic on, of a machine that has ended by itself."""
    m = Machine(files={"redoubt/redoubt.ko": MODULE}, smp=2, allowed=[".*"]).start()
    try:
        m.load_redoubt()
        start = m.console.mark()
        m.channel.send(f"echo {how} >/sys/kernel/debug/redoubt/panic")
        m.wait_ended()
        return m.console.lines[start:]
    finally:
        m.kill()


def frames(lines):
    """The functions of the backtrace, the innermost first."""
    found = [re.search(r"\[([0-9a-f]{6})\] ([\w.]+)\+0x[0-9a-f]+$", line) for line in lines]
    return [f[2] for f in found if f]


def registers(lines):
    return {name: int(value, 16) for line in lines
            for name, value in re.findall(rf"\b(x\d+|sp)\s+({HEX})", line)}


def check_way_in(named):
    """The call's way into EL2, from its own functions on."""
    named = named[named[0] == "hyp_assert_failed":]
    assert named[0].startswith("debug_panic") or named[0] == "hvc_debug", named
    ways = [n for n in named if n in ("hvc_debug", "hvc_host", "host_sync_entry")]
    assert ways == ["hvc_debug", "hvc_host", "host_sync_entry"], named


def check_common(lines):
    text = "\n".join(lines)
    assert re.search(r"redoubt: EL2 panic on CPU [01]$", text, re.M)
    assert re.search(rf"ELR {HEX} SPSR {HEX}$", text, re.M)
    # No protected VM has existed, so that registers are there: all of them.
    found = registers(lines)
    assert set(found) == {f"x{i}" for i in range(31)} | {"sp"}
    assert found["sp"] and found["x30"] and found["x29"]
    # The kernel stops its own way, with its reason and its own backtrace.
    assert "Kernel panic - not syncing: redoubt: EL2 panic" in text
    assert "Call trace:" in text


def test_panic_by_a_failed_assertion_says_which():
    lines = panicked(ASSERT)
    check_common(lines)
    words = [line for line in lines if "assertion failed" in line]
    assert len(words) == 1
    assert re.search(r"debug_panic\.c:\d+: assertion failed: how != RD_DEBUG_ASSERT$", words[0])
    check_way_in(frames(lines))


def test_panic_by_an_access_to_what_is_not_mapped():
    lines = panicked(FAULT)
    check_common(lines)
    vector = [re.search(rf"vector (\d+): ESR ({HEX}) FAR ({HEX})", line) for line in lines]
    vector = [v for v in vector if v]
    assert len(vector) == 1 and int(vector[0][1]) == 4  # EL2's own, synchronous, SP_EL2
    assert int(vector[0][2], 16) >> 26 == 0x25  # a data abort at EL2
    assert int(vector[0][3], 16) & 0xfff == 0xff8
    named = frames(lines)
    assert named[0] == "debug_panic_fault", named
    check_way_in(named)


def test_panic_on_purpose_is_not_in_other_builds():
    release = BUILD / "kmod" / "4k" / "redoubt.ko"
    assert b"debug_panic" in MODULE.read_bytes()
    assert b"debug_panic" not in release.read_bytes()
