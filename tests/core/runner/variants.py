# SPDX-License-Identifier: GPL-2.0-only
"""The ways core is built: compiler, flags, and how a program of it is started."""

import os
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
BUILD = os.path.join(ROOT, "build", "core")

WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wmissing-prototypes",
            "-Wstrict-prototypes", "-Wundef"]

# Sanitizers stop at the first finding, which is then the reason of the failure.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclass
class Variant:
    name: str
    compiler: str
    flags: list
    link: list = field(default_factory=list)
    start: list = field(default_factory=list)
    includes: list = field(default_factory=list)
    threads_only: bool = False
    # Percentage of the random operations that this build runs.
    effort: int = 100
    cmocka: list = field(default_factory=lambda: ["-lcmocka"])

    @property
    def directory(self):
        return os.path.join(BUILD, self.name)


SAN = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]

ALL = [
    Variant("gcc", "gcc", ["-O2", "-g"]),
    Variant("clang", "clang", ["-O2", "-g"], effort=25),
    Variant("sanitizers", "clang", ["-O1", "-g"] + SAN, SAN, effort=10),
    Variant("tsan", "clang", ["-O1", "-g", "-fsanitize=thread"], ["-fsanitize=thread"],
            threads_only=True),
    Variant("mips", "mips-linux-gnu-gcc", ["-O2", "-g"], ["-static", "-latomic"],
            ["qemu-mips"], ["tests/port/mips"], effort=2, cmocka=[]),
    Variant("coverage", "gcc", ["-O1", "-g", "--coverage", "-fprofile-update=atomic"],
            ["--coverage"], effort=5),
]

FUZZ = Variant("fuzz", "clang", ["-O1", "-g", "-fsanitize=fuzzer-no-link"] + SAN,
               ["-fsanitize=fuzzer"] + SAN)


def missing(variant):
    """Why this build can't be made here, or None."""
    for tool in [variant.compiler] + variant.start:
        if not any(os.access(os.path.join(d, tool), os.X_OK)
                   for d in os.environ.get("PATH", "").split(os.pathsep)):
            return f"{tool} is not installed"
    return None
