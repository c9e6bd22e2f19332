# SPDX-License-Identifier: GPL-2.0-only
"""A minute of what "make soak" does for longer."""

from redoubt_test.soak import soak


def test_mixed_load_without_memory(host):
    for what, figure in soak(host, 60):
        print(f"{what}: {figure}")
