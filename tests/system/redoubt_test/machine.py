# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU machine that runs a stock kernel as the host under test.

    with Machine(kernel="4k", smp=2) as m:
        m.load_redoubt()
        assert m.run("cat /sys/kernel/debug/redoubt/version").status == 0
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from . import initramfs
from .channel import Channel, ChannelClosed, CommandTimeout
from .console import Console
from .paths import KERNEL, LOGS, Kernel, relative

# How KVM or Redoubt gets at EL2: words on the kernel command line.
HYPERVISOR = {
    "redoubt": "kvm-arm.mode=none id_aa64mmfr1.vh=0",
    "nvhe": "kvm-arm.mode=nvhe id_aa64mmfr1.vh=0",
    "protected": "kvm-arm.mode=protected id_aa64mmfr1.vh=0",
    "vhe": "",
    "none": "kvm-arm.mode=none",
}
CPU_MAX = "max,pauth-impdef=on"
QEMU = os.environ.get("REDOUBT_QEMU", "qemu-system-aarch64")


class MachineError(AssertionError):
    """A machine did not do what the test asked for; the text has the console's end."""


class Machine:
    """One boot. Options:

    kernel      flavour ("4k", "16k", "6.1", "64k", "trixie"); see paths.Kernel
    hypervisor  key of HYPERVISOR
    cpu, smp, mem (MiB), gic ("3", "2"), icount (deterministic instruction counting)
    el2         False for a machine without EL2
    cmdline     more words for the kernel command line
    files       {path in the machine: source path or bytes} put into the initramfs
    disk        raw image that becomes the root; changes are thrown away
    qemu        more QEMU arguments
    binary      another QEMU than the machine's own
    ports       names of more virtio ports, each a Channel in .ports (nested guests)
    boot_timeout, timeout   seconds for booting; default for a command
    allowed     patterns of console lines that are no disaster for this test
    """

    poweroff_timeout = 60  # seconds

    def __init__(self, kernel=KERNEL, hypervisor="redoubt", cpu=CPU_MAX, smp=2, mem=1024, gic="3",
                 el2=True, icount=False, cmdline="", files=None, disk=None, qemu=(), ports=(),
                 boot_timeout=300, timeout=180, allowed=(), name=None, echo=False, gdb=None,
                 binary=QEMU):
        self.kernel = Kernel(kernel)
        self.hypervisor = hypervisor
        self.cpu, self.smp, self.mem, self.gic, self.icount = cpu, smp, mem, gic, icount
        self.el2, self.binary = el2, str(binary)
        self.cmdline, self.files, self.disk = cmdline, dict(files or {}), disk
        self.extra, self.port_names, self.gdb = list(qemu), list(ports), gdb
        self.boot_timeout, self.timeout = boot_timeout, timeout
        self.allowed, self.echo = tuple(allowed), echo
        self.name = name or f"{kernel}-{hypervisor}"
        self.process = self.console = self.channel = None
        self.ports = {}
        self.boot_seconds = None
        self._checked = 0

    # Start and end

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
        else:
            self._explain(value)
            self.kill()

    def start(self):
        """Boots up to the point where commands can be run."""
        self.directory = tempfile.mkdtemp(prefix="redoubt-")
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{self.name}.{os.getpid()}.{id(self):x}.log"
        begin = time.monotonic()
        self.channel = Channel(f"{self.directory}/agent", self._why_dead)
        self.ports = {
            n: Channel(f"{self.directory}/{n}", self._why_dead) for n in self.port_names
        }
        self.command = self._qemu_command(self._initrd())
        # Whatever ends this program, if only SIGKILL, ends the machine too.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.command],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.console = Console(self.process.stdout, self.log, self.echo)
        try:
            self.channel.wait_ready(self.boot_timeout)
        except (ChannelClosed, CommandTimeout) as error:
            self.kill()
            raise self._error(str(error)) from None
        self.boot_seconds = time.monotonic() - begin
        return self

    def stop(self):
        """Powers the machine off in an orderly way, and fails if that or anything before did."""
        try:
            self.channel.goodbye()
            if not self.console.wait_closed(self.poweroff_timeout):
                raise self._error(f"the machine did not power off in {self.poweroff_timeout} s")
            self.check_console()
            if self.process.wait(10) != 0:
                raise self._error(f"QEMU ended with status {self.process.returncode}")
        finally:
            self.kill()

    def kill(self):
        """Ends what start() started, whatever state it is in."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.console:
            self.console.wait_closed(5)
        for channel in (self.channel, *self.ports.values()):
            if channel:
                channel.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    # Work

    def run(self, script, timeout=None, check=True, echo=False):
        """Runs a shell script; with check, a status other than 0 is a MachineError."""
        try:
            result = self.channel.run(script, timeout or self.timeout, echo)
        except (ChannelClosed, CommandTimeout) as error:
            raise self._error(str(error)) from None
        if check and result.status != 0:
            raise self._error(f"status {result.status} from: {script.strip()}\n{result.output}")
        return result

    def output(self, script, timeout=None):
        return self.run(script, timeout).output

    def load_redoubt(self, arguments=""):
        """Loads the module that was put in by with_redoubt()."""
        return self.run(f"insmod /redoubt/redoubt.ko {arguments}")

    def wait_ended(self, timeout=60):
        """Waits for a machine that ends by itself, by a reboot for instance."""
        if not self.console.wait_closed(timeout) or self.process.wait(10) != 0:
            raise self._error(f"QEMU did not end well in {timeout} s")

    def check_console(self):
        """Fails if the console reported a disaster since the last check."""
        bad = self.console.disasters(self._checked, self.allowed)
        self._checked = self.console.mark()
        if bad:
            raise self._error("the console reports: " + " | ".join(bad[:5]))

    def manual_command(self):
        """The line that boots the same machine by hand, its prompt on the terminal."""
        words = [] if self.binary == QEMU else ["env", f"REDOUBT_QEMU={relative(self.binary)}"]
        words += ["tests/system/boot.py", "--shell", "--kernel", self.kernel.flavour,
                 "--hypervisor", self.hypervisor, "--cpu", self.cpu, "--smp", str(self.smp),
                 "--mem", str(self.mem)]
        if self.cmdline:
            words += ["--append", self.cmdline]
        if self.disk:
            words += ["--disk", relative(self.disk)]
        words += [f"--qemu={argument}" for argument in self.extra]
        for path, source in self.files.items():
            if not isinstance(source, bytes):
                words += ["--file", f"{relative(source)}:{path}"]
        return shlex.join(words)

    # Inside

    def _initrd(self):
        base = initramfs.base(self.kernel)
        if not self.files:
            return base
        own = initramfs.overlay(f"{self.directory}/overlay.cpio", self.files)
        return initramfs.join(f"{self.directory}/initrd.cpio", base, own)

    def append(self, agent=""):
        words = ["console=ttyAMA0", "panic=-1", "loglevel=4", HYPERVISOR[self.hypervisor],
                 "disk=/dev/vda" if self.disk else "", agent, self.cmdline]
        return " ".join(w for w in words if w)

    def base_command(self, initrd, agent=""):
        """QEMU without serial lines and ports."""
        el2 = "on" if self.el2 else "off"
        command = [self.binary, "-M", f"virt,virtualization={el2},gic-version={self.gic}", "-cpu", self.cpu,
                   "-smp", str(self.smp), "-m", f"{self.mem}M", "-nodefaults", "-display", "none",
                   "-no-reboot", "-kernel", str(self.kernel.image), "-initrd", str(initrd),
                   "-append", self.append(agent)]
        if self.icount:
            command += ["-icount", "shift=0,sleep=off"]
        if self.disk:
            command += ["-drive", f"file={self.disk},format=raw,if=virtio,snapshot=on"]
        if self.gdb:
            command += ["-gdb", self.gdb]
        return command + self.extra

    def _qemu_command(self, initrd):
        command = self.base_command(initrd) + ["-serial", "stdio", "-device", "virtio-serial-pci"]
        channels = [("agent", self.channel), *self.ports.items()]
        for number, (name, channel) in enumerate(channels, 1):
            command += ["-chardev", f"socket,id={name},path={channel.path}",
                        "-device", f"virtserialport,chardev={name},name=redoubt.{name},nr={number}"]
        return command

    def _why_dead(self):
        if self.process.poll() is not None:
            self.console.wait_closed(5)
            return f"QEMU ended (status {self.process.returncode})"
        if self.console.dying() and not self.allowed:
            self.console.wait_closed(3)
            return "the machine panicked"
        return None

    def _error(self, text):
        return MachineError(text + self._context())

    def _context(self):
        return (f"\n--- last lines of {self.name}'s console ({relative(self.log)}) ---\n"
                f"{self.console.tail(40)}\n--- by hand: {self.manual_command()}\n")

    def _explain(self, error):
        """Console and command for failures that did not come from here (an assert in a test)."""
        if not isinstance(error, MachineError):
            print(self._context(), file=sys.stderr)


def with_redoubt(kernel=KERNEL, files=None, **options):
    """A Machine with the redoubt module of its kernel in /redoubt, and EL2 left to it."""
    files = dict(files or {})
    files["redoubt/redoubt.ko"] = pathlib.Path(Kernel(kernel).redoubt_module())
    return Machine(kernel=kernel, files=files, **options)
