#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""compile_commands.json for clangd and other editors' helpers: `make compile_commands.json`.

EL2 and the redoubt command: what make would run. The module: what the kernel's build system
has left beside its objects in build/kmod/4k, with the staged copies' paths made the tree's.
"""

import json
import pathlib
import re
import shlex
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
STAGE = TOP / "build" / "kmod" / "4k"
GOALS = ("build/hyp/hyp.elf", "build/tools/redoubt")


def entry(directory, command, source):
    return {"directory": str(directory), "arguments": command, "file": str(source)}


def of_make():
    """Compilations of a dry run that makes all anew."""
    done = subprocess.run(["make", "-n", "-B", *GOALS], cwd=TOP, check=True, capture_output=True,
                          text=True)
    for line in done.stdout.splitlines():
        for command in line.split("; "):
            words = shlex.split(command, comments=False) if " -c " in command else []
            if "-c" in words and words[0].endswith("gcc"):
                yield entry(TOP, words, TOP / words[words.index("-c") + 1])


def of_kbuild():
    """Kbuild's .NAME.o.cmd: 'savedcmd_PATH.o := COMMAND' (Linux 6.12), 'cmd_' before."""
    headers = (TOP / "build" / "kernels" / "4k" / "headers").resolve()
    for path in sorted(STAGE.rglob(".*.o.cmd")):
        match = re.match(r"(?:saved)?cmd_\S+ := (.*)", path.read_text().split("\n", 1)[0])
        words = shlex.split(match[1].split(" ; ")[0]) if match else []
        if "-c" not in words or not words[-1].endswith((".c", ".S")):
            continue
        words = [w.replace(str(STAGE), str(TOP)) for w in words]
        source = pathlib.Path(words[-1])
        if source.exists():
            yield entry(headers, words, source)


def main():
    commands = [*of_make(), *of_kbuild()]
    if not any(c["file"].startswith(str(TOP / "kmod")) for c in commands):
        print("compile_commands: no module in build/kmod/4k", file=sys.stderr)
        return 1
    out = TOP / "compile_commands.json"
    out.write_text(json.dumps(commands, indent=1) + "\n", encoding="utf-8")
    print(f"{out.name}: {len(commands)} compilations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
