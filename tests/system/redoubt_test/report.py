# SPDX-License-Identifier: GPL-2.0-only
"""Tables for people and for build/reports, and the line that closes a group."""

from .paths import REPORTS, relative


def closing_line(passed, failed, skipped=0):
    """'N passed, N failed[, N skipped]', which ends every group's output."""
    text = f"{passed} passed, {failed} failed"
    return text + (f", {skipped} skipped" if skipped else "")


class Table:
    """Rows of text under named columns."""

    def __init__(self, *columns):
        self.columns = columns
        self.rows = []

    def add(self, *cells):
        self.rows.append([str(c) for c in cells])

    def __str__(self):
        lines = [self.columns, *self.rows]
        width = [max(len(row[i]) for row in lines) for i in range(len(self.columns))]
        text = ["  ".join(c.ljust(w) for c, w in zip(row, width)).rstrip() for row in lines]
        text.insert(1, "  ".join("-" * w for w in width))
        return "\n".join(text)

    def write(self, name):
        """Writes build/reports/NAME.tsv; returns its path as people write it."""
        REPORTS.mkdir(parents=True, exist_ok=True)
        path = REPORTS / f"{name}.tsv"
        clean = lambda c: c.replace("\t", " ").replace("\n", " ")
        rows = [self.columns, *self.rows]
        path.write_text("".join("\t".join(clean(c) for c in row) + "\n" for row in rows))
        return relative(path)
