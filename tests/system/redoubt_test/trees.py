# SPDX-License-Identifier: GPL-2.0-only
"""Programs out of Debian packages that mk/tree unpacks, for machines and for this one."""

import re
import subprocess

from .paths import BUILD, TOP


def tree(name):
    """build/trees/NAME, made if it is not there."""
    subprocess.run([TOP / "mk" / "tree", name], check=True)
    return BUILD / "trees" / name


def _needed(program):
    text = subprocess.run(["readelf", "-dl", program], capture_output=True, text=True, check=True)
    found = re.findall(r"\(NEEDED\).*\[(.*)\]", text.stdout)
    return found + re.findall(r"interpreter: .*/(.*)\]", text.stdout)


def with_libraries(root, program):
    """{path in the machine: source} of a program in a tree and of all libraries it needs."""
    paths = [p for p in root.glob("**/lib/*-linux-gnu/*") if ".so" in p.name]
    where = {p.name: p for p in paths}
    files = {f"usr/bin/{program.name}": program}
    waiting = [program]
    while waiting:
        for name in _needed(waiting.pop()):
            # The loader's place is fixed, the others' are among those it looks at.
            path = f"lib/{name}" if name.startswith("ld-") else f"usr/lib/{name}"
            if path not in files:
                files[path] = where[name].resolve()
                waiting.append(files[path])
    return files
