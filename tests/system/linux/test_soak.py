# SPDX-License-Identifier: GPL-2.0-only
"""Two minutes of what "make soak" does for longer."""

from redoubt_test.soak import soak


def test_mixed_load_without_memory(host):
    for what, figure in soak(host, 120):
        print(f"{what}: {figure}")
