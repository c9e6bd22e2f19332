# SPDX-License-Identifier: GPL-2.0-only
"""What a host has on account of its guests, to compare before them and after."""

STATS = "/sys/kernel/debug/redoubt/stats"


def host_state(host):
    """What guests must not change for longer than they live.

    VMs, EL2's pages, guests' pages, pages that are lent, pages that are pinned.
    """
    owners = host.output("cat /sys/kernel/debug/redoubt/owners")
    state = {"lent": 0}
    state["vms"] = int(host.output(f"awk '$1 == \"VMS\" {{ print $2 }}' {STATS}"))
    state["pinned"] = int(host.output("""awk '/^nr_foll_pin_acquired / { n += $2 }
        /^nr_foll_pin_released / { n -= $2 } END { print n }' /proc/vmstat"""))
    for line in owners.splitlines():
        _, pages, owner, *lent = line.split()
        state[owner] = state.get(owner, 0) + int(pages)
        state["lent"] += int(pages) if "guests" in lent else 0
    return state


def assert_nothing_left(host, before):
    """Counted when no guest lives: what a guest leaves behind shows as a difference."""
    now = host_state(host)
    # The host's own page moves are no matter here.
    assert {**now, "host": 0} == {**before, "host": 0}
