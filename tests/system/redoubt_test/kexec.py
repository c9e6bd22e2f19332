# SPDX-License-Identifier: GPL-2.0-only
"""Hosts that start another kernel, or crash into one."""

import tempfile

import pytest

from . import initramfs
from .paths import GUEST_PROGRAMS, KERNEL, Kernel
from .trees import tree, with_libraries

# Stock 6.12 cannot kexec on every machine, Redoubt or not: with LPA2, 4 KiB pages make its copy
# of the page tables go wrong (trans_pgd_create_copy); and after a start without EFI, the next
# kernel does not know where an ITS's tables lie, and uses that memory.
KEXEC_MACHINE = dict(cpu="cortex-a76", mem=2048, qemu=("-machine", "its=off"))


def load_kernel(how, words):
    """The command that loads the next kernel ("l"), or the crash kernel ("p")."""
    return (f"kexec -{how} /kexec/vmlinuz --initrd=/kexec/initrd --reuse-cmdline"
            f" --append='{words}'")


@pytest.fixture(scope="module")
def kexec_files():
    """kexec, a kernel and what it boots into: the module is there again, and a VMM."""
    kernel = Kernel(KERNEL)
    root = tree("kexec")
    with tempfile.TemporaryDirectory(prefix="redoubt-") as directory:
        module = initramfs.overlay(f"{directory}/module.cpio", {
            "redoubt/redoubt.ko": kernel.redoubt_module(),
            "redoubt/protvm": GUEST_PROGRAMS / "protvm"})
        initrd = initramfs.join(f"{directory}/initrd", initramfs.base(kernel), module)
        yield {"kexec/vmlinuz": kernel.image.resolve(), "kexec/initrd": initrd,
               **with_libraries(root, root / "sbin" / "kexec")}
