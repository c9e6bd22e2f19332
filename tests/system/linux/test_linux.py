# SPDX-License-Identifier: GPL-2.0-only
"""Stock Debian kernels as guests under Debian's QEMU: devices, CPUs, timers, load, the end.

What a guest says is checked by what it computes, not by its boot messages.
"""

import hashlib
import os

import pytest

from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD

DISK_MIB = 24


def disk_image():
    """A file of random contents, and their checksum."""
    path = BUILD / "guest-disk.img"
    if not path.exists():
        path.write_bytes(os.urandom(DISK_MIB << 20))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def host():
    disk, _ = disk_image()
    options = host_options(mem=2048, guests=2, files={"redoubt/guest/disk.img": disk})
    with with_redoubt(**options, name="test-linux") as m:
        m.load_redoubt()
        yield m


def free_mib(host):
    return int(host.output("""
        echo 3 >/proc/sys/vm/drop_caches
        awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo"""))


@pytest.mark.parametrize("smp", [1, 2, 4])
def test_boots_with_cpus(host, smp):
    with Guest(host, smp=smp) as vm:
        assert int(vm.output("nproc")) == smp
        vm.run("for i in 1 2 3 4; do seq 1 20000 | md5sum & done | sort -u | wc -l | grep -qx 1")


@pytest.mark.parametrize("transport", ["pci", "device"])
def test_virtio_disk(host, transport):
    """Reads and writes through virtio-blk, over PCI with MSI-X and over MMIO."""
    _, checksum = disk_image()
    qemu = (f"-drive file=/redoubt/guest/disk.img,if=none,id=d,format=raw,snapshot=on"
            f" -device virtio-blk-{transport},drive=d")
    with Guest(host, qemu=qemu) as vm:
        vm.run("modprobe virtio_mmio; modprobe virtio_blk")
        assert checksum in vm.output("sha256sum /dev/vda")
        vm.run(f"""
            set -e
            seq 1 2000000 | head -c {DISK_MIB << 20 >> 1} >/tmp/pattern
            size=$(stat -c %s /tmp/pattern)
            cat /tmp/pattern >/dev/vda; sync; echo 3 >/proc/sys/vm/drop_caches
            head -c $size /dev/vda | cmp - /tmp/pattern""")
        if transport == "pci":
            assert "MSI" in vm.output("grep virtio.*-req /proc/interrupts")


def test_virtio_net(host):
    """A transfer through QEMU's user network, from a server in the host, by its checksum."""
    _, checksum = disk_image()
    host.run("(while :; do nc -l -p 8000 </redoubt/guest/disk.img; done) >/dev/null 2>&1 & "
             "echo $! >/run/server")
    with Guest(host, qemu="-netdev user,id=n -device virtio-net-pci,netdev=n,romfile=") as vm:
        vm.run("modprobe virtio_net; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0")
        got = vm.output("nc 10.0.2.2 8000 </dev/null | sha256sum", timeout=400)
        assert checksum in got
    host.run("kill $(cat /run/server)")


def test_cpu_hotplug(host):
    with Guest(host, smp=2) as vm:
        vm.run("""
            set -e
            for round in 1 2 3; do
                echo 0 >/sys/devices/system/cpu/cpu1/online; [ "$(nproc)" = 1 ]
                echo 1 >/sys/devices/system/cpu/cpu1/online; [ "$(nproc)" = 2 ]
                taskset -c 1 true 2>/dev/null || true
            done""")


def test_timers_keep_time(host):
    """The guest's clock and the host's run alike over some seconds of guest work and sleep."""
    with Guest(host) as vm:
        def clocks():
            guest = float(vm.output("cut -d ' ' -f 1 /proc/uptime"))
            return guest, float(host.output("cut -d ' ' -f 1 /proc/uptime"))

        guest0, host0 = clocks()
        vm.run("sleep 3; seq 1 50000 | md5sum; sleep 1")
        guest1, host1 = clocks()
        assert guest1 - guest0 >= 4
        assert abs((guest1 - guest0) - (host1 - host0)) < 0.1 * (host1 - host0) + 1


def test_balloon_gives_memory_back(host):
    """The guest fills its memory, frees it, the balloon takes it: the host has it again."""
    monitor = "-qmp unix:/run/qmp,server=on,wait=off -device virtio-balloon-pci"
    with Guest(host, mem=384, qemu=monitor) as vm:
        vm.run("modprobe virtio_balloon; head -c 150000000 /dev/zero >/tmp/fill; rm /tmp/fill")
        before = free_mib(host)
        host.run("""printf '%s\\n%s\\n' '{"execute":"qmp_capabilities"}' \
            '{"execute":"balloon","arguments":{"value":209715200}}' |
            busybox nc -w 5 local:/run/qmp""")
        vm.run("until [ $(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) -lt 250000 ]; do :; done")
        assert free_mib(host) - before > 60


def test_two_guests_at_once_under_memory_pressure(host):
    """Both verify what they compute while the host swaps nothing and drops all it can."""
    work = """
        set -e
        for i in 1 2 3 4 5 6; do
            seq 1 300000 | tee /tmp/data.$i | md5sum >/tmp/sum.$i &
        done
        wait
        for i in 1 2 3 4 5 6; do md5sum </tmp/data.$i | cmp - /tmp/sum.$i; done"""
    with Guest(host, 0, smp=2, mem=320) as one, Guest(host, 1, mem=320) as two:
        host.run("""
            (while :; do
                echo 3 >/proc/sys/vm/drop_caches; echo 1 >/proc/sys/vm/compact_memory
             done) >/dev/null 2>&1 & echo $! >/run/pressure""")
        one.run(work, timeout=600)
        two.run(work, timeout=600)
        host.run("kill $(cat /run/pressure)")


def test_reset(host):
    """A guest that reboots: QEMU, told so, ends; the host is as before."""
    with Guest(host) as vm:
        vm.channel.send("reboot -f")
        vm.wait_ended(120, 0)


def test_kill_leaves_nothing(host):
    """SIGKILL of the VMM in the middle of work; all memory is back."""
    before = free_mib(host)
    vm = Guest(host, smp=2).start()
    vm.channel.send("while :; do seq 1 100000 | md5sum; done")
    vm.kill()
    assert before - free_mib(host) < 16
    with Guest(host) as vm:
        vm.run("true")


def test_module_leaves_after_guests():
    with with_redoubt(**host_options()) as m:
        m.load_redoubt()
        with Guest(m) as vm:
            assert m.run("rmmod redoubt", check=False).status != 0
            vm.run("true")
        m.run("rmmod redoubt && insmod /redoubt/redoubt.ko && rmmod redoubt")


@pytest.mark.parametrize("host_kernel,guest_kernel", [("4k", "16k"), ("16k", "4k"), ("16k", "16k")])
def test_page_sizes(host_kernel, guest_kernel):
    with with_redoubt(kernel=host_kernel, **host_options(guest_kernel=guest_kernel)) as m:
        m.load_redoubt()
        with Guest(m, kernel=guest_kernel) as vm:
            assert vm.output("uname -r").strip().endswith(guest_kernel.replace("4k", "arm64"))
            vm.run("seq 1 100000 | md5sum; head -c 50000000 /dev/zero | sha256sum")


def test_qemu_of_debian_13():
    """QEMU 10 of Debian 13, on the Debian 12 kernel."""
    with with_redoubt(**host_options(codename="trixie")) as m:
        m.load_redoubt()
        assert "version 10" in m.output("qemu-system-aarch64 --version")
        with Guest(m) as vm:
            vm.run("seq 1 100000 | md5sum")
