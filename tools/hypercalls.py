#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Keeps docs/hypercalls.md in step with the list of hypercalls in include/redoubt/abi.h.

    tools/hypercalls.py --write     brings the tables up to date
    tools/hypercalls.py --check     says what differs, status 1 if anything does

Number, name, arguments and results come from the list. The last column, a call's own
errors, is written by people in the document: it is kept as it is there, and a call
without one is an error.
"""

import argparse
import difflib
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
ABI = TOP / "include" / "redoubt" / "abi.h"
DOCUMENT = TOP / "docs" / "hypercalls.md"

BEGIN = "<!-- begin: tables of tools/hypercalls.py -->"
END = "<!-- end: tables of tools/hypercalls.py -->"
HEAD = "| function | call | arguments (x1 on) | results | errors of its own |\n|---|---|---|---|---|"
CALL = re.compile(r'X\((\d+), (\w+), "([^"]*)", "([^"]*)"\)|/\* (.*?) \*/')
ROW = re.compile(r"^\| `0x[0-9a-f]+` \| (\w+) \|.*\| ([^|]*) \|$", re.M)


class ListError(Exception):
    """The list or the document is not as this program reads it."""


def macro(text):
    """The body of RD_HYPERCALLS as one line."""
    start = text.find("#define RD_HYPERCALLS(X)")
    if start < 0:
        raise ListError("no RD_HYPERCALLS in abi.h")
    joined = re.sub(r"\s*\\\n\s*", " ", text[start:])
    return joined.split("\n", 1)[0]


def sections(text):
    """[(heading, [(number, name, arguments, results)])] in the order of the list."""
    base = re.search(r"#define RD_HVC_BASE (0x[0-9a-f]+)", text)
    if not base:
        raise ListError("no RD_HVC_BASE in abi.h")
    base = int(base[1], 16)
    found = []
    for number, name, arguments, results, heading in CALL.findall(macro(text)):
        if heading:
            found.append((heading.rstrip("."), []))
        elif not found:
            raise ListError(f"{name} comes before the first comment")
        else:
            found[-1][1].append((base + int(number), name, arguments, results))
    if not any(calls for _, calls in found):
        raise ListError("the list is empty")
    return found


def cell(text):
    return text.replace("|", "\\|") or "-"


def tables(found, errors):
    """The text between the two marks."""
    parts = []
    for heading, calls in found:
        parts += ["", f"### {heading}", "", HEAD]
        for number, name, arguments, results in calls:
            if not errors.get(name):
                raise ListError(f"docs/hypercalls.md says nothing on the errors of {name}: "
                                f"add '| `{number:#x}` | {name} | | | ERRORS |' and run --write")
            parts.append(f"| `{number:#x}` | {name} | {cell(arguments)} | {cell(results)} "
                         f"| {errors[name]} |")
    return "\n".join(parts) + "\n\n"


def updated(abi, document):
    """The document as it should be."""
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise ListError("docs/hypercalls.md lacks the marks between which its tables are")
    before, rest = document.split(BEGIN)
    middle, after = rest.split(END)
    errors = {name: text.strip() for name, text in ROW.findall(middle)}
    return before + BEGIN + "\n" + tables(sections(abi), errors) + END + after


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="compare only")
    what.add_argument("--write", action="store_true", help="write the tables")
    options = p.parse_args()
    document = DOCUMENT.read_text(encoding="utf-8")
    try:
        wanted = updated(ABI.read_text(encoding="utf-8"), document)
    except ListError as error:
        print(f"hypercalls: {error}", file=sys.stderr)
        return 1
    if options.write:
        DOCUMENT.write_text(wanted, encoding="utf-8")
        return 0
    sys.stdout.writelines(difflib.unified_diff(
        document.splitlines(True), wanted.splitlines(True), "docs/hypercalls.md", "abi.h's list"))
    return int(document != wanted)


if __name__ == "__main__":
    sys.exit(main())
