# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's monitor of a guest (QMP), over a port of its host."""

import json
import re
import socket
import time


class Stream:
    """A socket read by lines or bytes, each with a deadline."""

    def __init__(self, peer):
        self.peer = peer
        self._pending = b""

    def drain(self):
        """Forgets what an earlier user of the port has left."""
        self._pending = b""
        self.peer.settimeout(0)
        try:
            while self.peer.recv(65536):
                pass
        except (BlockingIOError, socket.timeout):
            pass

    def send(self, data):
        self.peer.settimeout(30)
        self.peer.sendall(data)

    def until(self, pattern, timeout, what):
        """The match of a pattern (bytes) in what comes; everything up to its end is consumed."""
        deadline = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self._pending, re.S)
            if found:
                self._pending = self._pending[found.end():]
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no answer in {timeout} s: {what}; so far {self._pending!r}")
            self.peer.settimeout(left)
            try:
                self._pending += self.peer.recv(65536)
            except socket.timeout:
                pass


class Monitor:
    """QMP: commands, and events while one waits for them."""

    def __init__(self, peer):
        self._stream = Stream(peer)
        self._stream.drain()
        self._greeted = False

    def command(self, name, timeout=60, **arguments):
        """The value that a command returns; an error is an AssertionError."""
        if not self._greeted:
            self._stream.until(rb'\{"QMP".*?\n', 60, "QEMU's greeting")
            self._greeted = True
            self.command("qmp_capabilities")
        order = {"execute": name, "arguments": arguments}
        self._stream.send(json.dumps(order).encode() + b"\n")
        while True:
            answer = self._message(timeout, name)
            if "return" in answer:
                return answer["return"]
            assert "error" not in answer, f"{name}: {answer['error']}"

    def human(self, line, timeout=60):
        """What a command of the human monitor prints."""
        return self.command("human-monitor-command", timeout, **{"command-line": line})

    def wait_event(self, name, timeout=60):
        while True:
            message = self._message(timeout, f"event {name}")
            if message.get("event") == name:
                return message

    def _message(self, timeout, what):
        return json.loads(self._stream.until(rb"[^\n]*\n", timeout, what).group(0))
