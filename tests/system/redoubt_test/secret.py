# SPDX-License-Identifier: GPL-2.0-only
"""A text that a guest keeps in memory, and the host's search for it.

It is in ROT13 wherever the host sees it (in commands, on the channel), so that a
hit is in the guest's memory and nowhere else.
"""

SECRET = "erqbhog-frperg-bs-gur-thrfg"
COPIES = 2000


def write_secret(vm):
    """Puts the secret into the guest's memory, some pages full of it."""
    vm.run(f"""
        i=0; while [ $i -lt {COPIES} ]; do echo {SECRET}; i=$((i + 1)); done |
            tr a-z n-za-m >/run/secret
        [ $(wc -l </run/secret) = {COPIES} ]""")


def look_for_secret(host, show=None):
    """How often the secret is in the host's memory, as its root reads it; needs memscan."""
    output = host.output(f"memscan {SECRET}", timeout=600).splitlines()
    for line in output if show else ():
        show(line)
    return int(output[-1].split()[1])
