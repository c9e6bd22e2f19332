# SPDX-License-Identifier: GPL-2.0-only
"""A guest that cleans its caches by set and way, and turns them off and on.

QEMU has no caches: what can be seen is that the pages are cleaned as often as the CPU needs
it. One with FEAT_S2FWB never does.
"""

import re

import pytest

from redoubt_test.machine import CPU_MAX, with_redoubt
from redoubt_test.paths import BUILD


@pytest.mark.parametrize("cpu,cleans", [(CPU_MAX, 0), ("cortex-a76", 3)], ids=["fwb", "no-fwb"])
def test_set_way(cpu, cleans):
    files = {"redoubt/vmevents": BUILD / "guest" / "vmevents"}
    with with_redoubt(cpu=cpu, files=files, name="test-caches") as host:
        host.load_redoubt()
        times, cleaned = map(int, re.findall(r"(\d+) times", host.output("vmevents set-way")))
        assert times
        assert cleaned == cleans * times
