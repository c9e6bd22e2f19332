#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boots a stock kernel under QEMU, runs commands in it, powers it off.

    tests/system/boot.py --module build/kmod/4k/redoubt.ko --cmd 'dmesg | tail'
    tests/system/boot.py --shell --module build/kmod/4k/redoubt.ko

The module is loaded first (--no-load leaves it at /redoubt). The serial console
goes to standard error, the output of commands to standard output. The status is
that of the first command that failed, 99 if the machine did.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from redoubt_test import initramfs  # noqa: E402
from redoubt_test.machine import CPU_MAX, HYPERVISOR, Machine, MachineError  # noqa: E402
from redoubt_test.paths import MissingError  # noqa: E402


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--kernel", default="4k", help="4k, 16k, 6.1 or 64k (default 4k)")
    p.add_argument("--hypervisor", default="redoubt", choices=HYPERVISOR,
                   help="what the command line leaves EL2 to (default redoubt)")
    p.add_argument("--cpu", default=CPU_MAX)
    p.add_argument("--smp", type=int, default=2)
    p.add_argument("--mem", type=int, default=1024, help="MiB")
    p.add_argument("--gic", default="3")
    p.add_argument("--module", action="append", default=[], help="module to load (repeatable)")
    p.add_argument("--module-args", default="", help="parameters for the last module")
    p.add_argument("--no-load", action="store_true", help="only put modules into /redoubt")
    p.add_argument("--file", action="append", default=[], metavar="SOURCE[:PATH]",
                   help="put a file into the machine, default place /redoubt/")
    p.add_argument("--disk", help="raw image to use as root (changes are thrown away)")
    p.add_argument("--append", default="", help="more words for the kernel command line")
    p.add_argument("--cmd", action="append", default=[], help="shell command (repeatable)")
    p.add_argument("--timeout", type=int, default=120, help="seconds for each command")
    p.add_argument("--icount", action="store_true", help="1 ns is 1 instruction; use --smp 1")
    p.add_argument("--gdb", help="for instance tcp::1234, or unix:... (QEMU -gdb)")
    p.add_argument("--qemu", action="append", default=[], help="one more QEMU argument")
    p.add_argument("--allow", action="append", default=[],
                   help="pattern of a console line that is no failure here, such as 'WARNING'")
    p.add_argument("--quiet", action="store_true", help="no console, only what commands print")
    p.add_argument("--shell", action="store_true", help="a prompt on this terminal instead")
    return p.parse_args()


def files(options):
    table = {}
    for name in options.module:
        table[f"redoubt/{os.path.basename(name)}"] = pathlib.Path(name)
    for name in options.file:
        source, _, path = name.partition(":")
        table[path or f"redoubt/{os.path.basename(source)}"] = pathlib.Path(source)
    return table


def load_commands(options):
    if options.no_load:
        return []
    names = [os.path.basename(m) for m in options.module]
    return [f"insmod /redoubt/{n} {options.module_args if n == names[-1] else ''}" for n in names]


def shell(machine):
    """The console on the terminal; QEMU's own escape is Ctrl-A X."""
    with tempfile.TemporaryDirectory(prefix="redoubt-") as directory:
        machine.directory = directory
        command = machine.base_command(machine._initrd(), "agent=shell")
        command += ["-serial", "mon:stdio", "-device", "virtio-serial-pci"]
        return subprocess.run(command).returncode


def batch(machine, options):
    first = 0
    with machine as m:
        print(f"boot.py: up after {m.boot_seconds:.1f} s", file=sys.stderr)
        for command in load_commands(options) + options.cmd:
            print(f"# {command}", flush=True)
            result = m.run(command, check=False, echo=True)
            if result.status:
                print(f"boot.py: status {result.status} from: {command}", file=sys.stderr)
            first = first or result.status
    return first


def main():
    options = arguments()
    try:
        machine = Machine(
            kernel=options.kernel, hypervisor=options.hypervisor, cpu=options.cpu, smp=options.smp,
            mem=options.mem, gic=options.gic, icount=options.icount, cmdline=options.append,
            files=files(options), disk=options.disk, qemu=options.qemu, timeout=options.timeout,
            allowed=options.allow, echo=not options.quiet, gdb=options.gdb, name="boot")
        return shell(machine) if options.shell else batch(machine, options)
    except (MachineError, MissingError) as error:
        print(f"boot.py: {error}", file=sys.stderr)
        return 99


if __name__ == "__main__":
    sys.exit(main())
