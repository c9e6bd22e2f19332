# SPDX-License-Identifier: GPL-2.0-only
"""/sys/kernel/debug/redoubt/owners as numbers; 'redoubt map' is for people."""

import re

LINE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) +(\d+) (host|hyp|vm\d+)(.*)")


class Range:
    def __init__(self, first, last, owner, detail):
        self.first, self.last, self.owner, self.detail = first, last, owner, detail.strip()

    @property
    def size(self):
        return self.last + 1 - self.first


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
