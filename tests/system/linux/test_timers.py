# SPDX-License-Identifier: GPL-2.0-only
"""Timers of a vCPU, looked at by programs of our own rather than by a guest's kernel."""

from conftest import passed
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD


def test_wakes_whenever_its_timer_fires():
    """Deadlines at every counter tick (16 instructions) of a vCPU's way to sleep."""
    files = {"redoubt/timersweep": BUILD / "guest" / "timersweep"}
    with with_redoubt(smp=1, icount=True, files=files) as m:
        m.load_redoubt()
        passed(m.run("/redoubt/timersweep 4000", check=False), ["virtual", "physical"])
