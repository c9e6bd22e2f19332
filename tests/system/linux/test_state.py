# SPDX-License-Identifier: GPL-2.0-only
"""A guest's whole state leaves the kernel and comes back: snapshots, migration."""

from conftest import MIGRATION, SNAPSHOT, check_download, interrupts
from redoubt_test.guest import Guest

# What notices if anything of a guest's is lost. Programs on both vCPUs with timers and pipes;
# pages that are written all the time; a disk, past all caches.
WORK = """
    set -e
    modprobe virtio_blk; modprobe virtio_net
    ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up
    cd /tmp
    memcheck 12 /tmp/pages >/tmp/pages.end 2>&1 &
    for n in 1 2; do
        (i=0; while [ ! -e stop ]; do
            i=$((i + 1)); echo $i >count.$n.new; mv count.$n.new count.$n
            [ "$(seq 1 2000 | md5sum)" = "$(seq 1 2000 | cat | md5sum)" ] || echo pipe >>wrong
            usleep 1000
         done; echo ended >>ended) >/dev/null 2>&1 &
    done
    (i=0; while [ ! -e stop ]; do
        i=$((i + 1)); seq $i 200000 | head -c 1048576 >block
        dd if=block of=/dev/vda bs=64k conv=notrunc seek=$((i % 8 * 16)) oflag=direct
        dd if=/dev/vda bs=64k count=16 skip=$((i % 8 * 16)) iflag=direct | cmp - block || echo disk >>wrong
        echo $i >count.3.new; mv count.3.new count.3
     done; echo ended >>ended) >/dev/null 2>&1 &
    until [ -s count.1 ] && [ -s count.2 ] && [ -s count.3 ] && [ -s pages ]; do usleep 1000; done"""


def counts(vm):
    return [int(n) for n in vm.output("cat /tmp/count.1 /tmp/count.2 /tmp/count.3 /tmp/pages").split()]


def check_work(vm, least):
    """All programs go on from where they were, and nothing of theirs is wrong."""
    more = " && ".join(f"[ $(cat /tmp/{name}) -gt {n} ]" for name, n in
                       zip(("count.1", "count.2", "count.3", "pages"), least))
    vm.run(f"until {more} || [ -e /tmp/wrong ] || [ -s /tmp/pages.end ]; do usleep 10000; done;"
           "cat /tmp/wrong /tmp/pages.end; [ ! -e /tmp/wrong ] && [ ! -s /tmp/pages.end ]",
           timeout=400)


def end_work(vm):
    vm.run("""set -e; cd /tmp; : >stop; : >pages.stop
        until [ "$(grep -c ended ended)" = 3 ] && [ -s pages.end ]; do usleep 10000; done
        cat pages.end; [ ! -e wrong ]; grep -q '^@@ memory: ok' pages.end""", timeout=400)


def check_interrupts(vm):
    """Message-signalled, through the ITS, whose tables have moved with the guest's memory."""
    before = interrupts(vm, "ITS.*virtio.*-req")
    vm.run("dd if=/dev/vda of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null")
    assert interrupts(vm, "ITS.*virtio.*-req") - before >= 64


def check_clocks(vm):
    result = vm.run("timercheck 1", check=False)
    assert result.status == 0, result.output


def test_snapshot(host):
    """savevm, then loadvm: the guest is as it was, and goes on."""
    with Guest(host, smp=2, mem=256, qemu=SNAPSHOT, prefix="TMPDIR=/var/tmp") as vm:
        vm.run(WORK)
        saved = counts(vm)
        assert not vm.monitor.human("savevm here", timeout=400)
        vm.run(": >/tmp/later")
        for _ in range(2):
            assert not vm.monitor.human("loadvm here", timeout=400)
            vm.run("[ ! -e /tmp/later ]")
            check_work(vm, saved)
        check_interrupts(vm)
        end_work(vm)


def test_migration(host, disk):
    """To another QEMU over a local socket, the guest at work all the time, and back again."""
    host.run("truncate -s 16M /run/migration.img")
    vm = Guest(host, 0, smp=2, mem=256, qemu=MIGRATION).start()
    try:
        vm.run(WORK)
        for number in (1, 0):
            seen = counts(vm)
            uri = f"unix:/run/migration.{number}"
            target = Guest(host, number, smp=2, mem=256, qemu=f"{MIGRATION} -incoming {uri}")
            target.launch()
            # What such a guest may stand still for on a slow machine, in milliseconds.
            vm.monitor.command("migrate-set-parameters", **{"downtime-limit": 3000})
            told = target.resume_from(vm, uri)
            vm = target
            # Pages were sent again that had been written meanwhile: the log was in use.
            ram = told["ram"]
            print(f"migration: {ram}, downtime {told['downtime']} ms")
            assert ram["dirty-sync-count"] > 2
            check_work(vm, [n + 5 for n in counts(vm)])
            assert all(now > before for now, before in zip(counts(vm), seen))
            check_interrupts(vm)
            check_clocks(vm)
            check_download(vm, disk)
        end_work(vm)
        vm.stop()
    finally:
        if not vm.ended() and host._why_dead() is None:
            vm.kill()
    host.run("rm /run/migration.img")
