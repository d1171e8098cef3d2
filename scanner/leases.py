"""Who works on which pending file: leases in the database, so that the death of any process loses nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.orm import Session

from .database.engine import Database
from .database.models import File, State

# From this many tries on a file is claimed alone: should it kill the worker again, it takes no others along.
SUSPECT_AFTER = 2


@dataclass(frozen=True)
class Claimed:
    """A file in a worker's hands. `size` in bytes."""

    id: int
    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Backlog:
    """Pending files: all, and those in the hands of a live lease."""

    pending: int
    leased: int


def claim(database: Database, owner: str, limit: int, *, now: datetime, lease_seconds: float, max_attempts: int) -> list[Claimed]:
    """Lease up to `limit` pending files to `owner`, newest first, in one short transaction.

    A file whose leases ran out `max_attempts` times becomes failed here: its workers died or hung with it in hand.
    """
    with database.write() as session:
        unsuspected = select(File.id).where(_free(now), File.attempts < SUSPECT_AFTER)
        rows = _lease(session, _newest(unsuspected, limit), owner, now + timedelta(seconds=lease_seconds))
        if not rows:
            _give_up(session, now, max_attempts)
            suspects = select(File.id).where(_free(now), File.attempts >= SUSPECT_AFTER)
            rows = _lease(session, _newest(suspects, 1), owner, now + timedelta(seconds=lease_seconds))
        return rows


def release(database: Database, owner: str, file_ids: Sequence[int] | None = None, *, charge: bool) -> int:
    """Give back what `owner` holds (all, or `file_ids`); returns how many. Without `charge` the attempt does not count."""
    held = and_(File.lease_owner == owner, File.state == State.PENDING)
    if file_ids is not None:
        held = and_(held, File.id.in_(file_ids))
    with database.write() as session:
        values = {"lease_owner": None, "lease_expires_at": None, "attempts": File.attempts - (0 if charge else 1)}
        return len(session.execute(update(File).where(held).values(values).returning(File.id)).all())


def backlog(database: Database, now: datetime) -> Backlog:
    """How much is pending, and how much of that is being worked on."""
    leased = func.count().filter(File.lease_owner.is_not(None), File.lease_expires_at > now)
    with database.read() as session:
        pending, in_hand = session.execute(select(func.count(), leased).where(File.state == State.PENDING)).one()
        return Backlog(pending, in_hand)


def reconcile(wake: Callable[[], bool], database: Database, now: datetime) -> None:
    """Wake the workers when something is pending and no one works: what makes a lost wake-up cost no more than time."""
    standing = backlog(database, now)
    if standing.pending and not standing.leased:
        wake()


def _free(now: datetime) -> ColumnElement[bool]:
    return and_(File.state == State.PENDING, or_(File.lease_expires_at.is_(None), File.lease_expires_at <= now))


def _newest(ids: Select[int], limit: int) -> Select[int]:
    # SKIP LOCKED is for Postgres; SQLite has one writer anyway and leaves it out.
    return ids.order_by(File.pending_since.desc(), File.mtime_ns.desc()).limit(limit).with_for_update(skip_locked=True)


def _lease(session: Session, ids: Select[int], owner: str, until: datetime) -> list[Claimed]:
    # A CTE is evaluated once; a plain subquery Postgres may evaluate anew for each row, locking more than the limit.
    picked = ids.cte("picked")
    taken = (
        update(File)
        .where(File.id.in_(select(picked.c.id)))
        .values(lease_owner=owner, lease_expires_at=until, attempts=File.attempts + 1)
        .returning(File.id, File.path, File.size, File.mtime_ns)
        .execution_options(synchronize_session=False)
    )
    return [Claimed(*row) for row in session.execute(taken)]


def _give_up(session: Session, now: datetime, max_attempts: int) -> None:
    reason = f"given up after {max_attempts} tries: each time the worker died or hung with it in hand; `dfscan retry` tries again"
    session.execute(
        update(File)
        .where(_free(now), File.attempts >= max_attempts)
        .values(state=State.FAILED, error_kind="gave-up", error=reason, finished_at=now, lease_owner=None, lease_expires_at=None)
        .execution_options(synchronize_session=False)
    )
