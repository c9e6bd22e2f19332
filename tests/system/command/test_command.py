# SPDX-License-Identifier: GPL-2.0-only
"""The redoubt command on a host: what it says is what there is."""

import json
import re

import pytest

from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import with_redoubt
from redoubt_test.paths import BUILD

COMMAND = {"redoubt/redoubt": BUILD / "tools" / "arm64" / "redoubt"}
KERNEL = "--kernel /redoubt/guest/4k.Image --initrd /redoubt/guest/4k.cpio"


def doctor(host):
    """{requirement: verdict}, and the exit code."""
    result = host.run("redoubt doctor --json", check=False)
    return {a["requirement"]: a["verdict"] for a in json.loads(result.output)}, result.status


def test_doctor_before_and_after_the_module_is_loaded():
    with with_redoubt(files=COMMAND) as host:
        before, status = doctor(host)
        assert status == 1
        assert before["EL2"] == before["kernel command line"] == "ok"
        assert before["module loaded"] == before["/dev/kvm"] == "missing"
        assert host.run("redoubt status", check=False).status == 3
        assert host.run("redoubt map", check=False).status == 3
        host.load_redoubt()
        after, status = doctor(host)
        assert status == 0 and "missing" not in after.values()
        assert after["/dev/kvm-protected"] == after["debugfs"] == "ok"


@pytest.mark.parametrize("hypervisor,requirement", [("nvhe", "/dev/kvm"), ("vhe", "EL2")])
def test_doctor_agrees_with_the_module_that_it_cannot_load(hypervisor, requirement):
    with with_redoubt(files=COMMAND, hypervisor=hypervisor) as host:
        found, status = doctor(host)
        assert status == 1 and found[requirement] == "missing"
        assert found["kernel command line"] == "missing"
        text = host.run("redoubt doctor", check=False).output
        assert "kvm-arm.mode=none id_aa64mmfr1.vh=0" in text
        assert host.run("insmod /redoubt/redoubt.ko", check=False).status != 0


def test_doctor_without_el2():
    with with_redoubt(files=COMMAND, el2=False) as host:
        found, status = doctor(host)
        assert status == 1 and found["EL2"] == "missing"


def status_of(host, kind):
    state = json.loads(host.output("redoubt status --json"))
    (vm,) = [vm for vm in state["vms"] if vm["protected"] == (kind == "protected")]
    return state, vm


def check_status(host):
    state, protected = status_of(host, "protected")
    _, ordinary = status_of(host, "ordinary")
    assert state["geometry"]["granule_bytes"] == 4096
    assert protected["name"] == "guest0" and protected["command"].startswith("qemu-system")
    assert len(protected["vcpus"]) == 1 and len(ordinary["vcpus"]) == 2
    assert protected["exits"] > 0 and ordinary["exits"] > 0
    assert host.output(f"cat /proc/{ordinary['pid']}/comm").startswith("qemu-system")
    text = host.output("redoubt status")
    assert "protected" in text and "guest0" in text and "ordinary" in text
    return protected


def check_map(host, protected, before):
    sums = json.loads(host.output("redoubt map --json"))
    mapped = protected["counters"]["pages_mapped"] * 4096
    assert sums["protected"] >= mapped > 0
    assert sums["el2"] >= before["el2"] > 0 and sums["lent_to_vms"] > 0
    assert sums["ram"] == before["ram"] == sum(
        sums[k] for k in ("host", "el2", "lent_to_vms", "lent_to_el2", "lent_to_host", "protected"))
    picture = host.output("redoubt map --columns 100")
    assert re.search(r"\|.*A.*\|", picture) and re.search(r"\|.*L.*\|", picture)
    assert host.output("redoubt map --svg -").endswith("</svg>")


def check_trace(host):
    result = host.output("redoubt trace --for 1")
    assert re.search(r"CPU \d+ +RUN +VM \d+, vCPU 0", result), result
    assert re.search(r"CPU \d+ +HVC +VCPU_RUN\(", result), result
    times = [float(line.split()[0]) for line in result.splitlines()]
    assert times == sorted(times) and times[0] == 0


def test_status_map_and_trace_with_two_vms():
    with with_redoubt(**host_options(guests=2, files=dict(COMMAND))) as host:
        host.load_redoubt()
        before = json.loads(host.output("redoubt map --json"))
        assert before["protected"] == before["lent_to_vms"] == 0
        assert json.loads(host.output("redoubt status --json"))["vms"] == []
        with Guest(host, number=0, mem=256, protected=True) as first, \
                Guest(host, number=1, mem=256, smp=2) as second:
            first.run("true")
            protected = check_status(host)
            check_map(host, protected, before)
            second.run("true")
            check_trace(host)
        after = json.loads(host.output("redoubt map --json"))
        assert after["protected"] == after["lent_to_vms"] == 0


@pytest.mark.parametrize("protected", ["", "--protected"])
def test_run_starts_what_it_says(protected):
    """The VM that 'redoubt run' starts gets as far as its first process, on its serial line."""
    with with_redoubt(**host_options(files=dict(COMMAND))) as host:
        host.load_redoubt()
        shown = host.output(f"redoubt run {protected} --dry-run --memory 256M {KERNEL}")
        assert ("kvm-protected" in shown) == bool(protected)
        first = "echo the guest is up; exec busybox poweroff -f"
        output = host.output(
            f"redoubt run {protected} --memory 256M --name mine {KERNEL}"
            f" --append 'panic=-1 rdinit=/bin/sh -- -c \"{first}\"' </dev/null",
            timeout=max(300, 40 * host.boot_seconds))
        assert "the guest is up" in output
        assert "reboot: Power down" in output
