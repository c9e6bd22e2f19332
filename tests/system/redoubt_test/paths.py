# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: the tree, build/, and the kernels that mk/fetch unpacked."""

import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("REDOUBT_BUILD", TOP / "build"))
REPORTS = BUILD / "reports"
LOGS = BUILD / "logs"
GUEST_PROGRAMS = BUILD / "guest"
# The kernel of hosts where a test does not say which.
KERNEL = os.environ.get("REDOUBT_KERNEL", "4k")
# What serves /dev/kvm in hosts of tests that are also run on mainline, for comparison.
HYPERVISOR = "redoubt"


class MissingError(Exception):
    """Something that make would have built or fetched is not there."""


class Kernel:
    """A kernel by flavour: 4k, 16k, 6.1, trixie (stock Debian); 64k, pkvm-guest (from source).

    armhf, a stock 32-bit one, is for guests, and fetched when a test asks for it.
    """

    def __init__(self, flavour):
        self.flavour = flavour
        self.arch = "armhf" if flavour == "armhf" else "arm64"
        if flavour == "armhf":
            subprocess.run([TOP / "mk" / "fetch", "armhf"], check=True)
        self.dir = BUILD / "kernels" / flavour
        if not (self.dir / "release").exists():
            raise MissingError(f"no kernel {self.dir}: run 'make kernels' first")
        self.release = (self.dir / "release").read_text().strip()
        self.image = self.dir / "vmlinuz"
        self.modules = self.dir / "modules"

    def redoubt_module(self):
        """The module that 'make module' built for this kernel."""
        path = BUILD / "kmod" / self.flavour / "redoubt.ko"
        if not path.exists():
            raise MissingError(f"no {path}: run 'make module' first")
        return path

    def guest_module(self):
        """The module for a stock kernel in a protected VM, which 'make guest-module' built."""
        path = BUILD / "guest-module" / self.flavour / "redoubt-guest.ko"
        if not path.exists():
            raise MissingError(f"no {path}: run 'make guest-module' first")
        return path


def relative(path):
    """A path as a person in the top directory would write it."""
    try:
        return str(pathlib.Path(path).relative_to(TOP))
    except ValueError:
        return str(path)
