# SPDX-License-Identifier: GPL-2.0-only
"""Lets a test's fixtures know whether it has passed."""

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call":
        item.passed = outcome.get_result().passed
