#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What Redoubt does, shown on a stock Debian kernel in QEMU: 'make run'."""

import json
import os
import sys
import time

from redoubt_test.guest import Guest, host_options
from redoubt_test.machine import MachineError, with_redoubt
from redoubt_test.paths import BUILD, GUEST_PROGRAMS, MissingError
from redoubt_test.secret import look_for_secret, write_secret

PICTURE = r"""
   +---------------------------+  +-------------+  +-------------+
   | host: stock Debian kernel |  |  ordinary   |  |  protected  |
   |   QEMU, redoubt.ko        |  |     VM      |  |     VM      |
   +---------------------------+  +-------------+  +-------------+   EL0, EL1
   ==== stage 2 ================ stage 2 ========= stage 2 ========
   |              Redoubt: who owns which page                   |   EL2
   +-------------------------------------------------------------+
"""


PORT = 8080
NET = (f"-netdev user,id=net,hostfwd=tcp:127.0.0.1:{PORT}-10.0.2.15:80"
       " -device virtio-net-pci,netdev=net,iommu_platform=on,disable-legacy=on")


class Show:
    """Steps with their times; check() remembers what was not as promised."""

    def __init__(self):
        self.start = time.monotonic()
        self.wrong = 0

    def step(self, text):
        print(f"\n[{time.monotonic() - self.start:5.0f} s] {text}", flush=True)

    def say(self, text):
        print(f"          {text}", flush=True)

    def check(self, good, text):
        self.wrong += not good
        self.say(f"{'ok' if good else 'WRONG'}: {text}")


def owners(host):
    """Bytes by owner."""
    return json.loads(host.output("redoubt map --json"))


def draw_owners(host):
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    when = "always" if color else "never"
    print(host.output(f"redoubt map --columns 80 --rows 26 --color {when}"))


def launch(show, host):
    show.step("The host is up: " + host.output("uname -sr").strip())
    show.say("Debian's own kernel, not a byte of it changed; it runs at EL1.")
    show.step("modprobe redoubt")
    host.load_redoubt()
    show.say(host.output("dmesg | grep redoubt: | tail -n 1").strip())
    mapped = owners(host)
    show.say(f"EL2 has {mapped['el2'] >> 10} KiB; the host has the other "
             f"{mapped['host'] >> 20} MiB.")


def serve(show, host, vm):
    """The guest is of use: a web server, over memory that it shares with the host."""
    show.step("The guest serves a page over virtio-net. The host fetches it:")
    vm.run("""
        modprobe virtio_net
        ip addr add 10.0.2.15/24 dev eth0
        ip link set eth0 up
        mkdir /run/www
        echo "Hello from the guest, kernel $(uname -r)" >/run/www/index.html
        httpd -p 80 -h /run/www""")
    page = host.output(f"wget -q -O - http://127.0.0.1:{PORT}/").strip()
    show.say(page)
    show.check(page.startswith("Hello from the guest"), "it went through a pool of memory that the "
               "guest shares for that")


def run_guest(show, host, protected):
    """A guest with a secret: what the host can see of it while it runs and after."""
    kind = "a protected" if protected else "an ordinary"
    show.step(f"A stock Debian guest starts as {kind} VM, under Debian's QEMU, unmodified")
    with Guest(host, mem=256, protected=protected, qemu=NET) as vm:
        show.say("up: " + vm.output("uname -sr").strip())
        write_secret(vm)
        if protected:
            serve(show, host, vm)
        show.step("The guest has written a secret. The host reads all of its own memory for it:")
        seen = look_for_secret(host, show.say)
        show.check((seen == 0) == protected, "the secret is out of the host's reach" if not seen
                   else f"the host sees the secret, as it can with {kind} VM")
        if protected:
            show.step("Who owns physical memory now:")
            draw_owners(host)
            shared = owners(host)["lent_to_host"]
            show.say(f"The guest shares {shared >> 10} KiB with the host, for devices.")


def after_the_end(show, host):
    show.step("The protected VM has ended; its memory is the host's again:")
    mapped = owners(host)
    show.check(mapped["protected"] == mapped["lent_to_host"] == 0, "no page is left with a guest")
    return look_for_secret(host, show.say)


def main():
    print(PICTURE)
    show = Show()
    show.step("QEMU starts an arm64 machine with EL2 (emulated: a slow one)")
    options = host_options(mem=1280, guest_module=True, files={
        "redoubt/memscan": GUEST_PROGRAMS / "memscan",
        "redoubt/redoubt": BUILD / "tools/arm64/redoubt"})
    try:
        with with_redoubt(**options, name="run") as host:
            launch(show, host)
            run_guest(show, host, protected=True)
            seen = after_the_end(show, host)
            show.check(seen == 0, "zeroed before the host got it")
            run_guest(show, host, protected=False)
            show.step("rmmod redoubt: EL2 goes back to the kernel's stub")
            host.run("rmmod redoubt")
    except (MachineError, MissingError) as error:
        print(f"\nrun: {error}", file=sys.stderr)
        return 1
    print(f"\n{'All was as promised.' if not show.wrong else 'Something was not as promised.'}"
          "  'make shell' leaves you at the host's prompt; 'make help' lists the rest.")
    return 1 if show.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
