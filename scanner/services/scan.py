"""`dfscan scan`: take in what lies under some paths, and work until each file has a verdict or a reason."""

import logging
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import and_, func, or_, select

from ..base.errors import KnownError
from ..base.escape import in_shell, printable
from ..base.machine import this_host
from ..base.settings import Settings
from ..database.engine import Database
from ..database.models import File
from ..database.queries import any_of, of_no_root_in, unindexed
from ..discovery.diff import Difference, compare
from ..discovery.intake import BATCH, Taken, is_not_empty, mark_gone, note_restless, take_in
from ..discovery.passed_over import mark_passed_over, reasons
from ..discovery.settle import Settling, is_fresh
from ..discovery.walk import Entry, Found, Skipped, look_at, walk
from ..domain.asked import ANYTHING, Asked
from ..domain.states import State
from ..jobs.asking import ask
from ..jobs.leases import backlog, reconcile
from ..jobs.supervisor import EmbeddedWorker
from ..jobs.workers import live_workers
from ..roots.ledger import why_away
from ..roots.roots import WatchedRoot, adopt_files, known_roots, root_of, roots_around, watched_elsewhere
from .unreachable import drop_gone

POLL_SECONDS = 0.1
# A file that still grows after this long is said to do so and left for the next scan; of one that is rewritten again and again
# what it holds is judged.
SETTLE_LIMIT_SECONDS = 60.0

UNSETTLED = "still being written to; scan again later"

log = logging.getLogger(__name__)


class NothingThere(KnownError):
    """A path to scan that does not exist."""


class RootAway(KnownError):
    """A path in a watched folder that is unmounted, or on an unplugged drive."""


@dataclass(frozen=True)
class ScanProgress:
    """How far a scan is: files to do at its start, files still pending, and the workers at work."""

    total: int
    pending: int
    workers: tuple[str, ...]


def take_in_paths(
    settings: Settings,
    database: Database,
    paths: Sequence[str],
    now: Callable[[], datetime],
    asked: Callable[[], Asked] = lambda: ANYTHING,
) -> Taken:
    """Bring the database up to date with what lies under `paths` (absolute; folders or files).

    `asked()` gives what is asked of what becomes pending; it may take a second, and is called only where something does.
    Raises NothingThere, and RootAway for what lies in a watched folder that is away.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise NothingThere(f"{path} does not exist; name a folder or an image")
    roots = roots_around(paths, known_roots(database))
    away = _away(database, paths, roots)
    spare = {root.id for root in (*away, *watched_elsewhere(database, roots))}
    host = sharing_host(database)
    settling = Settling(settings.settle_seconds, time.monotonic)
    taken = Taken()
    for path in paths:
        if os.path.isdir(path):
            entries = (
                entry
                for entry in walk(path, root=path, ignore=settings.ignore, videos=settings.videos)
                if root_of(entry.path, away) is None
            )
            found = compare(database, path, entries, spare=spare, host=host)
        else:
            found = iter([Difference(others=[_look(path, settings) or Skipped(path, "its content is no image")])])
        for part in found:
            ready = []
            for entry in part.others:
                if isinstance(entry, Found) and is_fresh(entry, settings.settle_seconds, datetime.now(UTC)):
                    settling.watch_over(entry)
                else:
                    ready.append(entry)
            taken += Taken(known=part.known)
            if ready:
                taken += take_in(database, ready, root_id=None, now=now(), asked=asked())
            mark_gone(database, part.unseen, is_here=partial(is_not_empty, path), now=now(), below=path)
            why = reasons(path, settings.ignore, videos=True)
            mark_passed_over(database, part.unseen, why, now())
    taken += _take_in_settled(settling, database, settings, now, asked)
    adopt_files(database, roots)
    return taken


def leaves_out(database: Database, paths: Sequence[str]) -> bool:
    """Whether something was passed over that was asked for by its name, or would have been scored: one of `paths` itself that
    is no image, or a file below them that was still being written to.
    """
    by_name = File.path.in_(paths)
    unsettled = and_(any_of(paths), File.error == UNSETTLED)
    with database.read() as session:
        found = select(File.id).where(unindexed(File.state) == State.SKIPPED.value, or_(by_name, unsettled)).limit(1)
        return session.scalar(found) is not None


def _away(database: Database, paths: Sequence[str], roots: Sequence[WatchedRoot]) -> list[WatchedRoot]:
    """Which of `roots` are away: their files are neither marked nor waited for. Raises RootAway when a path lies in one."""
    away = []
    for root in roots:
        reason = why_away(database, root)
        if reason is None:
            continue
        for path in paths:
            if root_of(path, [root]):
                raise RootAway(
                    f"{printable(path)} is in the watched folder {printable(root.path)}, which is away: {reason}. Mount it or "
                    f"plug it in; if it is as it should be, `dfscan watch --accept {in_shell(root.path)}`"
                )
        log.warning("%s is away and left alone: %s", printable(root.path), reason)
        away.append(root)
    return away


def work_until_done(
    settings: Settings,
    database: Database,
    paths: Sequence[str],
    *,
    with_worker: bool,
    now: Callable[[], datetime],
    show: Callable[[ScanProgress], None],
    asked: Asked = ANYTHING,
) -> None:
    """Keep a worker going until nothing under `paths` is pending. `asked` is asked of all of that. Raises WorkerFailed."""
    roots = roots_around(paths, known_roots(database))
    away = [root.id for root in roots if why_away(database, root) is not None]
    elsewhere = [root.id for root in watched_elsewhere(database, roots)]
    if asked != ANYTHING:
        ask(database, asked, paths, spare=away)
    total = pending_under(database, paths, spare=away)
    if not total:
        return
    from ..jobs.queue import waker  # brings Celery, which a scan with nothing to do needs not wait for

    wake = waker(settings)
    worker = EmbeddedWorker(settings, database, now)
    try:
        if with_worker:
            worker.start()
        next_reconcile = 0.0
        troubles = _Troubles()
        while pending := pending_under(database, paths, spare=away):
            workers = live_workers(database, now())
            show(ScanProgress(total, pending, tuple(seen.device for seen in workers)))
            if with_worker:
                worker.look_after(backlog(database, now(), model=asked.model))
            elif asked.model and workers and all(seen.model_sha256 not in (None, asked.model) for seen in workers):
                troubles.say("the workers that run have another model than this scan's; start one that has it")
            if time.monotonic() >= next_reconcile:
                troubles.say(*(f"the worker waits: {seen.trouble}" for seen in workers if seen.trouble))
                gone = drop_gone(database, paths, now(), spare=[*away, *elsewhere], host=sharing_host(database))
                troubles.say(*gone)
                reconcile(wake, database, now())
                next_reconcile = time.monotonic() + settings.reconcile_seconds
            # Each look takes some milliseconds of a core, which the network would have: seldom while much is left.
            time.sleep(min(1.0, POLL_SECONDS + pending / 300))
        show(ScanProgress(total, 0, tuple(seen.device for seen in live_workers(database, now()))))
    finally:
        worker.stop(4.0)


def sharing_host(database: Database) -> str | None:
    """This machine's name where several may share the database; what others took in, they say is missing."""
    return None if database.file is not None else this_host()


class _Troubles:
    """What keeps the work from going on, said once each."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, *troubles: str) -> None:
        for trouble in troubles:
            # "trying again in 4 s" changes each time; what comes before it does not.
            known = trouble.partition("; trying again")[0]
            if known not in self._said:
                self._said.add(known)
                log.warning("%s", trouble)


def pending_under(database: Database, paths: Sequence[str], *, spare: Collection[int] = ()) -> int:
    """How many files under `paths` are pending, without those of the roots `spare`."""
    with database.read() as session:
        query = select(func.count()).select_from(File).where(File.state == State.PENDING, any_of(paths), of_no_root_in(spare))
        return session.scalar(query) or 0


def _take_in_settled(
    settling: Settling, database: Database, settings: Settings, now: Callable[[], datetime], asked: Callable[[], Asked]
) -> Taken:
    taken = Taken()
    give_up = time.monotonic() + SETTLE_LIMIT_SECONDS
    while len(settling) and time.monotonic() < give_up:
        done = settling.settled(lambda path: _look(path, settings))
        for start in range(0, len(done), BATCH):
            taken += take_in(database, done[start : start + BATCH], root_id=None, now=now(), asked=asked())
        if len(settling):
            time.sleep(POLL_SECONDS)
    left = settling.restless(lambda path: _look(path, settings), UNSETTLED, is_over=True)
    for start in range(0, len(left), BATCH):
        taken += take_in(database, left[start : start + BATCH], root_id=None, now=now(), asked=asked())
        note_restless(database, [entry.path for entry in left[start : start + BATCH] if isinstance(entry, Found)])
    return taken


def _look(path: str, settings: Settings) -> Entry | None:
    entry = look_at(path, root=os.path.dirname(path), videos=settings.videos)
    return entry if isinstance(entry, Found | Skipped) else None
