# SPDX-License-Identifier: GPL-2.0-only
"""Two minutes of what "make soak" does for longer."""

from redoubt_test.soak import soak


def test_mixed_load_without_memory():
    for what, figure in soak(120, "test-linux-soak"):
        print(f"{what}: {figure}")
