# SPDX-License-Identifier: GPL-2.0-only
"""A VM inside a Machine, under Debian's arm64 QEMU with -accel kvm.

The machine needs the root disk with QEMU (rootfs()), ports for its guests and
the guest's kernel among its files; host_options() gives all three:

    with Machine(**host_options(hypervisor="nvhe")) as host:
        with Guest(host) as vm:
            vm.run("uname -r")
"""

import os
import shlex
import subprocess

from . import initramfs
from .channel import ChannelClosed, CommandTimeout
from .console import Console
from .debugger import Debugger
from .machine import MachineError
from .monitor import Monitor
from .paths import BUILD, LOGS, TOP, Kernel, relative


# Words before a program that is to find the protected device as /dev/kvm.
PROTECTED = """unshare -m sh -c 'mount --bind /dev/kvm-protected /dev/kvm && exec "$@"' sh"""


def rootfs(codename="bookworm"):
    """The image with QEMU of a Debian release: bookworm has 7.2, trixie 10."""
    subprocess.run([TOP / "mk" / "rootfs", codename], check=True)
    return BUILD / "rootfs" / f"{codename}.img"


def guest_root():
    """The image of a Debian user space with systemd, for a guest that is told "agent=systemd"."""
    subprocess.run([TOP / "mk" / "guest-root"], check=True)
    return BUILD / "rootfs" / "guest.img"


PORTS = ("", ".console", ".monitor")
DEBUGGER_PORT = ".gdb"


def guest_initramfs(kernel, files, guest_module):
    """What a guest boots into: the same as a Machine, with more files."""
    base = initramfs.with_guest_module(kernel) if guest_module else initramfs.base(kernel)
    if not files:
        return base
    own = initramfs.overlay(base.with_suffix(f".{os.getpid()}.part"), files)
    content = base.read_bytes()
    content += b"\0" * (-len(content) % 4) + own.read_bytes()
    own.unlink()
    return content


def host_options(guest_kernel="4k", guests=1, codename="bookworm", guest_module=False,
                 guest_files=None, **options):
    """Options for a Machine (or with_redoubt) that will run `guests` guests at a time.

    guest_kernel: a flavour or several; guest_files go into the guests' initramfs.
    guest_module: protected guests have redoubt-guest.ko, and with it virtio devices.
    """
    files = dict(options.pop("files", None) or {})
    for flavour in (guest_kernel,) if isinstance(guest_kernel, str) else guest_kernel:
        kernel = Kernel(flavour)
        files[f"redoubt/guest/{flavour}.Image"] = kernel.image
        files[f"redoubt/guest/{flavour}.cpio"] = guest_initramfs(kernel, guest_files, guest_module)
    ports = [f"guest{i}{port}" for i in range(guests) for port in (*PORTS, DEBUGGER_PORT)]
    return {"mem": 2560, "disk": rootfs(codename), "files": files, "ports": ports, **options}


class Guest:
    """One VM.

    host      a started Machine
    number    which pair of ports it uses
    kernel    flavour among the host's files
    qemu      more arguments, as a string for the host's shell
    accel     text for -accel; machine more properties for -M
    reboot    the guest starts again after a reset; else QEMU ends
    prefix    words before qemu-system-aarch64, such as "taskset 1"
    protected QEMU finds /dev/kvm-protected in the place of /dev/kvm, in a mount
              namespace of its own: QEMU 7.2 has no option for another device. With a
              newer one accel can say "kvm,device=/dev/kvm-protected". Its commands
              come over the serial line, so there is no console to read
    """

    def __init__(self, host, number=0, kernel="4k", smp=1, mem=512, cpu="host", accel="kvm",
                 machine="gic-version=3", cmdline="", qemu="", prefix="", protected=False,
                 reboot=False, boot_timeout=None, timeout=180, allowed=(), echo=False):
        self.host, self.number, self.kernel = host, number, kernel
        self.smp, self.mem = smp, mem
        self.cpu, self.accel, self.machine, self.cmdline = cpu, accel, machine, cmdline
        self.qemu = qemu if reboot else f"-no-reboot {qemu}"
        self.protected = protected
        mount = PROTECTED if protected and "device=" not in accel else ""
        self.prefix = f"{prefix} {mount}".strip()
        # A VM takes some ten times as long as the emulated host took, on this machine.
        self.boot_timeout = boot_timeout or max(240, 30 * host.boot_seconds)
        self.timeout = timeout
        self.allowed, self.echo = tuple(allowed), echo
        self.channel = host.ports[f"guest{number}"]
        self._console_channel = host.ports[f"guest{number}.console"]
        self.console = self.monitor = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None and not self.ended():
            self.stop()
        elif self.host._why_dead() is None:
            self.kill()

    def start(self):
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self):
        """Until it has booted, or booted again."""
        try:
            self.channel.wait_ready(self.boot_timeout, self._why_dead)
        except (ChannelClosed, CommandTimeout) as error:
            raise self._error(str(error)) from None

    def launch(self):
        """Starts QEMU in the host and returns at once."""
        number = self.number
        socket = self._console_channel.connect(30)
        socket.settimeout(None)
        log = LOGS / f"{self.host.name}.guest{number}.{os.getpid()}.{id(self):x}.log"
        self.log = log
        self.console = Console(socket.makefile("rb"), log, self.echo, last="@@qemu ended")
        self.monitor = Monitor(self.host.ports[f"guest{number}.monitor"].connect(30))
        agent, console, monitor = self.host.output(" && ".join(
            f"/redoubt/port guest{number}{port}" for port in PORTS)).split()
        script = "\n".join((
            f"cat >/run/guest{number}.sh <<'END'",
            f"{self.command(agent, console, monitor)} >/run/guest{number}.log 2>&1",
            "status=$?",
            f"cat /run/guest{number}.log >{console}",
            f'echo "@@qemu ended $status" >{console}',
            "END",
            f"setsid sh /run/guest{number}.sh </dev/null >/dev/null 2>&1 &",
            f"echo $! >/run/guest{number}.pid",
        ))
        self.host.run(script)

    def command(self, agent="AGENT", console="CONSOLE", monitor="MONITOR"):
        """QEMU's command line, for the host's shell."""
        append = f"panic=-1 loglevel=4 {self.cmdline}".strip()
        if self.protected:
            # A stock kernel has started its virtio console before it could share memory for
            # it: the serial line is the agent's.
            append = f"console=tty0 agent=serial {append}"
            devices = f"-chardev pipe,id=agent,path={agent} -serial chardev:agent"
        else:
            append = f"console=ttyAMA0 {append}"
            devices = (f"-chardev pipe,id=console,path={console} -serial chardev:console"
                       f" -device virtio-serial-pci -chardev pipe,id=agent,path={agent}"
                       f" -device virtserialport,chardev=agent,name=redoubt.agent,nr=1")
        devices += (f" -chardev pipe,id=monitor,path={monitor}"
                    f" -mon chardev=monitor,mode=control")
        return (
            f"{self.prefix} qemu-system-aarch64 -M virt,{self.machine} -accel {self.accel}"
            f" -cpu {self.cpu} -smp {self.smp} -m {self.mem}M -nodefaults -display none"
            f" -name guest{self.number},debug-threads=on"
            f" -kernel /redoubt/guest/{self.kernel}.Image -initrd /redoubt/guest/{self.kernel}.cpio"
            f" -append {shlex.quote(append)} {devices} {self.qemu}").strip()

    def run(self, script, timeout=None, check=True, echo=False):
        try:
            result = self.channel.run(script, timeout or self.timeout, echo)
        except (ChannelClosed, CommandTimeout) as error:
            raise self._error(str(error)) from None
        if check and result.status != 0:
            raise self._error(f"status {result.status} from: {script.strip()}\n{result.output}")
        return result

    def output(self, script, timeout=None):
        return self.run(script, timeout).output

    def stop(self):
        """Powers off and waits for QEMU to end with status 0."""
        self.channel.goodbye()
        self.wait_ended(90, 0)
        bad = self.console.disasters(0, self.allowed)
        if bad:
            raise self._error("the guest's console reports: " + " | ".join(bad[:5]))

    def ended(self):
        return self.console.wait(r"@@qemu ended", 0) is not None

    def wait_ended(self, timeout, status=None):
        line = self.console.wait(r"@@qemu ended", timeout)
        if not line:
            raise self._error(f"the guest's QEMU did not end in {timeout} s")
        if status is not None and not line.endswith(f"ended {status}"):
            raise self._error(f"the guest's QEMU ended with another status: {line}")

    def resume_from(self, source, uri, timeout=600):
        """Takes over a running guest: this one was launched with "-incoming URI".

        Returns what QEMU tells of the migration. The agent in the guest goes on
        answering, here.
        """
        self.monitor.command("query-status")  # it listens by now
        source.monitor.command("migrate", uri=uri)
        self.monitor.wait_event("RESUME", timeout)
        told = source.monitor.command("query-migrate")
        if told["status"] != "completed":
            raise self._error(f"the guest runs, but its migration is {told['status']}")
        source.monitor.command("quit")
        source.wait_ended(60, 0)
        self.channel.connect(30, self._why_dead)
        return told

    def debugger(self):
        """Starts QEMU's gdbserver and stops the guest."""
        name = f"guest{self.number}{DEBUGGER_PORT}"
        port = self.host.output(f"/redoubt/port {name}").strip()
        peer = self.host.ports[name].connect(30)
        self.monitor.human(f"gdbserver pipe:{port}")
        return Debugger(peer)

    def pid(self):
        """Of QEMU, in the host: the one child of the shell that waits for it."""
        shell = self.host.output(f"cat /run/guest{self.number}.pid").strip()
        return int(self.host.output(f"cat /proc/{shell}/task/{shell}/children"))

    def vcpu_threads(self):
        """Their thread ids in the host, in the order of the vCPUs."""
        return [int(t) for t in self.host.output(f"""
            cd /proc/{self.pid()}/task
            for t in *; do sed "s/$/ $t/" $t/comm; done | sort -V |
                sed -n 's,^CPU [0-9]*/KVM ,,p'""").split()]

    def kill(self, signal="KILL"):
        """Ends the VMM by a signal and waits until it is gone."""
        shell = self.host.output(f"cat /run/guest{self.number}.pid").strip()
        self.host.run(
            f"for p in $(cat /proc/{shell}/task/{shell}/children); do kill -{signal} $p; done",
            check=False)
        self.wait_ended(60)

    def _why_dead(self):
        line = self.console.wait(r"@@qemu ended", 0)
        if line:
            return f"the guest's QEMU ended ({line[3:]})"
        if self.console.dying() and not self.allowed:
            return "the guest panicked"
        return self.host._why_dead()

    def _error(self, text):
        return MachineError(
            f"{text}\n--- last lines of the guest's console ({relative(self.log)}) ---\n"
            f"{self.console.tail(40)}\n--- in the host: {self.command()}" + self.host._context())
