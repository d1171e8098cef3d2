"""How things stand, for `dfscan status`."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ..database.engine import Database
from ..database.models import File
from ..jobs.leases import backlog
from ..jobs.lock import WATCH, Holder, current_holder
from ..jobs.workers import WorkerSeen, live_workers
from ..roots.roots import WatchedRoot, known_roots


@dataclass(frozen=True)
class StandingNow:
    """Files by state, the backlog (and how much of it is leased), live workers, roots, and the process that watches them."""

    files: dict[str, int]
    pending: int
    leased: int
    workers: list[WorkerSeen]
    roots: list[WatchedRoot]
    watch: Holder | None


def current_standing(database: Database, now: datetime) -> StandingNow:
    """Counted from row states, so that it cannot drift from the truth."""
    with database.read() as session:
        files = dict(session.execute(select(File.state, func.count()).group_by(File.state).order_by(File.state)).all())
    waiting = backlog(database, now)
    workers, watch = live_workers(database, now), current_holder(database, WATCH, now)
    return StandingNow(files, waiting.pending, waiting.leased, workers, known_roots(database), watch)
