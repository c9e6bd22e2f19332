# SPDX-License-Identifier: GPL-2.0-only
"""What a test machine boots into: busybox, the modules the tests need, our init."""

import contextlib
import fcntl
import hashlib
import lzma
import os
import re
import subprocess

from .cpio import Cpio
from .paths import BUILD, TOP

GUEST = TOP / "tests" / "guest"

# Only what is a module on a stock kernel; their dependencies come along.
MODULES = (
    "virtio_pci", "virtio_console", "virtio_blk", "crc32c_generic", "ext4", "virtio_net",
    "virtio_mmio", "virtio_balloon", "virtio_rng", "overlay", "loop",
    "zram", "9pnet_virtio", "9p", "tun", "vfat", "virtio_mem",
)


AGENT = ("agent", "port", "agent.service")


def busybox(arch="arm64"):
    """A static busybox from Debian's package."""
    root = BUILD / ("busybox" if arch == "arm64" else f"busybox-{arch}")
    if not (root / "bin" / "busybox").exists():
        root.mkdir(parents=True, exist_ok=True)
        subprocess.run([TOP / "mk" / "apt-private", arch, "apt-get", "download", "busybox-static"],
                       cwd=root, check=True)
        deb = next(root.glob("busybox-static_*.deb"))
        subprocess.run(["dpkg", "-x", deb, root], check=True)
        if not (root / "bin" / "busybox").exists():  # Debian 13 has no /bin in its packages
            (root / "bin").mkdir()
            os.link(root / "usr" / "bin" / "busybox", root / "bin" / "busybox")
    return root / "bin" / "busybox"


def _dependencies(kernel):
    """{module name: (path, [paths it needs])} out of modules.dep."""
    table = {}
    for line in (kernel.modules / "modules.dep").read_text().splitlines():
        path, needs = line.split(":", 1)
        name = re.sub(r"[.]ko([.]xz|[.]zst)?$", "", os.path.basename(path)).replace("-", "_")
        table[name] = (path, needs.split())
    return table


def _add_modules(archive, kernel):
    table = _dependencies(kernel)
    wanted = {}
    for name in MODULES:
        if name in table:
            path, needs = table[name]
            wanted[path] = [n for n in needs]
            for n in needs:
                dep = re.sub(r"[.]ko([.]xz|[.]zst)?$", "", os.path.basename(n)).replace("-", "_")
                wanted.setdefault(n, table[dep][1])
    prefix = f"lib/modules/{kernel.release}/"
    plain = lambda p: re.sub(r"[.]xz$", "", p)
    for path in wanted:
        source = kernel.modules / path
        content = lzma.open(source).read() if path.endswith(".xz") else source.read_bytes()
        archive.data(prefix + plain(path), content)
    dep = "".join(f"{plain(p)}: {' '.join(plain(n) for n in needs)}\n" for p, needs in wanted.items())
    archive.data(prefix + "modules.dep", dep.encode())
    for name in ("modules.builtin", "modules.order"):
        archive.file(prefix + name, kernel.modules / name)


def _fingerprint(kernel):
    digest = hashlib.sha256(repr((kernel.release, MODULES)).encode())
    for source in (GUEST / "init", *(GUEST / name for name in AGENT), __file__):
        digest.update(open(source, "rb").read())
    return digest.hexdigest()[:12]


def base(kernel):
    """The cached initramfs shared by all tests of a kernel; built when anything in it changed."""
    path = BUILD / "initramfs" / f"{kernel.flavour}-{_fingerprint(kernel)}.cpio"
    with _making(path) as new:
        if new:
            for old in path.parent.glob(f"{kernel.flavour}-*.cpio"):
                old.unlink()
            _write_base(kernel, new)
    return path


@contextlib.contextmanager
def _making(path):
    """Yields what to write so that it becomes `path`; None if that is there. One process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.parent / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            yield None
            return
        new = path.with_suffix(".new")
        yield new
        new.rename(path)


def _write_base(kernel, path):
    archive = Cpio()
    for name in ("dev", "proc", "sys", "run", "tmp", "root", "disk", "etc", "usr/bin", "usr/sbin"):
        archive.directory(name)
    archive.node("dev/console", 5, 1)
    archive.node("dev/null", 1, 3)
    archive.file("bin/busybox", busybox(kernel.arch), 0o755)
    archive.symlink("bin/sh", "busybox")
    archive.symlink("sbin", "bin")
    archive.file("init", GUEST / "init", 0o755)
    for name in AGENT:
        archive.file(f"redoubt/{name}", GUEST / name, 0o755)
    _add_modules(archive, kernel)
    archive.write(path)


def with_guest_module(kernel):
    """base() with the module that gives a stock kernel devices in a protected VM; cached too."""
    module = kernel.guest_module()
    digest = hashlib.sha256(module.read_bytes()).hexdigest()[:12]
    start = base(kernel)
    path = start.with_name(f"{start.stem}-{digest}.cpio")
    with _making(path) as new:
        if new:
            own = overlay(path.with_suffix(".overlay"), {"redoubt/redoubt-guest.ko": module})
            join(new, start, own)
            own.unlink()
    return path


def overlay(path, files):
    """An archive with `files` ({path in the machine: source path, or bytes}) to load after base."""
    archive = Cpio()
    for name, source in files.items():
        if isinstance(source, bytes):
            archive.data(name, source, 0o755)
        else:
            archive.file(name, source)
    archive.write(path)
    return path


def join(path, *archives):
    """Concatenates archives into one that -initrd takes; each stays 4-byte aligned."""
    with open(path, "wb") as out:
        for archive in archives:
            with open(archive, "rb") as source:
                content = source.read()
            out.write(content + b"\0" * (-len(content) % 4))
    return path
