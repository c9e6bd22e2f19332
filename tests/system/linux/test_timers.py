# SPDX-License-Identifier: GPL-2.0-only
"""Timers of a vCPU, looked at by programs of our own rather than by a guest's kernel."""

from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD


def passed(result, names):
    """Each of the program's own checks is there, and is ok."""
    found = {name: (ok, detail) for name, ok, detail in result.results()}
    assert sorted(found) == sorted(names), result.output
    assert all(ok for ok, _ in found.values()), result.output


def test_wakes_whenever_its_timer_fires():
    """Deadlines at every counter tick (16 instructions) of a vCPU's way to sleep."""
    files = {"redoubt/timersweep": BUILD / "guest" / "timersweep"}
    with with_redoubt(smp=1, icount=True, files=files) as m:
        m.load_redoubt()
        passed(m.run("/redoubt/timersweep 4000", check=False), ["virtual", "physical"])
