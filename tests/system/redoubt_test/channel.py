# SPDX-License-Identifier: GPL-2.0-only
"""Commands to the agent in a machine and their results, over a virtio port."""

import base64
import os
import socket
import sys
import time


class ChannelClosed(Exception):
    """The machine ended, or its agent did, while an answer was awaited."""


class CommandTimeout(Exception):
    """A command did not end in its time."""


class Result:
    """What a command printed (stdout and stderr together) and its exit status."""

    def __init__(self, command, status, output, seconds):
        self.command = command
        self.status = status
        self.output = output
        self.seconds = seconds

    def results(self):
        """[(name, ok, detail)] of lines '@@ name: ok|fail detail' that test programs print."""
        found = []
        for line in self.output.splitlines():
            if line.startswith("@@ ") and ": " in line:
                name, rest = line[3:].split(": ", 1)
                verdict, _, detail = rest.partition(" ")
                found.append((name, verdict == "ok", detail))
        return found


class Channel:
    """Listens on a socket for QEMU's side of the port; one command at a time."""

    def __init__(self, path, alive):
        self.path = path
        self._alive = alive  # a reason why no answer will come any more, or None
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(path)
        self._server.listen(1)
        self._peer = None
        self._pending = b""
        self._number = 0

    def close(self):
        for s in (self._server, self._peer):
            if s:
                s.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def connect(self, timeout, alive=None):
        """Waits for QEMU to open its side; returns the socket. `alive` replaces the start's."""
        self._alive = alive or self._alive
        deadline = time.monotonic() + timeout
        while not self._peer:
            self._server.settimeout(0.25)
            try:
                self._peer = self._server.accept()[0]
                self._peer.settimeout(0.25)
            except socket.timeout:
                self._check(deadline, "QEMU to connect")
        return self._peer

    def wait_ready(self, timeout, alive=None):
        """Waits until an agent says that it is there; `alive` as for connect()."""
        self.connect(timeout, alive)
        deadline = time.monotonic() + timeout
        while self._line(deadline, "the machine to boot") != b"@@ready":
            pass

    def run(self, script, timeout, echo=False):
        """Runs a shell script in the machine; returns its Result."""
        start = time.monotonic()
        self.send(script)
        end = b"@@%d " % self._number
        lines = []
        while True:
            line = self._line(start + timeout, script.strip().splitlines()[0], lines)
            if line.startswith(end):
                break
            if echo and lines:  # one late: the last line may belong to the end mark
                print(lines[-1].decode(errors="replace"), file=sys.stdout, flush=True)
            lines.append(line)
        if lines and not lines[-1]:
            lines.pop()  # the newline before the end mark
        elif lines and echo:
            print(lines[-1].decode(errors="replace"), file=sys.stdout, flush=True)
        output = b"\n".join(lines).decode(errors="replace")
        return Result(script, int(line[len(end):]), output, time.monotonic() - start)

    def send(self, script):
        """Starts a script whose end nobody will hear of, such as a reboot."""
        self._number += 1
        encoded = base64.b64encode(script.encode()).decode()
        self._peer.sendall(f"{self._number} {encoded}\n".encode())

    def goodbye(self):
        self._peer.sendall(b"bye -\n")

    def _check(self, deadline, what, lines=()):
        reason = self._alive()
        if reason:
            raise ChannelClosed(f"{reason} while waiting for: {what}" + self._so_far(lines))
        if time.monotonic() > deadline:
            raise CommandTimeout(f"timed out waiting for: {what}" + self._so_far(lines))

    @staticmethod
    def _so_far(lines):
        if not lines:
            return ""
        tail = b"\n".join(lines[-15:]).decode(errors="replace")
        return f"\nits last output:\n{tail}"

    def _line(self, deadline, what, lines=()):
        while b"\n" not in self._pending:
            try:
                received = self._peer.recv(65536)
            except socket.timeout:
                self._check(deadline, what, lines)
                continue
            except ConnectionError:
                received = b""
            if not received:
                reason = self._alive() or "the port was closed"
                raise ChannelClosed(f"{reason} while waiting for: {what}" + self._so_far(lines))
            self._pending += received
            if time.monotonic() > deadline:
                self._check(deadline, what, lines)
        line, self._pending = self._pending.split(b"\n", 1)
        return line.rstrip(b"\r")
