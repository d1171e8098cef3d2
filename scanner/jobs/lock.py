"""One `watch` per database: a lock that names its owner, so that one left behind by a dead process is recognised."""

import os
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update

from ..base.errors import KnownError
from ..base.machine import this_boot, this_host, this_namespace
from ..database.engine import Database
from ..database.models import Lock
from ..database.queries import insert_or_ignore

WATCH = "watch"
# An owner that cannot be looked at (on another machine, in another container) counts as gone without a sign for this long.
SIGN_LIMIT = timedelta(seconds=90)
# How often an owner shows itself.
KEEP_SECONDS = 30.0
# Seconds by which a process's start may be told differently.
_SAME_START = 1.0


class AlreadyHeld(KnownError):
    """Another process has the lock."""


@dataclass(frozen=True)
class Holder:
    """A process. `process_started` (seconds since the epoch) tells it from a later one with the same pid.

    A pid means something on one start (`boot`) of one machine only, and there in one `namespace`.
    """

    host: str
    pid: int
    process_started: float
    boot: str | None = None
    namespace: str | None = None


def this_process() -> Holder:
    """The process that asks."""
    import psutil  # takes its time, and `status` mostly needs it not

    return Holder(this_host(), os.getpid(), psutil.Process().create_time(), this_boot(), this_namespace())


def acquire(database: Database, purpose: str, holder: Holder, now: datetime) -> None:
    """Take the lock, also from an owner that is dead. Raises AlreadyHeld."""
    row = {**asdict(holder), "purpose": purpose, "held_since": now, "seen_at": now}
    with database.write() as session:
        found = session.scalars(select(Lock).where(Lock.purpose == purpose).with_for_update()).one_or_none()
        if found is not None and not _is_stale(found, now):
            raise AlreadyHeld(
                f"`dfscan {purpose}` runs on this database already: process {found.pid} on {found.host}, "
                f"since {found.held_since.astimezone():%Y-%m-%d %H:%M}. Name its folders there, or stop it first"
            )
        if found is not None:
            session.delete(found)
            session.flush()
        if not insert_or_ignore(session, Lock, [row]):
            raise AlreadyHeld(f"`dfscan {purpose}` was just started by another process; stop it first")


def keep(database: Database, purpose: str, holder: Holder, now: datetime) -> bool:
    """Show that the owner lives. Raises AlreadyHeld when another has taken the lock meanwhile (this machine slept long).

    False where there was no lock at all, as in a database that was made anew: then it is taken again.
    """
    with database.write() as session:
        if session.execute(update(Lock).where(*_is(purpose, holder)).values(seen_at=now).returning(Lock.id)).all():
            return True
        if session.scalar(select(Lock.id).where(Lock.purpose == purpose)) is not None:
            raise AlreadyHeld(f"another `dfscan {purpose}` has taken over this database; this one stops")
    acquire(database, purpose, holder, now)
    return False


def release(database: Database, purpose: str, holder: Holder) -> None:
    """Give the lock back, if it is still this process's."""
    with database.write() as session:
        session.execute(delete(Lock).where(*_is(purpose, holder)))


def _is(purpose: str, holder: Holder) -> list[ColumnElement[bool]]:
    """The lock as this very process holds it: in containers, names of hosts and pids come again."""
    same = [Lock.boot.is_not_distinct_from(holder.boot), Lock.namespace.is_not_distinct_from(holder.namespace)]
    near = func.abs(Lock.process_started - holder.process_started) < _SAME_START
    return [Lock.purpose == purpose, Lock.host == holder.host, Lock.pid == holder.pid, near, *same]


def current_holder(database: Database, purpose: str, now: datetime) -> Holder | None:
    """Who has the lock and, as far as can be told, lives."""
    with database.read() as session:
        found = session.scalars(select(Lock).where(Lock.purpose == purpose)).one_or_none()
    if found is None or _is_stale(found, now):
        return None
    return Holder(found.host, found.pid, found.process_started, found.boot, found.namespace)


def _is_stale(lock: Lock, now: datetime) -> bool:
    if (lock.host, lock.boot, lock.namespace) != (this_host(), this_boot(), this_namespace()):
        return abs(now - lock.seen_at) > SIGN_LIMIT
    import psutil

    try:
        return bool(abs(psutil.Process(lock.pid).create_time() - lock.process_started) > _SAME_START)
    except psutil.Error:
        return True
