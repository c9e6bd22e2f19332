# SPDX-License-Identifier: GPL-2.0-only
"""A whole Debian: its user space with systemd, from a disk, in a guest."""

from conftest import SYSTEM, interrupts
from redoubt_test.guest import Guest


def test_debian_with_systemd(host):
    with Guest(host, smp=2, qemu=SYSTEM, cmdline="agent=systemd disk=/dev/vda",
               boot_timeout=900) as vm:
        assert vm.output("cat /proc/1/comm").strip() == "systemd"
        assert vm.output("systemctl is-system-running --wait", timeout=600).strip() == "running"
        assert "0 loaded units" in vm.output("systemctl --failed --no-pager")
        assert vm.console.wait(r"Debian GNU/Linux 12 redoubt-guest ttyAMA0", 120), "no login"
        vm.run("systemctl is-active systemd-logind dbus systemd-udevd serial-getty@ttyAMA0")
        # Programs and libraries are what they were when the image was made.
        vm.run("""set -e; echo 3 >/proc/sys/vm/drop_caches
            [ $(wc -l </var/lib/files.md5) -gt 500 ]
            cd / && md5sum -c --quiet /var/lib/files.md5""", timeout=400)
        # Written, thrown out of the cache, read back.
        vm.run("""set -e
            seq 1 2000000 >/root/file; md5sum /root/file >/tmp/sum; sync
            echo 3 >/proc/sys/vm/drop_caches; md5sum -c --quiet /tmp/sum; rm /root/file""")
        assert interrupts(vm, "ITS.*virtio.*-req") > 50
        vm.run("perl -e 'exit(join(q(+), map { $_ * $_ } 1 .. 3) ne q(1+4+9))'")
