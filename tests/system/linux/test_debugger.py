# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's gdbserver on a guest at work: KVM's guest debugging, by the protocol gdb speaks."""

import pytest

from redoubt_test.debugger import HARDWARE, SOFTWARE, WRITE_WATCH
from redoubt_test.guest import Guest

# Entered on every system call, with interrupts masked: a step does not end in a handler.
ENTRY = "el0t_64_sync_handler"
CALL = "__arm64_sys_sethostname"
NAMES = "init_uts_ns"
# struct new_utsname's second field, and the first 8 bytes of it that are aligned: each of them
# changes with each of these names.
NODENAME = 65 + 7
# Time passes for a guest while QEMU starts and stops it at each step: on a busy machine so much
# of it between two of a CPU's ticks that the kernel takes the CPU for stuck. So it does on
# mainline.
NO_WATCHDOGS = "nosoftlockup rcupdate.rcu_cpu_stall_suppress=1"
WORK = """
    (while [ ! -e /tmp/stop ]; do
        for c in a b c d e f; do hostname guest-$c$c$c$c$c$c$c$c$c$c; usleep 10000; done
     done; hostname >/tmp/ended) >/dev/null 2>&1 &"""


def symbols(vm):
    """Where the running kernel has these."""
    lines = vm.output(f"grep -wE '{ENTRY}|{CALL}|{NAMES}' /proc/kallsyms").splitlines()
    found = {name: int(address, 16) for address, _, name in (line.split() for line in lines)}
    assert len(found) == 3 and all(found.values()), lines
    return found


def run_to(debugger, address):
    debugger.insert(HARDWARE, address)
    debugger.resume()
    debugger.remove(HARDWARE, address)
    assert debugger.pc() == address


def check_breakpoint(debugger, kind, address):
    """It stops the guest there, again and again, and leaves nothing behind."""
    code = debugger.memory(address, 4)
    for _ in range(3):
        debugger.insert(kind, address)
        debugger.resume()
        assert debugger.stopped.watched is None
        assert debugger.pc() == address
        # Over it, as gdb does.
        debugger.remove(kind, address)
        assert debugger.memory(address, 4) == code
        debugger.step()
        assert debugger.pc() != address


def check_steps(debugger, address):
    """One instruction at a time, in code that an interrupt can't leave."""
    run_to(debugger, address)
    for n in range(1, 5):
        debugger.step()
        assert debugger.pc() == address + 4 * n


def check_watchpoint(debugger, address, later):
    """It stops the guest before the write, which then is done; not at reads."""
    for _ in range(2):
        before = debugger.memory(address, 8)
        debugger.insert(WRITE_WATCH, address)
        debugger.resume()
        debugger.remove(WRITE_WATCH, address)
        assert address <= debugger.stopped.watched < address + 8
        assert debugger.memory(address, 8) == before
        run_to(debugger, later)
        assert debugger.memory(address, 8) != before


def check_debugger(vm):
    """All of it on one guest, which is none the worse for it."""
    where = symbols(vm)
    vm.run(WORK)
    debugger = vm.debugger()
    # The kernel's addresses mean something where the kernel runs.
    run_to(debugger, where[CALL])
    for kind in (HARDWARE, SOFTWARE):
        check_breakpoint(debugger, kind, where[CALL])
    check_watchpoint(debugger, where[NAMES] + NODENAME, where[CALL])
    check_steps(debugger, where[ENTRY])
    debugger.detach()
    vm.run("""i=$(hostname); until [ "$(hostname)" != "$i" ]; do :; done; : >/tmp/stop
        until [ -s /tmp/ended ]; do usleep 1000; done; grep '^guest-' /tmp/ended""")


@pytest.mark.parametrize("smp", [2])
def test_gdbserver(host, smp):
    with Guest(host, smp=smp, cmdline=NO_WATCHDOGS) as vm:
        check_debugger(vm)
