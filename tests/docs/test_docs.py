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
# A path that begins with a directory of the tree, in text or in a command.
ROOTS = ("core", "hyp", "kmod", "include", "tests", "tools", "mk", "docs", "guest", "packaging", "bench")
PATH = re.compile(rf"(?<![\w/.<-])((?:{'|'.join(ROOTS)})/[\w./-]*[\w/])(?![\w{{*])")
# Where else a path may begin: headers are named as they are included.
BEGIN = ("", "core/include", "hyp/include", "kmod/include", "tests/port", "tests/core")
TARGET = re.compile(r"(?:`|^    )make ([a-z][\w.-]*)(?![\w/.-])", re.M)


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


def lost(path, text):
    """Paths in a document that lead nowhere, from the top or from where it lies."""
    begins = [*BEGIN, path.parent, path.parent / "include"]
    return [p for p in PATH.findall(text)
            if not any((TOP / b / p).exists() for b in begins) and not (TOP / f"{p}.c").exists()]


def targets():
    """Names that make knows, of the Makefiles of the tree. Rules by variable: GROUPS, MODULES."""
    found = set()
    for path in (TOP / "Makefile", *(p for p in TOP.rglob("build.mk")
                                     if "build" not in p.relative_to(TOP).parts)):
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in re.findall(r"^([\w. -]+?)::?(?!=)|^GROUPS := (.*)", text, re.M):
            found |= set(" ".join(line).split())
    return found


@pytest.mark.parametrize("path", documents(), ids=str)
def test_files_and_targets_that_are_named_exist(path):
    text = (TOP / path).read_text(encoding="utf-8")
    assert lost(path, text) == []
    assert sorted(set(TARGET.findall(text)) - targets()) == []


def test_a_lost_file_is_noticed():
    text = "`hyp/hvc.c` and hyp/nobody.c, docs/README.md. build/hyp/x <core/gone.h> `core/*/x.c`"
    assert lost(pathlib.Path("README.md"), text) == ["hyp/nobody.c"]
    assert {"deb", "test-tools", "test-launch", "attack"} <= targets()
    assert "no-such-target" not in targets()


def evidence(row):
    """[(group, name)] that the last column of a row of the threat model says."""
    found = []
    for part in row.split("|")[-2].split(";"):
        group, colon, names = part.partition(":")
        found += [(group.strip(), name.strip()) for name in names.split(",") if colon]
    return found


def group_text(group):
    """All that belongs to a group of tests: file names, and what is in them."""
    places = {"attack": ("tests/system/attack", "tests/guest/attack"), "core": ("tests/core",),
              "hyp": ("tests/hyp",), "virtio": ("tests/system/protected", "tests/system/attack")}
    found = []
    for place in places.get(group, (f"tests/system/{group}",)):
        for path in sorted((TOP / place).rglob("*")):
            if path.suffix in (".py", ".c", ".h"):
                found += [str(path.relative_to(TOP)), path.read_text(encoding="utf-8")]
    return "\n".join(found)


def test_the_threat_model_names_tests_that_exist():
    text = (TOP / "docs/threat-model.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [HPG][ ,(].*\|$|^\| An allocation.*\|$", text, re.M)
    named = {pair for row in rows for pair in evidence(row)}
    assert len(rows) > 20 and len(named) > 20
    texts = {group: group_text(group) for group, _ in named}
    # "deadly read": the last word is the case, the first ones its program or file.
    missing = [f"{group}: {name}" for group, name in sorted(named)
               if not all(word in texts[group] for word in name.split())]
    assert missing == []


def test_promises_name_tests_that_exist():
    """Of protected VMs. Groups there are files of tests/system/protected, but for the attacks."""
    text = (TOP / "docs/protected-vms.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| .*: .*\|$", text.split("## What is promised", 1)[1], re.M)
    named = {pair for row in rows for pair in evidence(row)}
    assert len(named) > 20
    tests = group_text("protected") + group_text("protected_full")
    missing = [f"{group}: {name}" for group, name in sorted(named) if not all(
        word in (group_text("attack") if group == "attack" else tests)
        for word in (f"test_{group}" if group != "attack" else "", *re.split(r"[\[\] ]", name)))]
    assert missing == []


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


@pytest.mark.parametrize("directory", ["mk", "tools", "tools/redoubt", "packaging", "tests", "tests/guest",
                                       "guest", "docs"])
def test_a_directorys_readme_names_all_that_is_in_it(directory):
    readme = TOP / directory / "README.md"
    text = (readme if readme.exists() else readme.parents[1] / "README.md").read_text(encoding="utf-8")
    tracked = subprocess.run(["git", "ls-files", "."], cwd=TOP / directory, check=True,
                             capture_output=True, text=True).stdout.split()
    children = {path.split("/")[0] for path in tracked} - {"README.md", "build.mk", "redoubt.1"}
    # A header goes with its source, a .config with the script of its name.
    names = {child if (TOP / directory / child).suffix not in (".h", ".config") else
             child.rsplit(".", 1)[0] for child in children}
    assert sorted(n for n in names if n not in text) == []


@pytest.mark.parametrize("path", documents(), ids=str)
def test_qemu_takes_the_devices_of_protected_vms_that_are_shown(path):
    """A PCI device is transitional unless told otherwise, and QEMU refuses to start."""
    devices = re.findall(r"-device (virtio-\S*-pci\S*)", (TOP / path).read_text(encoding="utf-8"))
    assert [d for d in devices if "iommu_platform=on" in d and "disable-legacy=on" not in d] == []
