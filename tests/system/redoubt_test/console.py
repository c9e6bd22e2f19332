# SPDX-License-Identifier: GPL-2.0-only
"""The serial console of a machine: kept, searched for disasters, waited on."""

import re
import sys
import threading
import time

# What no test may see on a console unless it says that it expects it.
DISASTER = re.compile(
    r"redoubt: EL2 panic|Kernel panic|Internal error: |Unable to handle kernel|kernel BUG at"
    r"|BUG: |WARNING: |rcu: INFO: .*detected|watchdog: |INFO: task .* blocked|Unhandled fault"
    r"|KASAN|Bad mode in|Call trace:"
)
LAST = re.compile(r"redoubt: EL2 panic|Kernel panic")


class Console:
    """Reads a stream, to its end or to a line that starts with `last`, and writes it to a log."""

    def __init__(self, stream, log, echo=False, last=None):
        self.lines = []
        self.closed = False
        self._changed = threading.Condition()
        self._stream = stream
        self._log = open(log, "wb")
        self._echo = echo
        self._last = last
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for raw in iter(self._stream.readline, b""):
            self._log.write(raw)
            self._log.flush()
            line = raw.decode(errors="replace").rstrip("\r\n")
            if self._echo:
                print(line, file=sys.stderr, flush=True)
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
            if self._last and line.startswith(self._last):
                break
        with self._changed:
            self.closed = True
            self._changed.notify_all()
        self._log.close()

    def wait(self, pattern, timeout, start=0):
        """The first line from number `start` on that has `pattern`; None at the end or in time."""
        deadline = time.monotonic() + timeout
        expression = re.compile(pattern)
        with self._changed:
            while True:
                for line in self.lines[start:]:
                    if expression.search(line):
                        return line
                start = len(self.lines)
                left = deadline - time.monotonic()
                if self.closed or left <= 0:
                    return None
                self._changed.wait(left)

    def wait_closed(self, timeout):
        with self._changed:
            return self._changed.wait_for(lambda: self.closed, timeout)

    def mark(self):
        """A place to start from: the number of lines so far."""
        return len(self.lines)

    def disasters(self, start=0, allowed=()):
        """Lines that report a disaster, except those that match a pattern of `allowed`."""
        return [
            line for line in self.lines[start:]
            if DISASTER.search(line) and not any(re.search(a, line) for a in allowed)
        ]

    def dying(self):
        return any(LAST.search(line) for line in self.lines[-400:])

    def tail(self, count=40):
        return "\n".join(self.lines[-count:])
