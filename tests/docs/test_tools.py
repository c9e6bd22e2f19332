# SPDX-License-Identifier: GPL-2.0-only
"""The redoubt command's manual page, completion and packages against its sources."""

import fnmatch
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCES = TOP / "tools" / "redoubt"
COMMANDS = ("doctor", "status", "map", "trace", "run")


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def versions():
    """{where: version} of every place that has one."""
    return {
        "kmod/main.c": re.search(r'MODULE_VERSION\("(.*?)"\)', read("kmod/main.c"))[1],
        "tools": re.search(r'#define VERSION "(.*?)"', read("tools/redoubt/command.c"))[1],
        "redoubt.1": re.search(r'"Redoubt (.*?)"', read("tools/redoubt/redoubt.1"))[1],
        "package": re.search(r"\((.*?)\)", read("packaging/debian/changelog"))[1],
        "CHANGELOG.md": re.search(r"^## (\S+)", read("CHANGELOG.md"), re.M)[1],
    }


def test_one_version():
    found = versions()
    assert len(set(found.values())) == 1, found


def options(command):
    """Long options that a command's getopt table has."""
    source = (SOURCES / f"{command}.c").read_text(encoding="utf-8")
    found = re.findall(r'\{ "([a-z-]+)", (?:no|required)_argument', source)
    assert found
    return {f"--{name}" for name in found}


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_in_help_manual_and_completion(command):
    source = (SOURCES / f"{command}.c").read_text(encoding="utf-8")
    text = source[source.index("static const char help[]"):].split('";\n', 1)[0]
    section = re.search(rf"^\.SS {command}$(.*?)^\.S[SH]", read("tools/redoubt/redoubt.1"),
                        re.S | re.M)[1].replace("\\-", "-")
    line = re.search(rf"^\t{command}\)(.*?);;", read("tools/redoubt/completion/redoubt"),
                     re.S | re.M)[1]
    complete = set(re.findall(r"--[a-z-]+", line))
    assert complete == options(command)
    for option in options(command) - {"--help"}:
        assert option in text, f"{option} is not in {command} --help"
        assert option in section, f"{option} is not in redoubt.1"


def test_exit_codes_are_in_the_manual():
    source = read("tools/redoubt/redoubt.h")
    codes = re.findall(r"RT_\w+ = (\d)", source)
    section = re.search(r"^\.SH EXIT STATUS$(.*?)^\.SH", read("tools/redoubt/redoubt.1"), re.S | re.M)[1]
    assert len(codes) == 5
    assert codes == re.findall(r"^\.B (\d)$", section, re.M)


def test_words_for_the_kernel_are_the_same_everywhere():
    words = "kvm-arm.mode=none id_aa64mmfr1.vh=0"
    for path in ("kmod/check.c", "tools/redoubt/doctor.h", "packaging/debian/redoubt-dkms.postinst",
                 "packaging/debian/redoubt-dkms.templates", "README.md"):
        assert words in read(path), path


@pytest.mark.parametrize("words,wanted", [
    ("redoubt m", ["map"]),
    ("redoubt run --prot", ["--protected"]),
    ("redoubt --root / trace --event HOST", ["HOST_FAULT"]),
    ("redoubt --v", ["--version"]),
    ("redoubt map --color n", ["never"]),
    ("redoubt run --kernel READ", ["README.md"]),
])
def test_completion(words, wanted):
    """What bash offers for the last word."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _redoubt;'
              ' printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", TOP / "tools/redoubt/completion/redoubt",
                           *words.split()], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.split() == wanted and not done.stderr


def test_the_packages_name_the_licences_that_files_say():
    """The first line of each source, against the list that packages carry."""
    patterns = re.search(r"^Files: (core/.*)$", read("packaging/debian/copyright"), re.M)[1].split()
    wrong = []
    for path in subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True,
                               check=True).stdout.split():
        if not path.endswith((".c", ".h", ".S")) or not (TOP / path).exists():
            continue
        with open(TOP / path, encoding="utf-8") as source:
            licence = re.search(r"SPDX-License-Identifier: (.*?)(?: \*/)?$", source.readline().strip())
        both = any(fnmatch.fnmatch(path, pattern) for pattern in patterns)
        if not licence or licence[1] != "GPL-2.0-only" + " OR BSD-2-Clause" * both:
            wrong.append(path)
    assert wrong == []
