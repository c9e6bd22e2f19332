# SPDX-License-Identifier: GPL-2.0-only
"""The documents keep up with the tree: `make test-tools` runs this.

Needs nothing but the sources.
"""

import pathlib
import re
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
HYPERCALLS = [sys.executable, TOP / "tools" / "hypercalls.py"]
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.S)
WEB = re.compile(r"^[a-z]+:")


def documents():
    """Every Markdown file of ours, relative to the top."""
    skip = {"build", ".git", ".pytest_cache"}
    found = (p.relative_to(TOP) for p in TOP.rglob("*.md"))
    return sorted(p for p in found if not skip & set(p.parts))


def links(text):
    """Targets of relative links; what looks like one in code is none."""
    return [target for target in LINK.findall(CODE.sub("", text)) if not WEB.match(target)]


def test_there_are_documents():
    assert pathlib.Path("README.md") in documents()


@pytest.mark.parametrize("path", documents(), ids=str)
def test_relative_links_lead_somewhere(path):
    text = (TOP / path).read_text(encoding="utf-8")
    missing = [t for t in links(text) if not (TOP / path.parent / t).exists()]
    assert not missing, f"{path} points at what is not there"


def test_links_are_found_where_they_are_and_not_in_code():
    text = "[a](b.md) [c](d.md#e) [f](https://g) `[h](i.md)`\n```\n[j](k.md)\n```\n"
    assert links(text) == ["b.md", "d.md"]


def test_hypercalls_are_documented_as_they_are():
    done = subprocess.run([*HYPERCALLS, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_table_is_noticed():
    sys.path.insert(0, str(TOP / "tools"))
    try:
        import hypercalls
    finally:
        sys.path.pop(0)
    abi = hypercalls.ABI.read_text(encoding="utf-8")
    document = hypercalls.DOCUMENT.read_text(encoding="utf-8")
    assert hypercalls.updated(abi, document) == document
    renumbered = abi.replace("X(7, NOP,", "X(9, NOP,")
    assert renumbered != abi and hypercalls.updated(renumbered, document) != document
    added = abi.replace("X(7, NOP,", 'X(10, FRESH, "", "") X(7, NOP,')
    with pytest.raises(hypercalls.ListError, match="FRESH"):
        hypercalls.updated(added, document)


def test_every_directory_has_a_readme():
    """A newcomer finds the way by the tree: each directory that the map names says what it is."""
    named = re.findall(r"^\| `([a-z/]+)/` \|", (TOP / "README.md").read_text(encoding="utf-8"), re.M)
    assert len(named) > 5
    assert [d for d in named if not (TOP / d / "README.md").exists()] == []
