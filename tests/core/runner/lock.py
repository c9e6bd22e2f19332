# SPDX-License-Identifier: GPL-2.0-only
"""One run at a time in a directory: two would overwrite each other's programs."""

import fcntl
import os


def hold(directory):
    """Waits until nobody else is using @directory. Keep what it returns until the end."""
    os.makedirs(directory, exist_ok=True)
    handle = open(os.path.join(directory, "lock"), "w", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"  ... another run is using {os.path.relpath(directory)}: waiting", flush=True)
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle
