#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""compile_commands.json for clangd and other editors' helpers: `make compile_commands.json`.

EL2, the redoubt command, programs for guests: what make would run. Modules: what the kernel's
build system has left beside its objects, with the staged copies' paths made the tree's; those
of tests and guests are in if they have been built. Tests of core/ and hyp/: their runner's.
"""

import json
import pathlib
import re
import shlex
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
BUILD = TOP / "build"
# Where modules are built, and where their sources are from.
STAGES = [(BUILD / "kmod/4k", TOP), (BUILD / "guest-module/4k", TOP / "guest/redoubt-guest"),
          *((path, TOP / "tests/guest" / path.name) for path in (BUILD / "guest/4k").glob("*"))]
GUEST = TOP / "tests/guest"
GOALS = ["build/hyp/hyp.elf", "build/tools/redoubt",
         *(f"build/tools/{path.stem}" for path in (TOP / "tests/tools").glob("test_*.c")),
         *(f"build/guest/{path.stem}" for path in GUEST.glob("*.c")),
         *(f"build/guest/{path.parent.name}" for path in GUEST.glob("*/main.c")
           if not (path.parent / "Kbuild").exists())]
sys.path.insert(0, str(TOP / "tests/core"))
sys.dont_write_bytecode = True
from runner import build, variants  # noqa: E402


def entry(directory, command, source):
    return {"directory": str(directory), "arguments": command, "file": str(source)}


def of_make():
    """Compilations of a dry run that makes all anew; one command may have several sources."""
    done = subprocess.run(["make", "-n", "-B", *GOALS], cwd=TOP, check=True, capture_output=True,
                          text=True)
    for line in done.stdout.splitlines():
        for command in line.split("; "):
            words = shlex.split(command, comments=False) if "gcc " in command else []
            if words and words[0].endswith("gcc"):
                for source in (w for w in words if w.endswith((".c", ".S"))):
                    yield entry(TOP, words, TOP / source)


def of_kbuild(stage, origin):
    """Kbuild's .NAME.o.cmd: 'savedcmd_PATH.o := COMMAND' (Linux 6.12), 'cmd_' before."""
    headers = (BUILD / "kernels" / "4k" / "headers").resolve()
    for path in sorted(stage.rglob(".*.o.cmd")):
        match = re.match(r"(?:saved)?cmd_\S+ := (.*)", path.read_text().split("\n", 1)[0])
        words = shlex.split(match[1].split(" ; ")[0]) if match else []
        if "-c" not in words or not words[-1].endswith((".c", ".S")):
            continue
        words = [w.replace(str(stage), str(origin)) for w in words]
        source = pathlib.Path(words[-1])
        if source.exists():
            yield entry(headers, words, source)


def of_runner():
    """Tests and benchmarks on the build machine."""
    plain = variants.ALL[0]
    simulated = variants.Variant("hyp-gcc", "gcc", plain.flags,
                                 includes=["tests/hyp/port", "hyp/include"])
    for variant, pattern in ((plain, "tests/core/*/*.c"), (plain, "bench/core/*.c"),
                             (simulated, "tests/hyp/*.c")):
        for source in build.relative(pattern):
            yield entry(TOP, build.compile_command(variant, source)[1], TOP / source)


def main():
    commands = [*of_make(), *of_runner()]
    for stage, origin in STAGES:
        commands += of_kbuild(stage, origin)
    if not any(c["file"].startswith(str(TOP / "kmod")) for c in commands):
        print("compile_commands: no module in build/kmod/4k", file=sys.stderr)
        return 1
    out = TOP / "compile_commands.json"
    out.write_text(json.dumps(commands, indent=1) + "\n", encoding="utf-8")
    print(f"{out.name}: {len(commands)} compilations")
    return 0


if __name__ == "__main__":
    sys.exit(main())
