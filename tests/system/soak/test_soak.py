# SPDX-License-Identifier: GPL-2.0-only
"""make soak: minutes of load on guests of a host without memory (redoubt_test/soak.py)."""

import os

from redoubt_test.guest import host_options
from redoubt_test.leftovers import assert_nothing_left, host_state
from redoubt_test.machine import with_redoubt
from redoubt_test.report import Table
from redoubt_test.soak import GUEST_FILES, HOST_FILES, soak

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))


def test_mixed_load_without_memory():
    options = host_options(mem=1792, guests=2, files=HOST_FILES, guest_files=GUEST_FILES,
                           name="soak")
    with with_redoubt(**options) as host:
        host.load_redoubt()
        before = host_state(host)
        table = Table("what", "figure")
        for row in soak(host, SECONDS):
            table.add(*row)
        assert_nothing_left(host, before)
        host.run("rmmod redoubt")
    table.write("soak-load")
