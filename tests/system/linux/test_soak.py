# SPDX-License-Identifier: GPL-2.0-only
"""A minute of what "make soak" does for longer.

On a host of its own: one that has run guests for ten minutes stands still for seconds in
such a load, and its watchdogs say so (README.md, known problems).
"""

from redoubt_test.soak import soak


def test_mixed_load_without_memory():
    for what, figure in soak(60, "test-linux-soak"):
        print(f"{what}: {figure}")
