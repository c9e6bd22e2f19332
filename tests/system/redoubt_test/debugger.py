# SPDX-License-Identifier: GPL-2.0-only
"""A debugger: the client's side of gdb's remote protocol, which QEMU's gdbserver speaks.

gdb itself wants a file system and a terminal in the host; these are the few packets that
make QEMU use each of KVM's debugging features.
"""

from .monitor import Stream

SOFTWARE, HARDWARE, WRITE_WATCH = 0, 1, 2  # kinds of the packets Z and z
PC = 32  # x0 to x30, sp, pc: 64 bits each in the answer to g


class Stop:
    """Why and where the guest stands still."""

    def __init__(self, packet):
        assert packet.startswith("T"), packet
        self.signal = int(packet[1:3], 16)
        fields = dict(f.split(":", 1) for f in packet[3:].split(";") if ":" in f)
        self.thread = fields["thread"]
        self.watched = int(fields["watch"], 16) if "watch" in fields else None


class Debugger:
    """Connected to a gdbserver that has just started: the guest stands still."""

    def __init__(self, peer):
        self._stream = Stream(peer)
        self._stream.drain()
        self.stopped = Stop(self._packet("?"))

    def _answer(self, timeout, what):
        found = self._stream.until(rb"\$([^#]*)#..", timeout, what)
        self._stream.send(b"+")
        return found.group(1).decode()

    def _send(self, text):
        data = text.encode()
        self._stream.send(b"$%s#%02x" % (data, sum(data) & 0xff))

    def _packet(self, text, timeout=60):
        self._send(text)
        return self._answer(timeout, text)

    def _done(self, text):
        answer = self._packet(text)
        assert answer == "OK", f"{text}: {answer}"

    def resume(self, timeout=120):
        """All vCPUs run until one of them stops: why it did."""
        self.stopped = Stop(self._packet("vCont;c", timeout))
        return self.stopped

    def step(self, timeout=120):
        """One instruction of the vCPU that stopped, the others standing still."""
        self.stopped = Stop(self._packet(f"vCont;s:{self.stopped.thread}", timeout))
        return self.stopped

    def pc(self):
        """Of the vCPU that stopped."""
        self._done(f"Hg{self.stopped.thread}")
        registers = bytes.fromhex(self._packet("g")[:(PC + 1) * 16])
        return int.from_bytes(registers[PC * 8:], "little")

    def memory(self, address, length):
        """Bytes at a virtual address, as the vCPU that stopped sees them."""
        self._done(f"Hg{self.stopped.thread}")
        return bytes.fromhex(self._packet(f"m{address:x},{length:x}"))

    def insert(self, kind, address):
        self._done(f"Z{kind},{address:x},{8 if kind == WRITE_WATCH else 4}")

    def remove(self, kind, address):
        self._done(f"z{kind},{address:x},{8 if kind == WRITE_WATCH else 4}")

    def detach(self):
        """The guest goes on, as if nobody had looked."""
        self._done("D")
