# SPDX-License-Identifier: GPL-2.0-only
"""Timers of a vCPU, looked at by programs of our own rather than by a guest's kernel."""

from conftest import passed
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD, GUEST_PROGRAMS


def test_wakes_whenever_its_timer_fires():
    """Deadlines at every counter tick (16 instructions) of a vCPU's way to sleep.

    Time is instructions here, so that it can be said what is late: 24,000 of them.
    """
    files = {"redoubt/timersweep": BUILD / "guest" / "timersweep"}
    with with_redoubt(smp=1, icount=True, files=files) as m:
        m.load_redoubt()
        # In its first second the host has work of its own after each interrupt, mainline's too.
        m.run("/redoubt/timersweep 3000 1500", check=False)
        result = m.run("/redoubt/timersweep 4000 1500", check=False)
        print(result.output)
        passed(result, ["virtual", "physical"])


def test_counters_as_the_vmm_sets_them():
    """KVM_ARM_SET_COUNTER_OFFSET and the counters' registers, by what the guest reads."""
    with with_redoubt(files={"redoubt/counters": GUEST_PROGRAMS / "counters"}) as m:
        m.load_redoubt()
        passed(m.run("/redoubt/counters", check=False), ["offset", "registers"])
        m.run("rmmod redoubt")
