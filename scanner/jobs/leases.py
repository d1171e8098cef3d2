"""Who works on which pending file: leases in the database, so that the death of any process loses nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Executable, Integer, and_, bindparam, case, func, not_, or_, select, update
from sqlalchemy.orm import Session

from ..base.machine import this_host
from ..database.engine import Database
from ..database.models import Content, File, Root
from ..database.queries import table_of, unindexed
from ..domain.claims import RESTLESS, SUSPECT_AFTER, Claimed
from ..domain.states import State

# No file is put off for longer than this; see `_free`.
LONGEST_DELAY_SECONDS = 120.0
# So many at once, as each wakes one worker.
WAKE_UPS = 4


@dataclass(frozen=True)
class Backlog:
    """Pending files: all, those in the hands of a live lease, and those that a worker could claim now."""

    pending: int
    leased: int
    free: int


def claim(
    database: Database,
    owner: str,
    limit: int,
    *,
    now: datetime,
    lease_seconds: float,
    max_attempts: int,
    model: str | None = None,
) -> list[Claimed]:
    """Lease up to `limit` pending files to `owner`, newest first, in one short transaction.

    Only what the owner's `model` (sha256) is to judge, and what any may; without one, all.
    A file whose leases ran out `max_attempts` times becomes failed here: its workers died or hung with it in hand.
    """
    asked = {
        **_moments(now, lease_seconds),
        "owner": owner,
        "until": now + timedelta(seconds=lease_seconds),
        "model": model,
    }
    with database.write() as session:
        rows = _lease(session, False, model is not None, {**asked, "most": limit})
        if not rows:
            _give_up(session, now, lease_seconds, max_attempts)
            rows = _lease(session, True, model is not None, {**asked, "most": 1})
        return rows


def release(database: Database, owner: str, file_ids: Sequence[int] | None = None, *, charge: bool) -> int:
    """Give back what `owner` holds (all, or `file_ids`); returns how many. Without `charge` the attempt does not count."""
    held = and_(File.lease_owner == owner, unindexed(File.state) == State.PENDING.value)
    if file_ids is not None:
        held = and_(held, File.id.in_(file_ids))
    with database.write() as session:
        values = {"lease_owner": None, "lease_expires_at": None, "attempts": File.attempts - (0 if charge else 1)}
        return len(session.execute(update(File).where(held).values(values).returning(File.id)).all())


def suspect(database: Database, owner: str, file_ids: Sequence[int], *, max_attempts: int) -> None:
    """Give back `file_ids`, which `owner` holds: each is tried again alone, if `max_attempts` leave more than one further try."""
    held = and_(File.lease_owner == owner, unindexed(File.state) == State.PENDING.value, File.id.in_(file_ids))
    least = min(SUSPECT_AFTER, max_attempts - 1)
    attempts = case((File.attempts < least, least), else_=File.attempts)
    with database.write() as session:
        session.execute(update(File).where(held).values(lease_owner=None, lease_expires_at=None, attempts=attempts))


def backlog(database: Database, now: datetime, *, model: str | None = None) -> Backlog:
    """How much is pending, and how much of that is being worked on; free is what a worker with `model` could claim."""
    files = select(func.count()).select_from(File)
    pending = files.where(File.state == State.PENDING).scalar_subquery()
    # Those that are not free are few, however many are pending: each condition has its index.
    later = files.where(unindexed(File.state) == State.PENDING.value)
    leased = later.where(File.lease_owner.is_not(None), File.lease_expires_at > now).scalar_subquery()
    of_others = [File.asked_model != model] if model else []
    taken = later.where(or_(_LEASED, File.root_id.in_(_AWAY), *of_others)).scalar_subquery()
    with database.read() as session:
        in_all, in_work, not_free = session.execute(select(pending, leased, taken), _moments(now, LONGEST_DELAY_SECONDS)).one()
        return Backlog(in_all, in_work, in_all - not_free)


def renew(database: Database, owner: str, *, now: datetime, lease_seconds: float) -> None:
    """Keep what `owner` holds for `lease_seconds` more: it lives, and its batch takes long."""
    held = and_(File.lease_owner == owner, unindexed(File.state) == State.PENDING.value)
    with database.write() as session:
        session.execute(update(File).where(held).values(lease_expires_at=now + timedelta(seconds=lease_seconds)))


def reconcile(wake: Callable[[], bool], database: Database, now: datetime) -> None:
    """Wake the workers when there is something that no one has in hand: what makes a lost wake-up cost no more than time."""
    with database.read() as session:
        free = session.scalars(_SOME_FREE, _moments(now, LONGEST_DELAY_SECONDS)).all()
    for _ in free:
        if not wake():
            return


_CLAIMED = (
    *(File.id, File.path, File.size, File.mtime_ns, File.root_id, File.attempts),
    *(File.asked_faces, File.asked_videos, File.content_id, File.state_if_same, File.host, File.inode),
    File.error_kind,
)
_AWAY = select(Root.id).where(Root.paused_at.is_not(None))


def _moments(now: datetime, lease_seconds: float) -> dict[str, datetime]:
    """What `_FREE` and `_LEASED` are asked with.

    A lease that ends absurdly late was given before the clock was set back: it would hold the file for as long as that.
    """
    return {"now": now, "absurd": now + timedelta(seconds=max(4 * lease_seconds, LONGEST_DELAY_SECONDS))}


# In someone's hands, or to be left alone for a while.
_LEASED = and_(File.lease_expires_at > bindparam("now"), File.lease_expires_at <= bindparam("absurd"))
# Pending, in no one's hands, and of no root that is away.
_FREE = and_(
    File.state == State.PENDING,
    or_(File.lease_expires_at.is_(None), not_(_LEASED)),
    or_(File.root_id.is_(None), File.root_id.not_in(_AWAY)),
)
_SOME_FREE = select(File.id).where(_FREE).limit(WAKE_UPS)


@cache
def _leasing(suspects: bool, for_model: bool) -> Executable:
    """Lease the newest that are free. Made once: that takes longer than having it executed."""
    # When the time of day is set forward all leases seem to have run out: what the owner has in hand it does not take twice.
    mine = [or_(File.lease_owner.is_(None), File.lease_owner != bindparam("owner"))]
    if for_model:
        mine.append(or_(File.asked_model.is_(None), File.asked_model == bindparam("model")))
    tried = File.attempts >= SUSPECT_AFTER if suspects else File.attempts < SUSPECT_AFTER
    newest = select(File.id).where(_FREE, tried, *mine).order_by(File.pending_since.desc(), File.mtime_ns.desc())
    # A CTE is evaluated once; a plain subquery Postgres may evaluate anew for each row, locking more than the limit. SKIP LOCKED
    # is for Postgres; SQLite has one writer anyway and leaves it out.
    picked = newest.limit(bindparam("most", type_=Integer)).with_for_update(skip_locked=True).cte("picked")
    files = table_of(File)
    leased = {"lease_owner": bindparam("owner"), "lease_expires_at": bindparam("until"), "attempts": File.attempts + 1}
    return update(files).where(files.c.id.in_(select(picked.c.id))).values(leased).returning(*_CLAIMED)


def _lease(session: Session, suspects: bool, for_model: bool, asked: dict[str, Any]) -> list[Claimed]:
    rows = session.connection().execute(_leasing(suspects, for_model), asked).all()
    root_ids = {row.root_id for row in rows if row.root_id is not None}
    wanted = session.execute(select(Root.id, Root.path).where(Root.id.in_(root_ids))) if root_ids else ()
    roots = {row.id: row.path for row in wanted}
    content_ids = {row.content_id for row in rows if row.state_if_same is not None}
    known = session.execute(select(Content.id, Content.sha256).where(Content.id.in_(content_ids))) if content_ids else ()
    sha256s = {row.id: row.sha256 for row in known}
    return [
        Claimed(
            row.id,
            row.path,
            row.size,
            row.mtime_ns,
            roots.get(row.root_id),
            row.attempts,
            row.asked_faces,
            row.asked_videos,
            sha256s.get(row.content_id) if row.state_if_same is not None else None,
            row.inode if row.host == this_host() else None,
            row.error_kind == RESTLESS,
        )
        for row in rows
    ]


def _give_up(session: Session, now: datetime, lease_seconds: float, max_attempts: int) -> None:
    reason = f"given up after {max_attempts} tries: each time the worker died or hung with it in hand; `dfscan retry` tries again"
    failed = {"state": State.FAILED, "state_if_same": None, "error_kind": "gave-up", "error": reason, "finished_at": now}
    session.execute(
        update(File)
        .where(_FREE, File.attempts >= max_attempts)
        .values(**failed, lease_owner=None, lease_expires_at=None)
        .execution_options(synchronize_session=False),
        _moments(now, lease_seconds),
    )
