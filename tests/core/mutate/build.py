# SPDX-License-Identifier: GPL-2.0-only
"""Compiles tests and core once, and of each mutant only what it changes.

Everything that was not changed sits in archives, from which the linker takes what the
objects before them did not define.
"""

import glob
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from programs import ROOT, all_sources

DIRECTORY = os.path.join(ROOT, "build", "mutate")
FLAGS = ["-std=gnu11", "-O1", "-w"]
LIBRARIES = ("core/pgtable", "core/ownership", "core/gmem")
# Judge files that belong to other libraries' tests.
FOREIGN = ("run_", "vgic")


class BuildError(Exception):
    """The compiler's own words."""


def _run(command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode:
        raise BuildError(done.stdout.strip() or f"{command[0]} failed")


def _sources(pattern):
    return sorted(os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, pattern)))


def _port(judge):
    return "tests/core/judge/port" if judge else "tests/port"


def _kind(judge):
    return "judge" if judge else "unit"


class Build:
    def __init__(self, jobs):
        self.jobs = jobs
        os.makedirs(DIRECTORY, exist_ok=True)
        self.core = [s for lib in LIBRARIES for s in _sources(lib + "/*.c")]
        self.helpers = [s for s in _sources("tests/core/judge/*.c")
                        if not os.path.basename(s).startswith(FOREIGN)]
        self.programs = all_sources()
        self._build_all()

    def _compile(self, source, obj, judge, extra=()):
        os.makedirs(os.path.dirname(obj), exist_ok=True)
        includes = [*extra, _port(judge), "core/include", "include", os.path.dirname(source)]
        _run(["gcc", *FLAGS, *[f"-I{i}" for i in includes], "-MMD", "-MF", obj + ".d",
              "-c", source, "-o", obj])

    def _object(self, source, judge):
        return os.path.join(DIRECTORY, "base", _kind(judge), source[:-2] + ".o")

    def _inputs(self, obj):
        with open(obj + ".d", encoding="utf-8") as f:
            words = f.read().replace("\\\n", " ").split()
        return [w for w in words if not w.endswith(":")]

    def _fresh(self, obj):
        try:
            made = os.stat(obj).st_mtime_ns
            return all(os.stat(os.path.join(ROOT, p)).st_mtime_ns <= made
                       for p in self._inputs(obj))
        except OSError:
            return False

    def _build_all(self):
        work = [(s, judge) for s in self.core for judge in (False, True)]
        work += [(s, True) for s in self.helpers]
        work += [(p.source, p.judge) for p in self.programs]

        def one(item):
            obj = self._object(*item)
            if not self._fresh(obj):
                self._compile(item[0], obj, item[1])

        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(one, work))
        for judge in (False, True):
            objects = [self._object(s, judge) for s in self.core]
            if judge:
                objects += [self._object(s, True) for s in self.helpers]
            self._archive(judge, objects)

    def _archive(self, judge, objects):
        path = self._archive_path(judge)
        if os.path.exists(path):
            os.unlink(path)
        _run(["ar", "rcs", path, *objects])

    def _archive_path(self, judge):
        return os.path.join(DIRECTORY, f"lib{_kind(judge)}.a")

    def mutate(self, mutant, slot):
        """Compiles what the mutant changes. Returns the objects, by port."""
        library = os.path.dirname(mutant.file)
        with open(os.path.join(ROOT, mutant.file), encoding="utf-8") as f:
            text = mutant.apply(f.read())
        copy = os.path.join(DIRECTORY, f"mutant{slot}")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(os.path.join(ROOT, library), os.path.join(copy, library))
        with open(os.path.join(copy, mutant.file), "w", encoding="utf-8") as f:
            f.write(text)
        objects = {}
        for judge in (False, True):
            objects[judge] = []
            for source in self._concerned(mutant.file, judge):
                mine = os.path.relpath(os.path.join(copy, source), ROOT)
                obj = os.path.join(copy, _kind(judge), os.path.basename(source)[:-2] + ".o")
                objects[judge].append((mine, obj))
        return objects

    def _concerned(self, file, judge):
        """A source itself; of a private header, whatever includes it."""
        if file.endswith(".c"):
            return [file]
        return [s for s in self.core if os.path.dirname(s) == os.path.dirname(file)
                and file in self._inputs(self._object(s, judge))]

    def link(self, program, objects, mutant, slot):
        own = []
        for source, obj in objects[program.judge] if objects else []:
            if not os.path.exists(obj):
                self._compile(source, obj, program.judge)
            own.append(obj)
        name = f"{program.name}.{slot}" if mutant else program.name
        path = os.path.join(DIRECTORY, "bin", name)
        inputs = [self._object(program.source, program.judge), *own,
                  self._archive_path(program.judge)]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        libraries = ["-lpthread"] if program.judge else ["-lcmocka", "-lpthread"]
        _run(["gcc", *inputs, "-o", path, *libraries])
        return path
