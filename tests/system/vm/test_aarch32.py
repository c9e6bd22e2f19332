# SPDX-License-Identifier: GPL-2.0-only
"""Guests whose EL1 is AArch32, on CPUs that have it and on one that has not.

tests/guest/aarch32/ is the VMM, and its guest does what Linux does not: see there. Without
FEAT_S2FWB (Cortex-A57), what it does to its caches makes writes of its control registers trap.
"""

import pytest

from redoubt_test.machine import CPU_MAX, with_redoubt
from redoubt_test.paths import BUILD

CHECKS = [
    "reset", "undefined", "undefined-thumb", "it-block", "condition", "data-abort",
    "prefetch-abort", "data-abort-long", "prefetch-abort-long", "high-vectors", "fp", "calls",
    "debug", "halves", "timer", "serror", "thumb-handlers", "steps", "cpu-on", "second",
]
NOT_OFFERED = 4


def run(cpu, device="/dev/kvm"):
    files = {"redoubt/aarch32": BUILD / "guest" / "aarch32"}
    with with_redoubt(cpu=cpu, files=files, name="test-aarch32") as host:
        host.load_redoubt()
        result = host.run(f"aarch32 {device}", check=False)
        host.run("rmmod redoubt")
        return result


@pytest.mark.parametrize("cpu", [CPU_MAX, "cortex-a57"], ids=["max", "no-fwb"])
def test_el1(cpu):
    result = run(cpu)
    assert [(name, True) for name in CHECKS] == [r[:2] for r in result.results()], result.output
    assert result.status == 0


@pytest.mark.parametrize("cpu,device", [("cortex-a76", "/dev/kvm"), (CPU_MAX, "/dev/kvm-protected")],
                         ids=["cpu-without", "protected"])
def test_refused(cpu, device):
    result = run(cpu, device)
    assert result.status == NOT_OFFERED, result.output
    assert "no AArch32 at EL1" in result.output
