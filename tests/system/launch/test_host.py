# SPDX-License-Identifier: GPL-2.0-only
"""The host behind its stage 2 goes on as before: CPUs come and go, tracing, memory, reboot."""

import pytest

from redoubt_test.machine import with_redoubt


@pytest.fixture(scope="module")
def host():
    with with_redoubt(smp=4, mem=1024) as m:
        m.load_redoubt()
        yield m


def test_cpus_go_and_come_back(host):
    host.run("""
        set -e
        for round in 1 2 3; do
            for cpu in 1 2 3; do echo 0 >/sys/devices/system/cpu/cpu$cpu/online; done
            [ "$(nproc)" = 1 ]
            for cpu in 3 1 2; do echo 1 >/sys/devices/system/cpu/cpu$cpu/online; done
            [ "$(nproc)" = 4 ]
            for cpu in 0 1 2 3; do taskset -c $cpu true; done
        done""")


def test_any_cpu_but_one_may_leave(host):
    host.run("""
        set -e
        for cpu in 3 2 1; do echo 0 >/sys/devices/system/cpu/cpu$cpu/online; done
        seq 1 1000 | md5sum
        for cpu in 1 2 3; do echo 1 >/sys/devices/system/cpu/cpu$cpu/online; done""")


def test_all_memory_is_usable_and_keeps_its_contents(host):
    """Most of RAM goes through files with known contents, on several CPUs."""
    host.run("""
        set -e
        mkdir -p /tmp/fill && mount -t tmpfs -o size=90% none /tmp/fill
        free=$(awk '/^MemAvailable/ { print int($2 / 1024 * 8 / 10) }' /proc/meminfo)
        yes 'what is written must be read' | head -c 16777216 >/tmp/fill/0
        i=1
        while [ $((i * 16)) -lt $free ]; do cp /tmp/fill/0 /tmp/fill/$i; i=$((i + 1)); done
        sums=$(md5sum /tmp/fill/* | cut -d ' ' -f 1 | sort -u | wc -l)
        umount /tmp/fill
        [ "$sums" = 1 ]""", timeout=240)


def test_ftrace(host):
    lines = int(host.output("""
        cd /sys/kernel/tracing
        echo function >current_tracer; echo 1 >tracing_on
        ls /proc >/dev/null
        echo 0 >tracing_on
        grep -c vfs_ trace
        echo nop >current_tracer; echo 1 >tracing_on"""))
    assert lines > 10


def test_kprobe(host):
    hits = host.output("""
        cd /sys/kernel/tracing
        echo 'p:redoubt_probe do_sys_openat2' >kprobe_events
        echo 1 >events/kprobes/redoubt_probe/enable
        cat /proc/version >/dev/null
        echo 0 >events/kprobes/redoubt_probe/enable
        grep -c redoubt_probe: trace
        echo >kprobe_events""")
    assert int(hits) > 0


def test_timers(host):
    """A second takes a second: neither the tick nor the clock changed hands."""
    elapsed = float(host.output("""
        read -r before rest </proc/uptime; sleep 1; read -r after rest </proc/uptime
        echo "$before $after" | awk '{ print $2 - $1 }'"""))
    assert 0.9 < elapsed < 5
    fired = host.output("grep arch_timer /proc/interrupts")
    assert fired.split()[1] != "0"


def test_modules_still_load_and_unload(host):
    host.run("modprobe loop && rmmod loop")
    host.run("grep -qw ext4 /proc/filesystems || { modprobe ext4 && rmmod ext4; }")


def test_cpu_that_was_off_at_launch_comes_up_later():
    with with_redoubt(smp=3, cmdline="maxcpus=2") as m:
        m.load_redoubt()
        m.run("echo 1 >/sys/devices/system/cpu/cpu2/online && [ $(nproc) = 3 ]")
        m.run("taskset -c 2 md5sum /redoubt/redoubt.ko")
        m.run("echo 0 >/sys/devices/system/cpu/cpu2/online && rmmod redoubt")


def test_reboot():
    m = with_redoubt().start()
    m.load_redoubt()
    m.channel.send("reboot -f")
    m.wait_ended()
    m.check_console()
    m.kill()


def test_suspend_to_idle():
    with with_redoubt(smp=2) as m:
        m.load_redoubt()
        m.run("""
            set -e
            echo 0 >/sys/class/rtc/rtc0/wakealarm
            echo +2 >/sys/class/rtc/rtc0/wakealarm
            echo freeze >/sys/power/state
            taskset -c 1 true""")
        assert "PM: suspend exit" in m.output("dmesg")
