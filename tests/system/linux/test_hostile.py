# SPDX-License-Identifier: GPL-2.0-only
"""User space as the attacker of a VM's interrupt controller."""

from conftest import passed
from redoubt_test.leftovers import assert_nothing_left, host_state
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import GUEST_PROGRAMS


def test_interrupt_controller_api():
    """Wrong and random calls of every kind, several threads at once; the kernel is as before."""
    files = {"redoubt/irqfuzz": GUEST_PROGRAMS / "irqfuzz"}
    with with_redoubt(files=files) as m:
        m.load_redoubt()
        before = host_state(m)
        for seed in (1, 20261121):
            passed(m.run(f"/redoubt/irqfuzz 10 {seed}", check=False),
                   ["wrong_calls", "random_calls"])
            m.check_console()
        assert_nothing_left(m, before)
        m.run("rmmod redoubt")
