# SPDX-License-Identifier: GPL-2.0-only
"""vCPUs of a stock Debian kernel: how many, on which CPUs, their timers, their end."""

import pytest

from conftest import SNAPSHOT, check_disk, check_download, check_written, start_devices
from redoubt_test.guest import Guest
from redoubt_test.memory import free_kib


def test_four_cpus_work(vm):
    assert int(vm.output("nproc")) == 4
    vm.run("""for i in 1 2 3 4; do (taskset -c $((i - 1)) sh -c 'seq 1 20000 | md5sum') & done |
           sort -u | wc -l | grep -qx 1""")


def test_hotplug(vm):
    """CPUs of the guest go and come back under work, by PSCI; interrupts follow.

    Its kernel asks by PSCI whether a CPU that went is off, and says so once it has been told.
    """
    vm.run("""
        set -e
        off() { dmesg | grep -c 'psci: CPU[0-9]* killed'; }
        before=$(off) || true
        (while [ ! -e /tmp/stop ]; do seq 1 3000 | md5sum; done >/dev/null) &
        for round in 1 2 3; do
            for cpu in 3 1 2; do
                echo 0 >/sys/devices/system/cpu/cpu$cpu/online
                [ "$(nproc)" = 3 ]
                ! taskset -c $cpu true 2>/dev/null
                echo 1 >/sys/devices/system/cpu/cpu$cpu/online
                [ "$(nproc)" = 4 ]
                taskset -c $cpu true
            done
        done
        : >/tmp/stop; wait; rm /tmp/stop
        [ $(off) = $((before + 9)) ]""")


def test_clocks_and_timers(vm):
    result = vm.run("timercheck 3", check=False)
    found = {name: (ok, detail) for name, ok, detail in result.results()}
    assert sorted(found) == ["clock", "counters", "interval0", "interval1", "interval2",
                             "interval3", "sleeps"], result.output
    assert all(ok for ok, _ in found.values()), result.output


def test_time_passes_as_in_the_host(vm):
    """However long an answer takes, the guest's reading lies between two of the host's."""
    def uptime(machine):
        return float(machine.output("cut -d ' ' -f 1 /proc/uptime"))

    host = vm.host
    before0, guest0, after0 = uptime(host), uptime(vm), uptime(host)
    vm.run("sleep 2; seq 1 50000 | md5sum; sleep 1")
    before1, guest1, after1 = uptime(host), uptime(vm), uptime(host)
    tick = 0.02  # /proc/uptime has hundredths
    assert before1 - after0 - tick <= (guest1 - guest0) * 1.001
    assert guest1 - guest0 <= (after1 - before0) * 1.001 + tick


def test_steal_time(vm):
    """What other programs of the host take from a vCPU is seen as such in the guest: all of it."""
    def steal():
        # Read on that CPU, whose kernel counts whenever its timer ticks.
        ticks = vm.output("""taskset -c 1 awk '$1 == "cpu1" { print $9 }' /proc/stat""")
        return int(ticks) / 100

    def waited():
        told = host.output(f"cat /proc/{vm.pid()}/task/{thread}/schedstat")
        return int(told.split()[1]) / 1e9

    assert "stolen time PV" in vm.output("dmesg")
    host, thread = vm.host, vm.vcpu_threads()[1]
    waited0, steal0, waited1 = waited(), steal(), waited()
    enough = round((steal0 + 2) * 100)
    host.run(f"""taskset -p 1 {thread} >/dev/null
        for i in 1 2 3; do
            taskset 1 sh -c 'while :; do :; done' >/dev/null 2>&1 & echo $! >>/run/hogs
        done""")
    try:
        # Work of the vCPU's own until two seconds of it have been stolen.
        vm.run(f"""taskset -c 1 sh -c 'i=0
            while [ $(awk "\\$1 == \\"cpu1\\" {{ print \\$9 }}" /proc/stat) -lt {enough} ]
            do i=$((i + 1)); done'""")
    finally:
        host.run(f"kill $(cat /run/hogs); rm /run/hogs; taskset -p 3 {thread} >/dev/null")
    waited2 = waited()
    vm.run("taskset -c 1 seq 1 50000 >/dev/null")  # a tick, at least
    steal1 = steal()
    waited3 = waited()
    slack = 0.2  # the ticks at both ends
    assert (waited2 - waited1) * 0.95 - slack <= steal1 - steal0
    assert steal1 - steal0 <= (waited3 - waited0) * 1.05 + slack


def test_vcpus_move_while_interrupts_fly(vm):
    """vCPU threads are sent from CPU to CPU; the guest's disk, timers and IPIs go on."""
    threads = " ".join(map(str, vm.vcpu_threads()))
    vm.host.run(f"""
        (n=0
         while :; do
            for t in {threads}; do
                n=$((n + 1)); taskset -p $((n / 3 % 2 + 1)) $t
            done
         done) >/run/moves 2>&1 & echo $! >/run/mover""")
    try:
        print(vm.output("load 15 /dev/vda", timeout=400))
    finally:
        moves = vm.host.output(f"""
            kill $(cat /run/mover); grep -c new /run/moves
            for t in {threads}; do taskset -p 3 $t >/dev/null; done""")
    assert int(moves) > 200
    result = vm.run("timercheck 1", check=False)
    assert result.status == 0, result.output


def test_guest_boots_again(host, disk):
    """A reset that the guest asks for, then one at work: all of the VM begins anew."""
    def boot_id():
        return vm.output("cat /proc/sys/kernel/random/boot_id")

    with Guest(host, smp=2, qemu=SNAPSHOT, reboot=True) as vm:
        start_devices(vm)
        check_disk(vm, disk)
        boots = [boot_id()]
        for _ in range(2):
            if len(boots) == 1:
                vm.channel.send("reboot -f")
            else:
                vm.run("""load 600 >/dev/null 2>&1 &
                    (while :; do dd if=/dev/vda iflag=direct bs=4k; done) >/dev/null 2>&1 &
                    until [ -e /tmp/load/file.1 ]; do usleep 1000; done""")
                vm.monitor.command("system_reset")
            vm.wait_ready()
            boots.append(boot_id())
            assert int(vm.output("nproc")) == 2
            start_devices(vm)
            check_written(vm)
            check_download(vm, disk)
        assert len(set(boots)) == 3


@pytest.mark.parametrize("smp", [3])
def test_killed_at_work(host, smp):
    """SIGKILL of the VMM in the middle of everything; the host has all its memory again."""
    before = free_kib(host)
    vm = Guest(host, smp=smp).start()
    assert int(vm.output("nproc")) == smp
    vm.channel.send("while :; do seq 1 100000 | md5sum & head -c 9000000 /dev/zero >/tmp/a; done")
    assert before - free_kib(host) > 60 << 10
    vm.kill()
    assert before - free_kib(host) < 16 << 10
