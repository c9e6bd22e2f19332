# SPDX-License-Identifier: GPL-2.0-only
"""docs/kvm-api.md against the module: every ioctl and capability that is served has its row,
and what a row says is served is there.
"""

import pathlib
import re

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = TOP / "docs" / "kvm-api.md"
DISPATCH = {
    "ioctls of /dev/kvm": ("kmod/kvm_dev.c", "rd_dev_ioctl"),
    "ioctls of a VM": ("kmod/vm_ioctl.c", "rd_vm_ioctl"),
    "ioctls of a vCPU": ("kmod/vcpu_ioctl.c", None),
}
STATES = {"done", "differs", "refused"}


def rows(document, title):
    """[(names, second column)] of the table under a heading."""
    section = document.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    found = []
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and re.fullmatch(r"[A-Z0-9_, ]+", cells[0]):
            found.append((cells[0].split(", "), cells[1]))
    return found


def body(path, function):
    """A function of a source file, from its name to the brace that ends it; or the file."""
    text = (TOP / path).read_text(encoding="utf-8")
    if function is None:
        return text
    return re.search(rf"^[a-z ]+{function}\(.*?^}}", text, re.S | re.M)[0]


def cases(text):
    """Ioctls that a switch knows."""
    names = re.findall(r"case KVM_((?!CAP_|MP_STATE_|ARM_VCPU_[A-Z]+_CTRL)[A-Z0-9_]+):", text)
    return set(names)


def compare_ioctls(table, served):
    """What is wrong between a table's rows and the ioctls in the module."""
    wrong = []
    named = set()
    for names, state in table:
        wrong += [f"{n}: no such state: {state}" for n in names if state not in STATES]
        wrong += [f"{n}: two rows" for n in names if n in named]
        wrong += [f"{n}: the module does not know it" for n in names
                  if state != "refused" and n not in served]
        named |= set(names)
    return wrong + [f"{n}: no row" for n in sorted(served - named)]


def capabilities_named():
    """Capabilities that the module's sources name, wherever."""
    found = set()
    for path in sorted((TOP / "kmod").rglob("*.c")):
        found |= set(re.findall(r"KVM_CAP_([A-Z0-9_]+)", path.read_text(encoding="utf-8")))
    return found


def compare_capabilities(table, named, ones):
    """@named in the sources at all; @ones answered with 1, whatever is asked."""
    wrong = []
    documented = {}
    for names, value in table:
        wrong += [f"{n}: two rows" for n in names if n in documented]
        documented.update({n: value for n in names})
    wrong += [f"{n}: no row" for n in sorted(named - set(documented))]
    for name, value in documented.items():
        if value == "0" and name in ones:
            wrong.append(f"{name}: the document says 0, the module 1")
        if value not in ("0", "1 or 0") and name not in named:
            wrong.append(f"{name}: the module does not know it")
    return wrong


def ones():
    text = body("kmod/caps.c", "rd_check_cap")
    group = re.search(r"switch \(cap\) \{(.*?)return 1;", text, re.S)[1]
    return set(re.findall(r"case KVM_CAP_([A-Z0-9_]+):", group))


@pytest.fixture(name="document")
def read_document():
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("title", DISPATCH)
def test_ioctls(document, title):
    served = cases(body(*DISPATCH[title]))
    assert len(served) >= 4
    assert compare_ioctls(rows(document, title), served) == []


def test_capabilities(document):
    assert len(ones()) > 10
    assert compare_capabilities(rows(document, "Capabilities"), capabilities_named(), ones()) == []


def test_differences_are_noticed():
    served = {"RUN", "GET_ONE_REG"}
    assert compare_ioctls([(["RUN", "GET_ONE_REG"], "done")], served) == []
    assert compare_ioctls([(["RUN"], "done")], served) == ["GET_ONE_REG: no row"]
    assert compare_ioctls([(["RUN", "GET_ONE_REG", "NEW"], "done")], served) == [
        "NEW: the module does not know it"]
    assert compare_ioctls([(["RUN"], "maybe"), (["GET_ONE_REG"], "done")], served) == [
        "RUN: no such state: maybe"]
    assert compare_capabilities([(["A"], "0"), (["B"], "1")], {"A"}, {"A"}) == [
        "A: the document says 0, the module 1", "B: the module does not know it"]
    assert compare_capabilities([(["A"], "1")], {"A", "B"}, {"A"}) == ["B: no row"]
