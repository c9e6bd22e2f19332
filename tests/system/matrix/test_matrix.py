# SPDX-License-Identifier: GPL-2.0-only
"""Launch, a VM of each kind and release on every kernel, CPU and QEMU of two Debian releases.

What is looked at is little, everywhere; test-launch looks at more on fewer machines.
"""

import pytest

from redoubt_test.machine import CPU_MAX, QEMU, with_redoubt
from redoubt_test.paths import GUEST_PROGRAMS
from redoubt_test.trees import tree

KERNELS = ("6.1", "4k", "16k", "64k")
CPUS = (CPU_MAX, "cortex-a57", "cortex-a76", "neoverse-n1")
# Its ID register says so; the others have all three granules.
WITHOUT_16K = ("cortex-a57",)
WORK = """
    set -e
    for i in 1 2 3 4; do (seq 1 2000 | md5sum >/tmp/sum.$i) & done; wait
    [ "$(cat /tmp/sum.* | sort -u | wc -l)" = 1 ]
    echo 0 >/sys/devices/system/cpu/cpu1/online && echo 1 >/sys/devices/system/cpu/cpu1/online
    test -c /dev/kvm
    protvm contents; protvm --ordinary contents"""


@pytest.fixture(scope="module", params=["7.2 or this machine's", "10"], ids=["qemu", "qemu10"])
def binary(request):
    return tree("qemu-trixie") / "qemu-system-aarch64" if request.param == "10" else QEMU


@pytest.mark.parametrize("cpu", CPUS, ids=lambda cpu: cpu.split(",")[0])
@pytest.mark.parametrize("kernel", KERNELS)
def test_launch(binary, kernel, cpu):
    if kernel == "16k" and cpu in WITHOUT_16K:
        pytest.skip(f"{cpu} has no 16 KiB pages")
    files = {"redoubt/protvm": GUEST_PROGRAMS / "protvm"}
    with with_redoubt(kernel=kernel, cpu=cpu, binary=binary, files=files) as m:
        m.load_redoubt()
        m.run(WORK)
        m.run("rmmod redoubt && insmod /redoubt/redoubt.ko && rmmod redoubt")
