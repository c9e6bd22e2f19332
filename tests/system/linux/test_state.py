# SPDX-License-Identifier: GPL-2.0-only
"""A guest's whole state leaves the kernel and comes back."""

from conftest import Disk
from redoubt_test.guest import Guest

# Programs on both vCPUs, with timers, pipes and a disk, that notice if anything of theirs is lost.
WORK = """
    modprobe virtio_blk
    for n in 1 2; do
        (i=0; while [ ! -e /tmp/stop ]; do
            i=$((i + 1)); echo $i >/tmp/count.$n.new; mv /tmp/count.$n.new /tmp/count.$n
            [ "$(seq 1 2000 | md5sum)" = "$(seq 1 2000 | cat | md5sum)" ] || : >/tmp/wrong
            usleep 1000
         done; echo ended >>/tmp/ended) >/dev/null 2>&1 &
    done
    until [ -s /tmp/count.1 ] && [ -s /tmp/count.2 ]; do usleep 1000; done"""


def counts(vm):
    return [int(n) for n in vm.output("cat /tmp/count.1 /tmp/count.2").split()]


def check_work(vm, least, disk):
    """The programs go on from where they were, nothing of them is wrong, and devices work."""
    vm.run("""until [ $(cat /tmp/count.1) -gt %d ] && [ $(cat /tmp/count.2) -gt %d ]; do
        usleep 1000; done; [ ! -e /tmp/wrong ]""" % tuple(n + 5 for n in least))
    vm.run("echo 3 >/proc/sys/vm/drop_caches")
    assert disk.sha256 in vm.output("sha256sum /dev/vda")


def end_work(vm):
    vm.run("""set -e; : >/tmp/stop
        until [ "$(grep -c ended /tmp/ended)" = 2 ]; do usleep 1000; done; [ ! -e /tmp/wrong ]""")


def test_snapshot(host, disk):
    """savevm, then loadvm: the guest is as it was, and goes on."""
    qemu = f"-drive file={Disk.host_path},if=virtio,format=raw,snapshot=on"
    with Guest(host, smp=2, mem=256, qemu=qemu, prefix="TMPDIR=/var/tmp") as vm:
        vm.run(WORK)
        saved = counts(vm)
        assert not vm.monitor.human("savevm here", timeout=400)
        vm.run(": >/tmp/later; dd if=/dev/zero of=/dev/vda bs=1M count=4 conv=notrunc; sync")
        for _ in range(2):
            assert not vm.monitor.human("loadvm here", timeout=400)
            vm.run("[ ! -e /tmp/later ]")
            check_work(vm, saved, disk)
        end_work(vm)
