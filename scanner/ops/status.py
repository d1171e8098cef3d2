"""How things stand, for `dfscan status`."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ..database.engine import Database
from ..database.models import File
from ..jobs.leases import backlog
from ..jobs.lock import WATCH, Holder, current_holder
from ..jobs.workers import LiveWorker, live_workers
from ..roots.roots import WatchedRoot, known_roots


@dataclass(frozen=True)
class Status:
    """Files by state, the backlog (and how much of it is leased), live workers, roots, and the process that watches them."""

    files: dict[str, int]
    pending: int
    leased: int
    workers: list[LiveWorker]
    roots: list[WatchedRoot]
    watch: Holder | None


def current_status(database: Database, now: datetime) -> Status:
    """Counted from row states, so that it cannot drift from the truth."""
    with database.read() as session:
        files = dict(session.execute(select(File.state, func.count()).group_by(File.state).order_by(File.state)).all())
    waiting = backlog(database, now)
    workers, watch = live_workers(database, now), current_holder(database, WATCH, now)
    return Status(files, waiting.pending, waiting.leased, workers, known_roots(database), watch)
