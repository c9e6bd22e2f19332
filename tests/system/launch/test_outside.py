# SPDX-License-Identifier: GPL-2.0-only
"""The world around a host behind stage 2: kexec, crash kernels, memory that comes and goes."""

import pytest

from redoubt_test.kexec import KEXEC_MACHINE, kexec_files, load_kernel  # noqa: F401
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import GUEST_PROGRAMS, KERNEL


def redoubt_says(m):
    return [line for line in m.output("dmesg").splitlines() if "redoubt: " in line]


def test_kexec_gives_el2_to_the_next_kernel(kexec_files):
    with with_redoubt(files=kexec_files, **KEXEC_MACHINE) as m:
        m.load_redoubt()
        m.run(load_kernel("l", "second=1"))
        m.channel.send("kexec -e")
        m.channel.wait_ready(120)
        m.run("grep -q second=1 /proc/cmdline")
        m.load_redoubt()
        m.run("[ $(nproc) = 2 ] && taskset -c 1 md5sum /redoubt/redoubt.ko && rmmod redoubt")
    assert m.console.wait("EL2 is given back for the next kernel", 1)


@pytest.mark.parametrize("why, load, first", [
    ("a VM exists", "", "vmholder & until [ -e /tmp/vm ]; do sleep 0.1; done"),
    ("loaded with locked=1", "locked=1", "true"),
], ids=["vm", "locked"])
def test_kexec_without_el2_restarts_the_machine(kexec_files, why, load, first):
    holder = {"redoubt/vmholder": GUEST_PROGRAMS / "vmholder"}
    m = with_redoubt(files={**kexec_files, **holder}, **KEXEC_MACHINE).start()
    m.load_redoubt(load)
    m.run(load_kernel("l", "second=1"))
    m.run(first)
    m.channel.send("kexec -e")
    m.wait_ended()
    m.check_console()
    m.kill()
    assert m.console.wait(f"kexec is refused, since EL2 stays .{why}", 1)


def test_crash_kernel_starts_behind_stage_2(kexec_files):
    """It has its own memory and no EL2: it comes up, and refuses the module with a sentence."""
    with with_redoubt(files=kexec_files, cmdline="crashkernel=512M", allowed=["sysrq", "Call trace"],
                      **{**KEXEC_MACHINE, "mem": 3072}) as m:
        m.load_redoubt()
        m.run(load_kernel("p", "second=1 maxcpus=1"))
        m.channel.send("echo c >/proc/sysrq-trigger")
        m.channel.wait_ready(180)
        m.run("grep -q second=1 /proc/cmdline && test -s /proc/vmcore")
        assert m.run("insmod /redoubt/redoubt.ko", check=False).status != 0
        assert "not started at EL2" in redoubt_says(m)[-1]


def test_hibernation_is_refused():
    with with_redoubt() as m:
        m.load_redoubt()
        if "disk" not in m.output("cat /sys/power/state"):
            pytest.skip("this kernel cannot hibernate")
        assert m.run("echo disk >/sys/power/state", check=False).status != 0
        assert "hibernation is refused" in redoubt_says(m)[-1]


def test_performance_counters():
    """Counting needs the counters that EL2 leaves to the host, sampling their interrupt."""
    with with_redoubt(files={"redoubt/perfcount": GUEST_PROGRAMS / "perfcount"}) as m:
        before = m.output("perfcount").split()
        m.load_redoubt()
        after = m.output("perfcount").split()
    for line in before, after:
        assert int(line[1]) > 2000000 and int(line[3]) > 0, line
        # A busy build machine delays interrupts, so that some come as one.
        assert 5 <= int(line[5]) <= 100, line


def test_kernel_is_at_a_random_address():
    with with_redoubt() as m:
        m.load_redoubt()
        # Linked at 0xffff800080000000, moved by multiples of 2 MiB; a small kernel tells no _text.
        assert not m.output("grep ' _stext$' /proc/kallsyms").startswith("ffff8000800")


BLOCKS = "for b in $(grep -lx {state} /sys/devices/system/memory/memory*/state); do"


@pytest.mark.skipif(KERNEL == "64k", reason="the project's 64K kernel has all memory at boot")
def test_memory_hotplug():
    """Refused while EL2 guards memory; what was plugged in before is memory like any other."""
    plugged = ("-m", "512M,slots=1,maxmem=4G", "-object", "memory-backend-ram,id=more,size=512M",
               "-device", "virtio-mem-pci,memdev=more,requested-size=512M")
    with with_redoubt(mem=512, qemu=plugged) as m:
        m.load_redoubt()
        m.run("echo offline >/sys/devices/system/memory/auto_online_blocks")
        before = int(m.output("awk '/^ram/ { print $2 }' /sys/kernel/debug/redoubt/memory"))
        m.run("modprobe virtio_mem")
        m.run("until grep -qx offline /sys/devices/system/memory/memory*/state; do sleep 0.1; done")
        online = BLOCKS.format(state="offline") + " echo online_movable >$b || exit 1; done"
        assert m.run(online, check=False).status != 0
        assert "memory hotplug is refused" in redoubt_says(m)[-1]
        m.run("rmmod redoubt")
        m.run(online)
        m.load_redoubt()
        after = int(m.output("awk '/^ram/ { print $2 }' /sys/kernel/debug/redoubt/memory"))
        assert after - before >= 256 << 20
        m.run("""
            set -e
            mkdir -p /tmp/fill && mount -t tmpfs -o size=95% none /tmp/fill
            cp /bin/busybox /tmp/fill/md5sum
            head -c 600000000 /dev/zero >/tmp/fill/zero
            tail -c 1000000 /tmp/fill/zero | /tmp/fill/md5sum
            umount /tmp/fill""")
        offline = BLOCKS.format(state="online") + " echo offline >$b && exit 1; done; true"
        m.run(offline)
        assert "memory hotplug is refused" in redoubt_says(m)[-1]
