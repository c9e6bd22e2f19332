# SPDX-License-Identifier: GPL-2.0-only
"""The table that all attacks write to: build/reports/attacks.tsv."""

import pytest

from redoubt_test.paths import BUILD


@pytest.fixture(scope="session")
def attacks():
    rows = []
    yield rows
    report = BUILD / "reports" / "attacks.tsv"
    report.parent.mkdir(parents=True, exist_ok=True)
    lines = ["attack\texpected\tgot"] + ["\t".join(row) for row in rows]
    report.write_text("\n".join(lines) + "\n")
