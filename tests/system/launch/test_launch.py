# SPDX-License-Identifier: GPL-2.0-only
"""insmod takes EL2 and rmmod gives it back, on every kind of host that we have."""

import pytest

from redoubt_test.machine import CPU_MAX, with_redoubt
from redoubt_test.memory import free_kib
from redoubt_test.paths import KERNEL

IN_PLACE = "EL2 is in place, the host is behind stage 2"
GIVEN_BACK = "EL2 is given back"

# No LPA2; physical addresses of 44 (a57), 40 (a76) and 48 bits (neoverse-n1).
CPUS = (("cortex-a57", 2), ("cortex-a76", 2), ("neoverse-n1", 4))
HOSTS = [(KERNEL, CPU_MAX, smp) for smp in (1, 2, 4)] + [(KERNEL, *cpu) for cpu in CPUS]
if KERNEL == "4k":
    HOSTS += [("16k", CPU_MAX, 2), ("6.1", CPU_MAX, 2), ("16k", "cortex-a76", 2),
              ("6.1", "cortex-a57", 1)]


def name(host):
    kernel, cpu, smp = host
    return f"{kernel}-{cpu.split(',')[0]}-{smp}"


def work(m):
    """Something of everything: processes on all CPUs, memory, files, timers."""
    m.run("""
        set -e
        for i in 1 2 3 4; do (seq 1 5000 | md5sum >/tmp/sum.$i) & done; wait
        [ "$(cat /tmp/sum.* | sort -u | wc -l)" = 1 ]
        head -c 8000000 /dev/zero | sha256sum >/tmp/zero
        sleep 0.01
        rm /tmp/sum.* /tmp/zero""")


@pytest.mark.parametrize("host", HOSTS, ids=name)
def test_takes_el2_and_gives_it_back(host):
    kernel, cpu, smp = host
    with with_redoubt(kernel=kernel, cpu=cpu, smp=smp) as m:
        m.load_redoubt()
        assert IN_PLACE in m.output("dmesg")
        work(m)
        m.run("test -c /dev/kvm")
        m.run("rmmod redoubt")
        assert GIVEN_BACK in m.output("dmesg")
        work(m)


REFUSALS = {
    "the kernel runs at EL2 itself": (dict(hypervisor="none"), "id_aa64mmfr1.vh=0"),
    "KVM has EL2": (dict(hypervisor="nvhe"), "kvm-arm.mode=none"),
    "pKVM has EL2": (dict(hypervisor="protected"), "kvm-arm.mode=none"),
    "there is no EL2": (dict(el2=False), "virtualization=on"),
    "the interrupt controller is a GICv2": (dict(gic="2"), "GICv3"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refuses_with_a_sentence_when(case):
    options, remedy = REFUSALS[case]
    if (KERNEL, case) == ("64k", "pKVM has EL2"):
        pytest.skip("mainline's pKVM panics at boot with 64K pages")
    with with_redoubt(**options) as m:
        result = m.run("insmod /redoubt/redoubt.ko", check=False)
        assert result.status != 0
        said = [line for line in m.output("dmesg").splitlines() if "redoubt: " in line]
        assert remedy in said[-1]
        assert "redoubt" not in m.output("lsmod").replace("redoubt.ko", "")
        work(m)


def test_refuses_another_kvm_device_user():
    """/dev/kvm is in use by an open file: the module stays."""
    with with_redoubt() as m:
        m.load_redoubt()
        assert m.run("exec 4<>/dev/kvm; rmmod redoubt", check=False).status != 0
        m.run("rmmod redoubt")


def test_loads_100_times_and_leaks_nothing():
    with with_redoubt(smp=2, timeout=600) as m:
        memory = "cat /sys/kernel/debug/redoubt/memory"
        again = "insmod /redoubt/redoubt.ko && rmmod redoubt || exit 1"
        m.run(f"for i in 1 2 3 4 5; do {again}; done")
        m.load_redoubt()
        el2 = m.output(memory)
        m.run("rmmod redoubt")
        before = free_kib(m)
        m.run(f"for i in $(seq 95); do {again}; done")
        # 95 leaks of even one 16 KiB object would be 1.5 MiB; the count differs by less than 0.5.
        # With pages of 64 KiB, of one page 6 MiB; the count differs by some 30 pages.
        assert before - free_kib(m) < (3072 if KERNEL == "64k" else 1024)
        m.run("[ ! -e /sys/kernel/debug/redoubt ] && [ ! -e /dev/kvm ]")
        m.load_redoubt()
        assert m.output(memory) == el2
        m.run("rmmod redoubt")


def test_locked_stays():
    with with_redoubt() as m:
        m.load_redoubt("locked=1")
        assert m.run("rmmod redoubt", check=False).status != 0
        assert "redoubt" in m.output("lsmod")
        work(m)
        m.run("grep -q hyp /sys/kernel/debug/redoubt/owners")


@pytest.mark.parametrize("words", ["nokaslr", "maxcpus=1", "rodata=full", "kpti=1"])
def test_kernel_command_line(words):
    with with_redoubt(cmdline=words) as m:
        m.load_redoubt()
        work(m)
        m.run("rmmod redoubt")
