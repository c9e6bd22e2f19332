# SPDX-License-Identifier: GPL-2.0-only
"""Compiles and links, only what changed, each object once."""

import glob
import os
import re
import subprocess
import threading

from .variants import ROOT, WARNINGS

# The POSIX port of tests/port with an ear for stores; core is built once for all programs.
PORT = "tests/core/judge/port"
EAR = "tests/core/judge/ear.c"


class BuildError(Exception):
    """The compiler's own words."""


def relative(pattern):
    return sorted(os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, pattern)))


def core_sources():
    return relative("core/*/*.c")


def judge_sources():
    return [p for p in relative("tests/core/judge/*.c")
            if not os.path.basename(p).startswith("run_")]


_locks = {}
_locks_guard = threading.Lock()


def _lock(path):
    with _locks_guard:
        return _locks.setdefault(path, threading.Lock())


def _dependencies(depfile):
    with open(depfile, encoding="utf-8") as f:
        words = f.read().replace("\\\n", " ").split()
    return [w for w in words if not w.endswith(":")]


def _newest(paths):
    return max(os.stat(os.path.join(ROOT, p)).st_mtime_ns for p in paths)


def _fresh(output, command, depfile=None, inputs=()):
    """True if @output was made by this command from files that are no newer."""
    try:
        made = os.stat(output).st_mtime_ns
        with open(output + ".cmd", encoding="utf-8") as f:
            if f.read() != " ".join(command):
                return False
        return _newest(_dependencies(depfile) if depfile else inputs) <= made
    except OSError:
        return False


def _run(output, command):
    os.makedirs(os.path.dirname(output), exist_ok=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode:
        raise BuildError(done.stdout.strip() or f"{command[0]} failed")
    with open(output + ".cmd", "w", encoding="utf-8") as f:
        f.write(" ".join(command))


def compile_command(variant, source):
    """The object file of @source, and the command that makes it."""
    obj = os.path.join(variant.directory, source[:-2] + ".o")
    includes = variant.includes + [PORT, "core/include", "include", os.path.dirname(source)]
    return obj, ([variant.compiler] + WARNINGS + variant.flags
                 + [f"-I{i}" for i in includes]
                 + ["-MMD", "-MF", obj + ".d", "-c", source, "-o", obj])


def compile_object(variant, source):
    """Returns the object file of @source."""
    obj, command = compile_command(variant, source)
    with _lock(obj):
        if not _fresh(obj, command, depfile=obj + ".d"):
            # Counts of an older build don't fit a new object.
            for stale in (obj[:-2] + ".gcda",):
                if os.path.exists(stale):
                    os.unlink(stale)
            _run(obj, command)
    return obj


def link(variant, program, objects, libraries):
    path = os.path.join(variant.directory, "bin", program)
    command = [variant.compiler] + variant.flags + objects + ["-o", path] + variant.link + libraries
    with _lock(path):
        if not _fresh(path, command, inputs=objects):
            _run(path, command)
    return path


def archive(variant, name, sources, errors):
    """
    A library of what compiles: a program is linked with the files that it needs, so
    that a file which doesn't compile is reported once (CompileCheck), and stops only
    the programs that use it.
    """
    objects = []
    for source in sources:
        try:
            objects.append(compile_object(variant, source))
        except BuildError as error:
            errors.append(str(error))
    path = os.path.join(variant.directory, name)
    command = [variant.compiler.replace("gcc", "ar") if "-gcc" in variant.compiler else "ar",
               "rcsD", path] + objects
    with _lock(path):
        if not _fresh(path, command, inputs=objects):
            if os.path.exists(path):
                os.unlink(path)
            _run(path, command)
    return path


def program(variant, sources, libraries, system):
    """Links @sources, the first of which names it, with @libraries, (name, sources) each."""
    errors = []
    first = [compile_object(variant, source) for source in sources]
    inputs = list(first)
    inputs += [archive(variant, name, sources, errors) for name, sources in libraries]
    try:
        # Twice: the ear makes core refer back to the judge.
        return link(variant, os.path.basename(sources[0])[:-2], inputs + inputs[len(first):],
                    system + ["-lpthread"])
    except BuildError as error:
        raise BuildError("\n".join(errors[:3] + [str(error)[-2000:]])) from error


def unit_program(variant, source):
    return program(variant, [source], [("libcore.a", core_sources()), ("libear.a", [EAR])],
                   variant.cmocka)


def family(source):
    """The judge's files come in families by prefix; those without one are everybody's."""
    for name in ("gmem", "ownership"):
        if re.sub("^(run|fuzz)_", "", os.path.basename(source)).startswith(name):
            return name
    return ""


def judge_files(source):
    """What a program may need: the common files, its own family, and what that builds on."""
    families = {"": [""], "ownership": ["", "ownership"], "gmem": ["", "ownership", "gmem"]}
    return [s for s in judge_sources() if family(s) in families[family(source)]]


def judge_program(variant, source, *more):
    name = "-".join(["libjudge", family(source) or "pgtable"]) + ".a"
    return program(variant, [source, *more],
                   [(name, judge_files(source)), ("libcore.a", core_sources())], [])
