# SPDX-License-Identifier: GPL-2.0-only
"""An initramfs in the 'newc' format, written without root rights or device nodes on disk."""

import os
import stat


class Cpio:
    """Collects files, directories, links and nodes; write() makes the archive."""

    def __init__(self):
        self.entries = {}

    def directory(self, path):
        self._parents(path)
        self.entries.setdefault(path.strip("/"), (stat.S_IFDIR | 0o755, b"", 0, 0))

    def data(self, path, content, mode=0o644):
        self._parents(path)
        self.entries[path.strip("/")] = (stat.S_IFREG | mode, content, 0, 0)

    def file(self, path, source, mode=None):
        with open(source, "rb") as f:
            content = f.read()
            if mode is None:
                mode = stat.S_IMODE(os.fstat(f.fileno()).st_mode)
        self.data(path, content, mode)

    def symlink(self, path, target):
        self._parents(path)
        self.entries[path.strip("/")] = (stat.S_IFLNK | 0o777, target.encode(), 0, 0)

    def node(self, path, major, minor):
        self._parents(path)
        self.entries[path.strip("/")] = (stat.S_IFCHR | 0o600, b"", major, minor)

    def write(self, path):
        temporary = f"{path}.{os.getpid()}.tmp"
        with open(temporary, "wb") as out:
            for number, (name, entry) in enumerate(self.entries.items(), 1):
                self._record(out, number, name, *entry)
            self._record(out, 0, "TRAILER!!!", 0, b"", 0, 0)
        os.replace(temporary, path)

    def _parents(self, path):
        parts = path.strip("/").split("/")[:-1]
        for i in range(len(parts)):
            self.entries.setdefault("/".join(parts[: i + 1]), (stat.S_IFDIR | 0o755, b"", 0, 0))

    @staticmethod
    def _record(out, inode, name, mode, content, major, minor):
        encoded = name.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % f for f in fields) + encoded
        out.write(header + b"\0" * (-len(header) % 4))
        out.write(content + b"\0" * (-len(content) % 4))
