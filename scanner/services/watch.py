"""`dfscan watch`: hints become settled files, sweeps find what no hint named, a worker is kept going.

One thread, one loop: every turn takes the hints, the settled files and one batch of the sweep, so that none holds up another.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Event

from ..base.errors import KnownError
from ..base.settings import Settings
from ..base.trouble_log import TroubleLog
from ..base.troubles import shortage
from ..database.engine import Database, DatabaseUnavailable
from ..discovery.candidates import Finding, Source
from ..discovery.suspend import SleepWatch
from ..discovery.sweeps import Sweeps
from ..discovery.watcher_supervisor import Hint, Notice, Overflowed, Restarted, Unreadable, Unwatched, Watching
from ..domain.asked import ANYTHING, Asked
from ..jobs.asking import ask
from ..jobs.leases import backlog, reconcile
from ..jobs.lock import KEEP_SECONDS
from ..jobs.queue import waker
from ..jobs.supervisor import EmbeddedWorker
from ..roots.ledger import add_to_counts
from ..roots.roots import WatchedRoot, add_roots, watch_here
from .unreachable import drop_gone
from .unreadable import UnreadableLog
from .watched_roots import WatchedRoots

TURN_SECONDS = 0.2
STOP_SECONDS = 4.0
RETRY_SECONDS = 5.0
# A root that gives no events is swept for at most this share of the time, however large it is.
POLLING_SHARE = 0.1

log = logging.getLogger(__name__)


class WatchService:
    """Watches `roots` until `stop` is set; `beat` is called at each turn of its loop.

    `keep_lock` is called now and then, and raises when another process took the work over; it is false where the database knew
    nothing of the lock, so that the roots may be unknown to it, too. `asked` is asked of what is found.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        roots: Sequence[WatchedRoot],
        *,
        with_worker: bool,
        now: Callable[[], datetime],
        stop: Event,
        keep_lock: Callable[[], bool] = lambda: True,
        beat: Callable[[], None] = lambda: None,
        asked: Asked = ANYTHING,
    ) -> None:
        self._settings = settings
        self._database = database
        self._paths = [root.path for root in roots]
        self._asked = asked
        self._is_asked = False
        self._now = now
        self._stop = stop
        self._keep_lock = keep_lock
        self._beat = beat
        self._wake = waker(settings)
        self._worker = EmbeddedWorker(settings, database, now) if with_worker else None
        self._notices: SimpleQueue[Notice] = SimpleQueue()
        self._watching = Watching(self._notices)
        self._roots = WatchedRoots(settings, database, self._paths, self._watching, now)
        self._finding = Finding(settings, database, now, self._wake)
        self._sweeps = Sweeps(settings, database, self._finding, now)
        self._unreadable = UnreadableLog(log, time.monotonic)
        self._sleep = SleepWatch()
        self._due: dict[int, float] = {}
        self._swept_once: set[int] = set()
        self._next_reconcile = 0.0
        self._next_keep = 0.0
        self._database_trouble = TroubleLog(log, "the database")
        self._worker_trouble = TroubleLog(log, "the work")
        self._machine_trouble = TroubleLog(log, "the machine")

    def run(self) -> None:
        """Watch first, then sweep, then keep going. Drains and stops cleanly."""
        if self._worker:
            self._worker.start()
        try:
            with self._watching:
                while not self._stop.is_set():
                    try:
                        self._turn()
                        self._database_trouble.works()
                        self._machine_trouble.works()
                    except DatabaseUnavailable as error:
                        self._wait_out(self._database_trouble, str(error))
                    except OSError as error:
                        if (reason := shortage(error)) is None:
                            raise
                        self._wait_out(self._machine_trouble, reason)
        finally:
            if self._worker:
                self._worker.stop(STOP_SECONDS)

    def _wait_out(self, trouble: TroubleLog, reason: str) -> None:
        """What the turn held is not lost: a sweep finds it again once it goes on."""
        trouble.fails(reason)
        self._sweeps.forget()
        self._demand_sweeps(in_seconds=RETRY_SECONDS)
        self._stop.wait(RETRY_SECONDS)

    def _turn(self) -> None:
        self._beat()
        if time.monotonic() >= self._next_reconcile:
            self._keep()
            self._look_at_roots()
            self._look_at_worker()
            self._next_reconcile = time.monotonic() + self._settings.reconcile_seconds
        self._begin_due_sweeps()
        self._follow_notices()
        self._finding.settle()
        if self._sweeps:
            self._sweeps.step()

    def _keep(self) -> None:
        if time.monotonic() < self._next_keep:
            return
        if not self._keep_lock():
            log.warning("the database was made anew; the watched folders are written into it again")
            add_roots(self._database, self._paths, self._now())
            self._is_asked = False
        self._next_keep = time.monotonic() + KEEP_SECONDS

    def _look_at_roots(self) -> None:
        self._finding.record_counts()
        if not self._is_asked:
            watch_here(self._database, self._roots.tops)
            self._ask(self._asked)
        self._unreadable.say()
        looked = self._roots.look()
        self._finding.roots, self._finding.away = self._roots.here, self._roots.away
        for root in looked.gone:
            self._sweeps.forget(root)
        for root_id in looked.to_sweep:
            self._due[root_id] = 0.0
        for root, folder in self._finding.try_again():
            self._sweeps.begin(root, Source.EVENT, folder)
        if looked.to_sweep:
            return
        here, away = [root.path for root in self._roots.here], [root.id for root in self._roots.away]
        for trouble in drop_gone(self._database, here, self._now(), spare=away):
            log.debug("%s", trouble)  # `status` shows it
        self._watching.look_after()
        if self._sleep.has_slept():
            log.info("the machine slept; every root is swept")
            self._demand_sweeps()

    def _ask(self, asked: Asked) -> None:
        """Ask it of what is pending, and of what is found from now on."""
        self._asked = self._finding.asked = asked
        if asked != ANYTHING and self._paths:
            ask(self._database, asked, self._paths)
        self._is_asked = True

    def _begin_due_sweeps(self) -> None:
        if not self._watching.is_set_up:
            return
        for root in self._finding.roots:
            if time.monotonic() >= self._due.get(root.id, 0.0) and not self._sweeps.sweeps_whole(root):
                self._sweeps.begin(root, Source.SWEEP if root.id in self._swept_once else Source.FIRST_SWEEP)
                self._swept_once.add(root.id)
                self._due[root.id] = time.monotonic() + self._interval(root)

    def _interval(self, root: WatchedRoot) -> float:
        seconds = self._settings.sweep_seconds
        if not self._roots.is_by_events(root):
            seconds = max(self._settings.poll_seconds, (root.swept_seconds or 0.0) / POLLING_SHARE)
        return seconds * random.uniform(0.9, 1.1)  # noqa: S311  (only spreads load)

    def _demand_sweeps(self, in_seconds: float = 0.0) -> None:
        due = time.monotonic() + in_seconds
        self._due = {root.id: due for root in self._finding.roots}

    def _follow_notices(self) -> None:
        hints: dict[str, bool] = {}
        for notice in self._waiting_notices():
            match notice:
                case Hint(path, is_made):
                    hints[path] = is_made and hints.get(path, True)
                case Overflowed():
                    log.warning("the system dropped events; every root is swept")
                    for root in self._finding.roots:
                        if self._roots.is_by_events(root):
                            add_to_counts(self._database, root.id, overflows=1)
                    self._demand_sweeps()
                case Unreadable(folders, first):
                    self._unreadable.note(folders, first)
                case Restarted():
                    self._demand_sweeps()
                case Unwatched(path, reason):
                    for root in self._roots.note_unwatched(path, reason):
                        self._due[root.id] = 0.0  # not only when the hour is over
        for path, is_made in hints.items():
            if (swept := self._finding.hint(path, is_made=is_made)) is not None:
                self._sweeps.begin(swept, Source.EVENT, path)

    def _waiting_notices(self) -> list[Notice]:
        notices: list[Notice] = []
        try:
            if not self._sweeps:
                notices.append(self._notices.get(timeout=TURN_SECONDS))
            while True:
                notices.append(self._notices.get_nowait())
        except Empty:
            return notices

    def _look_at_worker(self) -> None:
        try:
            if self._worker:
                self._worker.look_after(backlog(self._database, self._now(), model=self._asked.model))
                self._follow_model(self._worker)
            else:
                self._worker_trouble.works()
            reconcile(self._wake, self._database, self._now())
        except DatabaseUnavailable:
            raise
        except KnownError as error:
            self._worker_trouble.fails(str(error))

    def _follow_model(self, worker: EmbeddedWorker) -> None:
        """Our worker may have been started anew with another checkpoint under the same name: what is pending is for that one."""
        seen = worker.seen
        if seen is None:
            return
        self._worker_trouble.works()
        if seen.model_sha256 and self._is_asked and seen.model_sha256 != self._asked.model:
            self._ask(replace(self._asked, model=seen.model_sha256))
