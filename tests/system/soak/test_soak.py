# SPDX-License-Identifier: GPL-2.0-only
"""make soak: minutes of load on guests of a host without memory (redoubt_test/soak.py)."""

import os

from redoubt_test.report import Table
from redoubt_test.soak import soak

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))


def test_mixed_load_without_memory():
    table = Table("what", "figure")
    for row in soak(SECONDS, "soak"):
        table.add(*row)
    table.write("soak-load")
