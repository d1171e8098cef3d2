"""`dfscan watch`: hints become settled files, sweeps find what no hint named, a worker is kept going.

One thread, one loop: every turn takes the hints, the settled files and one batch of the sweep, so that none holds up another.
"""

import logging
import os
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Event

from .database.engine import Database, DatabaseUnavailable
from .errors import KnownError
from .intake import Taken, batches, mark_missing, mark_missing_path, take_in
from .leases import backlog, reconcile
from .queue import waker
from .roots import WatchedRoot, mark_swept, root_of
from .settings import Settings
from .settle import Settling, is_fresh
from .supervisor import EmbeddedWorker, WorkerFailed
from .walk import FOLDER, Entry, Found, Skipped, is_ignored, look_at, walk
from .watching import Watching

TURN_SECONDS = 0.2
STOP_SECONDS = 4.0
# How often a root that cannot be watched is swept.
UNWATCHED_SWEEP_SECONDS = 30.0
RETRY_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Sweep:
    """A walk under way: of a whole root, or of a folder in it that has just appeared."""

    root: WatchedRoot
    entries: Iterator[list[Entry]]
    whole: bool


class WatchService:
    """Watches `roots` until `stop` is set."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        roots: Sequence[WatchedRoot],
        *,
        with_worker: bool,
        now: Callable[[], datetime],
        stop: Event,
    ) -> None:
        self._settings = settings
        self._database = database
        self._roots = roots
        self._now = now
        self._stop = stop
        self._wake = waker(settings)
        self._worker = EmbeddedWorker(settings, database, now) if with_worker else None
        self._hints: SimpleQueue[str] = SimpleQueue()
        self._settling = Settling(settings.settle_seconds, time.monotonic)
        self._sweeps: deque[_Sweep] = deque()

    def run(self) -> None:
        """Watch first, then sweep, then keep going. Drains and stops cleanly."""
        if self._worker:
            self._worker.start()
        try:
            with Watching([root.path for root in self._roots], self._hints.put) as watching:
                interval = UNWATCHED_SWEEP_SECONDS if watching.unwatched else self._settings.sweep_seconds
                next_sweep = next_reconcile = 0.0
                while not self._stop.is_set():
                    if time.monotonic() >= next_sweep and not self._sweeps:
                        self._begin_sweeps()
                        next_sweep = time.monotonic() + interval * random.uniform(0.9, 1.1)  # noqa: S311  (only spreads load)
                    if time.monotonic() >= next_reconcile:
                        self._reconcile()
                        next_reconcile = time.monotonic() + self._settings.reconcile_seconds
                    try:
                        self._turn()
                    except DatabaseUnavailable as error:
                        # What this turn held is not lost: a sweep finds it again once the database answers.
                        log.warning("%s; trying again", error)
                        self._sweeps.clear()
                        next_sweep = time.monotonic() + RETRY_SECONDS
                        self._stop.wait(RETRY_SECONDS)
        finally:
            if self._worker:
                self._worker.stop(STOP_SECONDS)

    def _turn(self) -> None:
        for path in self._waiting_hints():
            self._follow_hint(path)
        settled = self._settling.settled(self._look)
        for batch in batches(settled):
            self._take_in(batch)
        if self._sweeps:
            self._go_on_sweeping()

    def _waiting_hints(self) -> set[str]:
        hints: set[str] = set()
        try:
            if not self._sweeps:
                hints.add(self._hints.get(timeout=TURN_SECONDS))
            while True:
                hints.add(self._hints.get_nowait())
        except Empty:
            return hints

    def _follow_hint(self, path: str) -> None:
        root = root_of(path, self._roots)
        if root is None or is_ignored(path, root=root.path, ignore=self._settings.ignore):
            return
        entry = look_at(path, root=root.path)
        if isinstance(entry, Found):
            self._settling.watch_over(entry)
        elif isinstance(entry, Skipped):
            self._take_in([entry])
        elif entry is FOLDER:
            self._sweeps.append(self._sweep(root, path, whole=False))
        elif not os.path.lexists(path) and os.path.isdir(root.path):
            mark_missing_path(self._database, path, now=self._now())

    def _begin_sweeps(self) -> None:
        self._sweeps.extend(self._sweep(root, root.path, whole=True) for root in self._roots)

    def _sweep(self, root: WatchedRoot, folder: str, *, whole: bool) -> _Sweep:
        return _Sweep(root, batches(walk(folder, root=root.path, ignore=self._settings.ignore)), whole)

    def _go_on_sweeping(self) -> None:
        sweep = self._sweeps[0]
        batch = next(sweep.entries, None)
        if batch is not None:
            ready = []
            for entry in batch:
                if isinstance(entry, Found) and is_fresh(entry, self._settings.settle_seconds, self._now()):
                    self._settling.watch_over(entry)
                else:
                    ready.append(entry)
            self._take_in(ready)
            return
        self._sweeps.popleft()
        if sweep.whole:
            mark_missing(self._database, sweep.root.path, now=self._now())
            mark_swept(self._database, sweep.root, self._now())

    def _take_in(self, entries: Sequence[Entry]) -> Taken:
        taken = Taken()
        by_root: dict[int | None, list[Entry]] = {}
        for entry in entries:
            root = root_of(entry.path, self._roots)
            by_root.setdefault(root.id if root else None, []).append(entry)
        for root_id, of_root in by_root.items():
            taken += take_in(self._database, of_root, root_id=root_id, now=self._now())
        if taken.pending:
            log.info("%d new, %d changed", taken.new, taken.changed)
            self._wake()
        return taken

    def _look(self, path: str) -> Entry | None:
        root = root_of(path, self._roots)
        entry = look_at(path, root=root.path) if root else None
        return entry if isinstance(entry, Found | Skipped) else None

    def _reconcile(self) -> None:
        try:
            pending = backlog(self._database, self._now()).pending
            if self._worker:
                self._worker.look_after(pending)
            reconcile(self._wake, self._database, self._now())
        except WorkerFailed as error:
            log.error("%s", error)  # noqa: TRY400  (no traceback for what can be mended)
        except KnownError as error:
            log.warning("%s", error)
