# SPDX-License-Identifier: GPL-2.0-only
"""The table, the progress lines, the closing line and the .tsv file."""

import os
import queue
import resource
import sys
import threading
import time

from .variants import ROOT


class Report:
    """Collects results; rows are printed as they come. Safe from several threads."""

    def __init__(self, name, progress_seconds):
        self.path = os.path.join(ROOT, "build", "reports", name + ".tsv")
        self.lock = threading.Lock()
        self.start = self.spoke = time.monotonic()
        self.rows = []
        self.running = {}
        self.left = 0
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.done = threading.Event()
        self._say(f"{'check':<40} {'variant':<11} {'result':<26} {'seconds':>7}")
        self.ticker = threading.Thread(target=self._tick, args=(progress_seconds,), daemon=True)
        self.ticker.start()

    def _say(self, line):
        print(line, flush=True)
        self.spoke = time.monotonic()

    def _tick(self, seconds):
        while not self.done.wait(0.5):
            with self.lock:
                if time.monotonic() - self.spoke < seconds:
                    continue
                names = ", ".join(sorted(self.running.values())) or "nothing"
                self._say(f"  ... {time.monotonic() - self.start:.0f} s, running: {names}; "
                          f"{self.left} to go")

    def add(self, check, variant, passed, failed, seconds, why="", skipped=0):
        """@passed, @failed and @skipped count single checks; @why explains the last two."""
        words = [f"{n} {w}" for n, w in ((passed, "passed"), (failed, "failed"),
                                         (skipped, "skipped")) if n]
        with self.lock:
            for key, n in (("passed", passed), ("failed", failed), ("skipped", skipped)):
                self.counts[key] += n
            self.rows.append((check, variant, passed, failed, skipped, f"{seconds:.1f}", why))
            self._say(f"{check:<40} {variant:<11} {', '.join(words):<26} {seconds:7.1f}")
            if why:
                for line in why.rstrip().splitlines():
                    print("    " + line, flush=True)

    def note(self, line):
        with self.lock:
            self._say(line)

    def close(self):
        self.done.set()
        self.ticker.join()
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as f:
            f.write("check\tvariant\tpassed\tfailed\tskipped\tseconds\twhy\n")
            for row in self.rows:
                f.write("\t".join(str(c).replace("\n", " | ").replace("\t", " ")
                                  for c in row) + "\n")
        line = f"{self.counts['passed']} passed, {self.counts['failed']} failed"
        if self.counts["skipped"]:
            line += f", {self.counts['skipped']} skipped"
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{os.path.relpath(self.path, ROOT)}, {time.monotonic() - self.start:.0f} s, "
              f"{used.ru_utime + used.ru_stime:.0f} s of CPU time")
        print(line, flush=True)
        nothing = not self.counts["passed"]
        if nothing:
            print("nothing passed, so nothing was shown", file=sys.stderr)
        return 1 if self.counts["failed"] or nothing else 0


class Pool:
    """Runs checks on a few threads; each waits for a subprocess most of the time."""

    def __init__(self, out, jobs):
        self.out = out
        self.todo = queue.Queue()
        self.workers = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]

    def submit(self, check):
        self.todo.put(check)

    def _work(self):
        me = threading.get_ident()
        while True:
            try:
                check = self.todo.get_nowait()
            except queue.Empty:
                return
            with self.out.lock:
                self.out.running[me] = f"{check.name} ({check.variant})"
                self.out.left = self.todo.qsize()
            try:
                check.run(self.out)
            except Exception as error:  # a broken check is a failed one
                self.out.add(check.name, check.variant, 0, 1, 0, f"{type(error).__name__}: {error}")
            with self.out.lock:
                self.out.running.pop(me, None)

    def finish(self):
        for worker in self.workers:
            worker.start()
        for worker in self.workers:
            worker.join()
