# SPDX-License-Identifier: GPL-2.0-only
"""Makes redoubt_test importable from every group's directory; skips what this Debian lacks.

Says which tests stay together when several run at once: those that share a machine.
"""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from redoubt_test.paths import BUILD  # noqa: E402

OLD_KERNEL = "6.1"  # Debian 12's first one; Debian 13 begins with 6.12


def pytest_runtest_setup(item):
    if (BUILD / "kernels" / OLD_KERNEL).exists() or not hasattr(item, "callspec"):
        return
    for value in item.callspec.params.values():
        if OLD_KERNEL in (value if isinstance(value, tuple) else (value,)):
            pytest.skip(f"this Debian has no {OLD_KERNEL} kernel")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """By the fixture's name, which ends with "host", and what it is made with."""
    for item in items:
        shared = [name for name in item.fixturenames if name.endswith("host")]
        if shared:
            made_with = item.callspec.params if hasattr(item, "callspec") else {}
            words = [f"{name}={made_with.get(name)}" for name in shared]
            item.add_marker(pytest.mark.xdist_group(" ".join([item.module.__name__, *words])))
