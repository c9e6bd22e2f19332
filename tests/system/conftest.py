# SPDX-License-Identifier: GPL-2.0-only
"""Makes redoubt_test importable from every group's directory; skips what this Debian lacks."""

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
