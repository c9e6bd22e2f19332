# SPDX-License-Identifier: GPL-2.0-only
"""An installed Debian arm64 system with systemd, booted by UEFI and GRUB.

    with Installed(disk, firmware="acpi") as system:
        system.run("systemctl is-system-running --wait")

image() makes the disk once: packages are fetched and unpacked on the build machine, and
their maintainer scripts run in an emulated machine, since they are arm64's. A test works on
a copy.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys

from .machine import Machine, MachineError
from .paths import BUILD, TOP, Kernel

# What packaging needs of a system. The compiler and make are for DKMS.
PACKAGES = (
    "?essential", "apt", "debconf", "systemd-sysv", "udev", "initramfs-tools", "busybox-static",
    "grub-efi-arm64", "e2fsprogs", "zstd", "dkms", "gcc", "make", "usr-is-merged",
)
# Unpacked on the build machine too, so that dpkg itself runs there: all but the large ones.
LATE = ("linux-", "gcc-", "g++-", "cpp-", "grub-", "libgcc-", "libicu", "python3")
SIZE_MIB, ESP_MIB = 3584, 64
FIRMWARE = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"

SECOND_STAGE = r"""
set -eu
for m in virtio_blk crc32c_generic ext4; do modprobe $m; done
mount -t ext4 /dev/vda2 /disk
chown -R 0:0 /disk
for d in dev proc sys run tmp; do mkdir -p /disk/$d; mount -o rbind /$d /disk/$d; done
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
cat >/disk/root/second-stage <<'END'
set -eu
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd /var/cache/apt/archives
install_now() { dpkg --force-depends --force-unsafe-io --install "$@"; }
install_now base-passwd_*.deb
install_now base-files_*.deb
install_now libc6_*.deb
install_now perl-base_*.deb
install_now mawk_*.deb debconf_*.deb
echo "@ unpacking"
dpkg --force-depends --force-overwrite --force-unsafe-io --unpack *.deb
echo "@ configuring"
dpkg --force-unsafe-io --force-confold --configure -a
echo "@ boot loader"
modprobe vfat; modprobe nls_cp437; modprobe nls_ascii
mkdir -p /boot/efi
mount -t vfat /dev/vda1 /boot/efi
grub-install --target=arm64-efi --efi-directory=/boot/efi --removable --no-nvram
update-grub
umount /boot/efi
systemctl enable redoubt-agent.service
rm -f /var/cache/apt/archives/*.deb /root/second-stage
END
chroot /disk /bin/sh /root/second-stage
umount -l /disk/dev /disk/proc /disk/sys /disk/run /disk/tmp
mount -o remount,ro /disk
"""

# As in a guest, where the initramfs links it by hand.
AGENT_UNIT = ((TOP / "tests/guest/agent.service").read_text(encoding="ascii")
              + "\n[Install]\nWantedBy=multi-user.target\n")

# To the kernel, time that a busy build machine gives to others is time in which its CPU makes
# no progress. Checking one module's signature has taken 20 s so, with no chance to reschedule.
PATIENCE = "rcupdate.rcu_cpu_stall_timeout=300 watchdog_thresh=60"

FILES = {
    "etc/fstab": "/dev/vda2 / ext4 errors=remount-ro 0 1\n",
    "etc/hostname": "redoubt-test\n",
    "etc/hosts": "127.0.0.1 localhost redoubt-test\n",
    "etc/default/grub": "GRUB_DEFAULT=0\nGRUB_TIMEOUT=0\nGRUB_DISTRIBUTOR=Debian\n"
                        "GRUB_CMDLINE_LINUX_DEFAULT=\"\"\nGRUB_TERMINAL=console\n"
                        f"GRUB_CMDLINE_LINUX=\"console=ttyAMA0 panic=-1 loglevel=4 {PATIENCE}\"\n",
    # Only what the emulated machine's root needs: most of the time that makes an initramfs.
    "etc/initramfs-tools/initramfs.conf": "MODULES=list\nBUSYBOX=auto\nCOMPRESS=zstd\n"
                                          "COMPRESSLEVEL=1\nRUNSIZE=10%\nFSTYPE=ext4\n",
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\ncrc32c_generic\n",
    "etc/modules-load.d/test.conf": "virtio_console\n",
    "etc/systemd/system/redoubt-agent.service": AGENT_UNIT,
}


def _run(*command, **options):
    subprocess.run([str(word) for word in command], check=True, **options)


def _fetch(place):
    """All packages with what they depend on, as for an empty system."""
    release = Kernel("4k").release
    archives = place / "debs"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    _run(TOP / "mk" / "apt-private", "arm64", "apt-get", "-q", "-y", "--no-install-recommends",
         "--download-only", f"-oDir::Cache::archives={archives}", "install", *PACKAGES,
         f"linux-image-{release}", f"linux-headers-{release}")
    return sorted(archives.glob("*.deb"))


def _unpack(debs, tree):
    for name in ("bin", "sbin", "lib"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for deb in debs:
        if deb.name.startswith(LATE):
            continue
        contents = subprocess.Popen(["dpkg", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
        _run("tar", "-x", "-C", tree, "--no-same-owner", "--keep-directory-symlink",
             stdin=contents.stdout)
        if contents.wait() != 0:
            raise MachineError(f"cannot unpack {deb}")
    archives = tree / "var/cache/apt/archives"
    archives.mkdir(parents=True, exist_ok=True)
    for deb in debs:
        shutil.copy(deb, archives)
    dpkg = tree / "var/lib/dpkg"
    for name in ("info", "updates", "triggers"):
        (dpkg / name).mkdir(parents=True, exist_ok=True)
    for name in ("status", "available"):
        (dpkg / name).write_text("")


def _write_files(tree):
    for name, text in FILES.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tree / "redoubt").mkdir()
    for name in ("agent", "port"):
        shutil.copy(TOP / "tests/guest" / name, tree / "redoubt" / name)
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


def _partition(image, tree):
    """A GPT with an EFI system partition and an ext4 root that holds the tree."""
    root_mib = SIZE_MIB - ESP_MIB - 2
    table = (f"label: gpt\nstart=1MiB, size={ESP_MIB}MiB, type=uefi\n"
             f"start={ESP_MIB + 1}MiB, size={root_mib}MiB, type=linux\n")
    _run("truncate", "-s", f"{SIZE_MIB}M", image)
    _run("/sbin/sfdisk", "-q", image, input=table.encode())
    _run("/sbin/mkfs.vfat", "-F", 16, "-s", 4, "-n", "ESP", "--offset", 2048, image, ESP_MIB * 1024,
         stdout=subprocess.DEVNULL)
    _run("/sbin/mke2fs", "-q", "-t", "ext4", "-O", "^orphan_file,^metadata_csum_seed", "-E",
         f"offset={(ESP_MIB + 1) << 20}", "-d", tree, image, f"{root_mib}M")


def _fingerprint():
    with open(__file__, "rb") as own:
        digest = hashlib.sha256(own.read())
    for name in ("agent", "port"):
        digest.update((TOP / "tests/guest" / name).read_bytes())
    digest.update(Kernel("4k").release.encode())
    return digest.hexdigest()


def _build(place, image):
    tree, new = place / "tree", place / "disk.new"
    shutil.rmtree(tree, ignore_errors=True)
    new.unlink(missing_ok=True)
    tree.mkdir()
    debs = _fetch(place)
    print(f"installed: unpacking {len(debs)} packages", flush=True)
    _unpack(debs, tree)
    _write_files(tree)
    _partition(new, tree)
    shutil.rmtree(tree)
    print("installed: their scripts run in an emulated machine (some minutes)", flush=True)
    drive = f"file={new},format=raw,if=virtio,cache=unsafe"
    with Machine(mem=2048, qemu=("-drive", drive), name="packages-image") as machine:
        machine.run(SECOND_STAGE, timeout=3600, echo=True)
    new.rename(image)


def image():
    """The path of the installed disk; made when it, or what makes it, is not there or new."""
    place = BUILD / "installed"
    place.mkdir(parents=True, exist_ok=True)
    path, made_by = place / "disk.img", place / "made-by"
    with open(place / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        want = _fingerprint()
        if not path.exists() or not made_by.exists() or made_by.read_text() != want:
            _build(place, path)
            made_by.write_text(want)
    return path


class Installed(Machine):
    """One boot of such a disk, by its own firmware, boot loader and kernel. Changes stay.

    firmware    how the kernel hears of the hardware: "acpi" or "device-tree"
    """

    def __init__(self, disk, firmware="acpi", **options):
        super().__init__(name=options.pop("name", f"installed-{firmware}"), **options)
        self.installed, self.firmware = disk, firmware

    poweroff_timeout = 300  # systemd stops every service first

    def _initrd(self):
        return None

    def base_command(self, initrd, agent=""):
        acpi = "on" if self.firmware == "acpi" else "off"
        return ["qemu-system-aarch64", "-M",
                f"virt,virtualization=on,gic-version={self.gic},acpi={acpi}", "-cpu", self.cpu,
                "-smp", str(self.smp), "-m", f"{self.mem}M", "-nodefaults", "-display", "none",
                "-no-reboot", "-bios", FIRMWARE,
                "-drive", f"file={self.installed},format=raw,if=virtio,cache=unsafe",
                *self.extra]

    def manual_command(self):
        return "'make test-packages' boots this one"


if __name__ == "__main__":
    print(image())
    sys.exit(0)
