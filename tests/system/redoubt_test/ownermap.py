# SPDX-License-Identifier: GPL-2.0-only
"""/sys/kernel/debug/redoubt/owners as numbers and as a picture."""

import re

LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) +(\d+) (host|hyp|vm\d+)(.*)")
LETTERS = {"host": ".", "hyp": "E", "vm": "G", "shared": "s"}


class Range:
    def __init__(self, first, last, owner, detail):
        self.first, self.last, self.owner, self.detail = first, last, owner, detail.strip()

    @property
    def size(self):
        return self.last + 1 - self.first

    def letter(self):
        if "lent" in self.detail:
            return LETTERS["shared"]
        return LETTERS["vm" if self.owner.startswith("vm") else self.owner]


def parse(text):
    ranges = []
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            first, last, _, owner, detail = match.groups()
            ranges.append(Range(int(first, 16), int(last, 16), owner, detail))
    return ranges


def ram(ranges):
    return [r for r in ranges if "device" not in r.detail]


def bytes_of(ranges, kind):
    """Bytes that "host", "hyp" or "vm" (all guests) own."""
    return sum(r.size for r in ram(ranges) if r.owner.startswith(kind))


def lent_by_guests(ranges):
    """Bytes that guests own and share with the host."""
    return sum(r.size for r in ram(ranges) if r.owner.startswith("vm") and "lent" in r.detail)


def picture(ranges, columns=64, rows=6):
    """RAM in columns*rows cells; a cell shows its rarest owner, so that none is lost."""
    memory = ram(ranges)
    total = sum(r.size for r in memory)
    cell = total / (columns * rows)
    cells = ["."] * (columns * rows)
    at = 0
    for r in memory:
        first, last = int(at / cell), int((at + r.size - 1) / cell)
        for i in range(first, min(last, len(cells) - 1) + 1):
            if r.letter() != ".":
                cells[i] = r.letter() if cells[i] in (".", r.letter()) else "*"
        at += r.size
    lines = ["".join(cells[i * columns:(i + 1) * columns]) for i in range(rows)]
    return "\n".join("      |" + line + "|" for line in lines)


LEGEND = "      . host   E Redoubt at EL2   G protected guest   s shared   * several"
