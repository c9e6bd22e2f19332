# SPDX-License-Identifier: GPL-2.0-only
"""The Debian packages on an installed system: `make test-packages`.

One disk goes through a life in the order of the tests: an old version without consent, this
version with it, two boots with the module, removal, purge, and a boot after that. A step
whose predecessor failed does not run.
"""

import hashlib
import os
import re
import shutil
import subprocess

import pytest

from redoubt_test.initramfs import busybox
from redoubt_test.installed import Installed, image
from redoubt_test.paths import BUILD, TOP

WORDS = "kvm-arm.mode=none id_aa64mmfr1.vh=0"
SNIPPET = "/etc/default/grub.d/redoubt.cfg"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends"
BUILD_TIMEOUT = 3600  # DKMS compiles on an emulated CPU
ALL = "redoubt-dkms redoubt-guest-dkms redoubt-tools"

# What every change of packages leaves behind: logs, caches, lists, what is made anew.
VOLATILE = (r"^/(proc|sys|dev|run|tmp|mnt|redoubt|root)/|^/var/(log|cache|backups|tmp)/"
            r"|^/var/lib/(dpkg|apt|systemd|initramfs-tools|ucf)/|^/var/lib/dkms/mok[.]"
            r"|^/etc/(ld[.]so[.]cache|machine-id)|^/boot/initrd[.]img"
            r"|^(/usr)?/lib/modules/[^/]*/modules[.]|[.]pyc$|__pycache__")


# Init of a VM whose root is a virtio disk: the initramfs has mounted what is below /dev.
GUEST_INIT = """#!/bin/busybox sh
busybox md5sum /data
busybox poweroff -f
"""

# QEMU comes from another system's disk. The kernel and the initramfs are the machine's own.
GUEST = """
cat >/run/guest.sh <<'END'
set -e
mount /dev/vdc /srv
for d in dev proc sys boot mnt; do mkdir -p /srv/$d; mount --rbind /$d /srv/$d; done
mount --bind NODE /srv/dev/kvm
exec chroot /srv qemu-system-aarch64 -M virt,gic-version=3 -accel kvm -cpu host -smp 1 -m 512M \\
    -nodefaults -display none -no-reboot -serial stdio \\
    -kernel /boot/vmlinuz-$(uname -r) -initrd /boot/initrd.img-$(uname -r) \\
    -append 'console=ttyAMA0 panic=-1 root=/dev/vda ro' \\
    -drive file=/mnt/guest.img,format=raw,if=none,id=disk,readonly=on \\
    -device virtio-blk-pci,drive=disk,disable-legacy=on,iommu_platform=on </dev/null
END
unshare -m sh /run/guest.sh
"""


class Life:
    """The disk, the packages beside it, and which steps have passed."""

    def __init__(self, directory):
        self.disk = directory / "disk.img"
        subprocess.run(["cp", "--sparse=always", image(), self.disk], check=True)
        self.packages = directory / "packages.img"
        self.version = subprocess.run(
            ["dpkg-parsechangelog", "-l", TOP / "packaging/debian/changelog", "-S", "Version"],
            check=True, capture_output=True, text=True).stdout.strip()
        self._pack(directory / "packages")
        self.before = None
        self.done = []

    def _pack(self, tree):
        tree.mkdir()
        for version in ("0.0.9", self.version):
            for name in (f"redoubt-dkms_{version}_all.deb", f"redoubt-tools_{version}_arm64.deb",
                         f"redoubt-guest-dkms_{version}_all.deb"):
                shutil.copy(BUILD / "deb" / name, tree)
        self._pack_guest(tree.with_name("guest"), tree / "guest.img")
        make_disk(tree, self.packages, 64)

    def _pack_guest(self, tree, disk):
        """The disk of a VM in this machine: what it has for an init reads a file, and ends."""
        for name in ("bin", "sbin", "dev", "proc", "run", "sys"):
            (tree / name).mkdir(parents=True)
        shutil.copy(busybox(), tree / "bin/busybox")
        data = os.urandom(4 << 20)
        self.guest_data = hashlib.md5(data).hexdigest()
        (tree / "data").write_bytes(data)
        init = tree / "sbin/init"
        init.write_text(GUEST_INIT)
        init.chmod(0o755)
        make_disk(tree, disk, 16)

    def boot(self, firmware="acpi"):
        drives = [f"file={self.packages},format=raw,if=virtio,readonly=on",
                  f"file={BUILD / 'rootfs/bookworm.img'},format=raw,if=virtio,snapshot=on"]
        return Installed(self.disk, firmware=firmware, mem=2048, boot_timeout=900, timeout=600,
                         qemu=[word for drive in drives for word in ("-drive", drive)])


def make_disk(tree, image_path, mib):
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-d", tree, image_path, f"{mib}M"],
                   check=True)


@pytest.fixture(scope="module", name="life")
def make_life(tmp_path_factory):
    return Life(tmp_path_factory.mktemp("life"))


@pytest.fixture(name="step")
def after_the_steps_before(life, request):
    """Notes that this step has passed, and refuses to begin without the one before it."""
    names = [item.name for item in request.session.items if item.module is request.module]
    at = names.index(request.node.name)
    missing = [name for name in names[:at] if name not in life.done]
    if missing:
        pytest.skip(f"{missing[0]} has not passed")
    yield
    if getattr(request.node, "passed", False):
        life.done.append(request.node.name)


def ready(system):
    system.run("systemctl is-system-running --wait; udevadm settle --timeout=600;"
               " mkdir -p /mnt && mount -o ro /dev/vdb /mnt", timeout=900)


def files(system):
    """{path: type, rights and, in /etc and /boot, a checksum} of the whole system."""
    listing = system.output(
        r"find / -xdev -printf '%p %y %m\n'; find /etc /boot -xdev -type f -exec md5sum {} +")
    found = {}
    for line in listing.splitlines():
        path = line[line.index("/"):] if re.match(r"[0-9a-f]{32} ", line) else line.split(" ")[0]
        if not re.search(VOLATILE, path + ("/" if " d " in line else "")):
            found[path] = found.get(path, "") + " " + line
    return found


def check_no_trace(system):
    # What dkms has to say of the kernel's compiler is on its stderr.
    assert system.output("dkms status 2>/dev/null").strip() == ""
    assert "redoubt" not in system.output("cat /lib/modules/*/modules.dep")
    assert "redoubt" not in system.output("lsinitramfs /boot/initrd.img-*")
    assert WORDS not in system.output("cat /boot/grub/grub.cfg")
    assert system.run(f"test -e {SNIPPET}", check=False).status != 0


def check_consented(system, version):
    assert re.search(rf"^redoubt/{re.escape(version)}, 6[^:]*: installed$",
                     system.output("dkms status"), re.M)
    assert re.search(rf"^redoubt-guest/{re.escape(version)}, 6[^:]*: installed$",
                     system.output("dkms status"), re.M)
    assert "0.0.9" not in system.output("dkms status")
    assert WORDS in system.output(f"cat {SNIPPET}")
    grub = system.output("cat /boot/grub/grub.cfg")
    assert re.search(rf"^\s*linux\s.* {re.escape(WORDS)}", grub, re.M)
    assert {"redoubt", "redoubt-guest"} <= set(
        re.findall(r"/([^/]+)[.]ko", system.output("lsinitramfs /boot/initrd.img-*")))


def seconds(log, pattern):
    """The kernel's time of the first line of its log with the pattern."""
    line = re.search(rf"^\[ *([0-9.]+)\].*{pattern}", log, re.M)
    assert line, f"no line of the kernel's log has {pattern}:\n{log[-3000:]}"
    return float(line[1])


def check_guest(system, life, node, says):
    """The machine's own kernel and initramfs in a VM: redoubt-guest comes before the disk's driver."""
    output = system.output(GUEST.replace("NODE", node), timeout=1200)
    assert f"redoubt-guest: {says}" in output, output[-3000:]
    assert life.guest_data in output, output[-3000:]


def check_in_place(system, firmware, life):
    """Loaded before systemd began, by the initramfs; the device nodes make VMs of both kinds."""
    log = system.output("dmesg")
    assert seconds(log, "redoubt: EL2 is in place") < seconds(log, r"systemd\[1\]: ")
    assert ("ACPI: RSDP" in log) == (firmware == "acpi")
    assert system.output("stat -c '%U:%G %a' /dev/kvm-protected").strip() == "root:kvm 660"
    doctor = system.run("redoubt doctor", check=False)
    assert doctor.status == 0, doctor.output
    assert re.search(r"^ ok  loaded at boot +from the initramfs", doctor.output, re.M)
    check_guest(system, life, "/dev/kvm", "this is no protected VM: not needed")
    check_guest(system, life, "/dev/kvm-protected", "16 MiB are shared with the host")
    assert "protected" in system.output("redoubt map --json")
    assert "redoubt" not in system.output("systemctl --failed --no-legend")


def test_old_version_without_consent_changes_no_boot(life, step):
    with life.boot() as system:
        ready(system)
        # The disk was made where no udev names disks by their UUIDs, as GRUB's file does here.
        system.run("update-grub")
        life.before = files(system)
        grub = system.output("md5sum /boot/grub/grub.cfg")
        # One build is enough, that of the upgrade: which removes what DKMS knows of this one.
        system.run("touch /etc/dkms/no-autoinstall")
        system.run(f"cd /mnt && {APT} install ./redoubt-dkms_0.0.9_all.deb"
                   " ./redoubt-tools_0.0.9_arm64.deb", timeout=BUILD_TIMEOUT, echo=True)
        system.run("rm /etc/dkms/no-autoinstall && dkms add redoubt/0.0.9")
        assert "redoubt/0.0.9: added" in system.output("dkms status")
        assert system.run(f"test -e {SNIPPET}", check=False).status != 0
        assert system.output("md5sum /boot/grub/grub.cfg") == grub
        assert system.run("redoubt doctor", check=False).status == 1


def test_upgrade_with_consent(life, step):
    with life.boot() as system:
        ready(system)
        assert system.run("test -e /sys/module/redoubt", check=False).status != 0
        system.run("echo redoubt-dkms redoubt/cmdline boolean true | debconf-set-selections")
        system.run(f"cd /mnt && {APT} install ./redoubt-dkms_{life.version}_all.deb"
                   f" ./redoubt-guest-dkms_{life.version}_all.deb"
                   f" ./redoubt-tools_{life.version}_arm64.deb", timeout=BUILD_TIMEOUT, echo=True)
        check_consented(system, life.version)
        assert system.output("redoubt --version").strip() == f"redoubt {life.version}"


def test_boot_with_acpi(life, step):
    with life.boot("acpi") as system:
        ready(system)
        check_in_place(system, "acpi", life)


def test_boot_with_device_tree_then_remove(life, step):
    with life.boot("device-tree") as system:
        ready(system)
        check_in_place(system, "device-tree", life)
        system.run(f"{APT} remove {ALL}", timeout=BUILD_TIMEOUT, echo=True)
        check_no_trace(system)
        # The answer is kept for another installation; the loaded module until the next boot.
        assert "redoubt/cmdline: true" in system.output("debconf-show redoubt-dkms")
        assert system.run("test -e /dev/kvm-protected", check=False).status == 0


def test_purge_leaves_everything_as_it_was(life, step):
    with life.boot() as system:
        ready(system)
        # Of the others nothing is left that apt would know.
        system.run(f"{APT} purge redoubt-dkms", timeout=BUILD_TIMEOUT, echo=True)
        check_no_trace(system)
        assert system.output("debconf-show redoubt-dkms").strip() == ""
        assert system.run("test -e /sys/module/redoubt", check=False).status != 0
        system.run("test -c /dev/kvm && test ! -e /dev/kvm-protected")
        after = files(system)
        changed = {p for p in life.before.keys() | after.keys()
                   if life.before.get(p) != after.get(p)}
        assert sorted(changed) == []
