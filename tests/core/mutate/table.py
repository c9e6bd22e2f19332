# SPDX-License-Identifier: GPL-2.0-only
"""The table of mutants.

    == core/pgtable/map.c
    what: a leaf is replaced without break-before-make
    by: run_pgtable
    - if (!entry_break(m->pgt, slot, old, &gather))
    -     return entry_lost(m->pgt->geo, slot, old);
    + if (!entry_cas(slot, old, desc))
    +     return entry_lost(m->pgt->geo, slot, old);

The '-' lines must be in the file, one after the other, exactly once; white space at
their beginning and end does not count. "nth: 2 of 3" means the second of three places.
"by" names the programs that are run first.
"""

import re
from dataclasses import dataclass, field


class TableError(Exception):
    """The table is wrong, or does not fit the source any more."""


@dataclass
class Mutant:
    file: str
    where: str
    what: str = ""
    by: list = field(default_factory=list)
    nth: int = 1
    of: int = 1
    old: list = field(default_factory=list)
    new: list = field(default_factory=list)

    def apply(self, text):
        lines = text.split("\n")
        bare = [line.strip() for line in lines]
        n = len(self.old)
        places = [i for i in range(len(bare) - n + 1) if bare[i:i + n] == self.old]
        if len(places) != self.of:
            raise TableError(f"{self.where}: the original text is in {self.file} "
                             f"{len(places)} times, expected {self.of}")
        at = places[self.nth - 1]
        return "\n".join(lines[:at] + self.new + lines[at + n:])


def _field(mutant, line, where):
    name, colon, value = line.partition(":")
    value = value.strip()
    if not colon or name not in ("what", "by", "nth"):
        raise TableError(f"{where}: what is '{line}'?")
    if name == "what":
        mutant.what = value
    elif name == "by":
        mutant.by = value.split()
    else:
        found = re.fullmatch(r"(\d+) of (\d+)", value)
        if not found:
            raise TableError(f"{where}: nth: N of M")
        mutant.nth, mutant.of = int(found[1]), int(found[2])


def parse(name, text):
    mutants = []
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{name}:{number}"
        if line.startswith("== "):
            mutants.append(Mutant(line[3:].strip(), where))
        elif line.startswith("#") or not line.strip():
            continue
        elif not mutants:
            raise TableError(f"{where}: begin with == FILE")
        elif line[0] == "-":
            mutants[-1].old.append(line[1:].strip())
        elif line[0] == "+":
            mutants[-1].new.append(line[1:].strip())
        else:
            _field(mutants[-1], line, where)
    for mutant in mutants:
        if not mutant.what or not mutant.old or mutant.old == mutant.new:
            raise TableError(f"{mutant.where}: incomplete")
    return mutants
