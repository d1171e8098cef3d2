"""The watcher's own process: says on standard output what the operating system hints at.

A process of its own, because busy threads beside it starve the reader of events until the system's queue overflows (watchdog
issue 654). Reads {"roots": [...]} from standard input, ends with it, and writes a JSON object per line (with "everywhere": true
it also watches what is mounted in the roots and is known to give no dependable events):

    {"hints": [path, ...]}            these may have changed
    {"made": [path, ...]}             these are new, and were not closed after writing: links, or still written
    {"overflow": true}                the system dropped events
    {"unwatched": root, "reason": ..} no dependable events come from this root
    {"unreadable": n, "first": path}  so many folders cannot be read, and so not be watched
    {"ready": true}                   every root is watched that can be
    {"alive": true}                   nothing happened
"""

import json
import logging
import os
import sys
import threading
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from ..base.logs import log_to_stderr
from .watching.advice import advice

ALIVE_SECONDS = 2.0
HINTS_PER_LINE = 1000

Reports = SimpleQueue[dict[str, Any]]


class Observing(Protocol):
    """What watches, in threads of its own."""

    def start(self) -> None:
        """Begin. Raises OSError where the system gives nothing to watch with."""

    def is_alive(self) -> bool:
        """Whether every thread is at work."""


def main() -> int:
    """Watch until standard input ends; 1 when a thread that watches has died."""
    log_to_stderr("%(asctime)s %(message)s")
    logging.getLogger().setLevel(logging.ERROR)
    asked = json.loads(sys.stdin.readline())
    roots: list[str] = asked["roots"]
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    reports: Reports = SimpleQueue()
    try:
        observing = _observing(reports, roots, everywhere=asked.get("everywhere", False))
        observing.start()
    except OSError as error:
        for root in roots:
            _write({"unwatched": root, "reason": advice(error)})
        _write({"ready": True})
        return _stay_for(reports, None)
    return _stay_for(reports, observing)


def _observing(reports: Reports, roots: list[str], *, everywhere: bool) -> Observing:
    if sys.platform == "linux":
        from .watching.follow import Follower

        return Follower(reports, roots, everywhere=everywhere)
    from .watching.observer import Observed

    return Observed(reports, roots)


def _stay_for(reports: Reports, observing: Observing | None) -> int:
    while True:
        named: dict[str, dict[str, None]] = {"hint": {}, "made": {}}
        try:
            report = reports.get(timeout=ALIVE_SECONDS)
            while True:
                for kind, paths in named.items():
                    if kind in report:
                        paths[report[kind]] = None
                        break
                else:
                    _write(report)
                if sum(map(len, named.values())) >= HINTS_PER_LINE:
                    break
                report = reports.get_nowait()
        except Empty:
            pass
        lines = {"hints": list(named["hint"]), "made": list(named["made"])}
        _write({kind: paths for kind, paths in lines.items() if paths} or {"alive": True})
        if observing is not None and not observing.is_alive():
            return 1


def _write(report: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


def _end_with_standard_input() -> None:
    # Not through sys.stdin: its lock, held by a thread that never ends, would break the interpreter's shutdown.
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    try:
        status = main()
    except BrokenPipeError:
        status = 0
    os._exit(status)
