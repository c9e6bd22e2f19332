# SPDX-License-Identifier: GPL-2.0-only
"""The harness itself: that what should fail does, before anything is believed."""

import multiprocessing
import os
import select
import signal
import subprocess
import sys

import pytest

import kvm_selftests
from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import Machine, MachineError


@pytest.mark.parametrize("kernel", ["4k", "16k", "6.1"])
def test_boots_stock_kernel(kernel):
    with Machine(kernel=kernel) as m:
        assert m.output("uname -r").strip() == m.kernel.release
        assert m.output("getconf PAGESIZE 2>/dev/null || true") is not None
        assert m.run("exit 3", check=False).status == 3


def test_output_comes_back_exactly():
    text = "no newline at the end\n\n  spaces  \n@@ not an end mark"
    with Machine(smp=1) as m:
        assert m.output(f"printf '%s' '{text}'") == text
        assert len(m.output("head -c 3000000 /dev/zero | tr '\\0' x")) == 3000000


def test_results_are_parsed():
    with Machine(smp=1) as m:
        found = m.run("echo '@@ one: ok'; echo '@@ two: fail it broke'").results()
    assert found == [("one", True, ""), ("two", False, "it broke")]


def test_a_failing_command_fails_the_test():
    with Machine(smp=1) as m:
        with pytest.raises(MachineError, match="status 1 from"):
            m.run("false")


def test_a_panic_is_noticed_at_once():
    m = Machine(smp=1).start()
    with pytest.raises(MachineError, match="Kernel panic"):
        m.run("echo c >/proc/sysrq-trigger", timeout=60)
    m.kill()


def test_a_warning_on_the_console_fails_the_test():
    with pytest.raises(MachineError, match="the console reports"):
        with Machine(smp=1) as m:
            m.run("echo 'WARNING: something' >/dev/kmsg")


def test_an_expected_warning_does_not():
    with Machine(smp=1, allowed=["WARNING: something"]) as m:
        m.run("echo 'WARNING: something' >/dev/kmsg")


def test_a_hang_ends_in_time():
    m = Machine(smp=1).start()
    with pytest.raises(MachineError, match="timed out"):
        m.run("echo before; read -r line </dev/console", timeout=2)
    m.kill()


STARTS_A_MACHINE = """
from redoubt_test.machine import Machine
with Machine(smp=1) as m:
    print(m.process.pid, flush=True)
    m.run("read -r line </dev/console", timeout=60)
"""


def test_no_machine_outlives_its_program():
    """Not even one that is killed, and so can't clean up after itself."""
    paths = {"PYTHONPATH": ":".join(sys.path)}
    program = subprocess.Popen([sys.executable, "-c", STARTS_A_MACHINE], text=True,
                               stdout=subprocess.PIPE, env={**os.environ, **paths})
    machine = os.pidfd_open(int(program.stdout.readline()))
    program.kill()
    assert program.wait() == -signal.SIGKILL
    # A pidfd is readable once the process has ended.
    ended, _, _ = select.select([machine], [], [], 30)
    os.close(machine)
    assert ended, "QEMU still runs"


# Mainline protected 6.12 announces pointer authentication to an ordinary guest and leaves it
# trapped: a stock kernel would panic at once.
@pytest.mark.parametrize("hypervisor, cpu", [("nvhe", "host"), ("protected", "host,pauth=off")],
                         ids=["nvhe", "protected"])
def test_mainline_runs_a_guest(hypervisor, cpu):
    """The same guest that Redoubt's tests run, under the KVM that is in the kernel."""
    with Machine(**host_options(hypervisor=hypervisor)) as host:
        with Guest(host, cpu=cpu) as vm:
            assert vm.output("uname -m").strip() == "aarch64"
            assert "kvm" not in host.output("lsmod")
        assert host.output("pgrep qemu || echo none").strip() == "none"


def test_selftest_results_of_several_runs_are_kept(tmp_path, monkeypatch):
    """Runs of kvm_selftests.py in one tree, each with results that the others don't have."""
    monkeypatch.setattr(kvm_selftests, "MEASURED", tmp_path / "results.tsv")

    def run(number):
        results = kvm_selftests.MainlineResults(remeasure=True)
        for i in range(20):
            row = kvm_selftests.Row("4k", 1, f"test-{number}-{i}", False)
            results.put(row, "nvhe", kvm_selftests.Outcome("pass", 1))

    runs = [multiprocessing.Process(target=run, args=(number,)) for number in range(4)]
    for process in runs:
        process.start()
    for process in runs:
        process.join()
    assert [process.exitcode for process in runs] == [0] * 4
    assert len(kvm_selftests.read_results(kvm_selftests.MEASURED)) == 80
