"""One `watch` per database: a lock that names its owner, so that one left behind by a dead process is recognised."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from ..base.errors import KnownError
from ..database.engine import Database
from ..database.models import Lock
from ..database.queries import insert_or_ignore

WATCH = "watch"
# An owner on another machine cannot be looked at: without a sign for this long it counts as gone.
SIGN_LIMIT = timedelta(seconds=90)


class AlreadyHeld(KnownError):
    """Another process has the lock."""


@dataclass(frozen=True)
class Holder:
    """A process. `process_started` (seconds since the epoch) tells it from a later one with the same pid."""

    host: str
    pid: int
    process_started: float


def this_process() -> Holder:
    """The process that asks."""
    import psutil  # takes its time, and `status` mostly needs it not

    return Holder(socket.gethostname(), os.getpid(), psutil.Process().create_time())


def acquire(database: Database, purpose: str, holder: Holder, now: datetime) -> None:
    """Take the lock, also from an owner that is dead. Raises AlreadyHeld."""
    row = {**vars(holder), "purpose": purpose, "held_since": now, "seen_at": now}
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


def keep(database: Database, purpose: str, holder: Holder, now: datetime) -> None:
    """Show that the owner lives. Raises AlreadyHeld when another has taken the lock meanwhile (this machine slept long)."""
    mine = (Lock.purpose == purpose, Lock.host == holder.host, Lock.pid == holder.pid)
    with database.write() as session:
        if not session.execute(update(Lock).where(*mine).values(seen_at=now).returning(Lock.id)).all():
            raise AlreadyHeld(f"another `dfscan {purpose}` has taken over this database; this one stops")


def release(database: Database, purpose: str, holder: Holder) -> None:
    """Give the lock back, if it is still this process's."""
    with database.write() as session:
        session.execute(delete(Lock).where(Lock.purpose == purpose, Lock.host == holder.host, Lock.pid == holder.pid))


def current_holder(database: Database, purpose: str, now: datetime) -> Holder | None:
    """Who has the lock and, as far as can be told, lives."""
    with database.read() as session:
        found = session.scalars(select(Lock).where(Lock.purpose == purpose)).one_or_none()
    return None if found is None or _is_stale(found, now) else Holder(found.host, found.pid, found.process_started)


def _is_stale(lock: Lock, now: datetime) -> bool:
    if lock.host != socket.gethostname():
        return abs(now - lock.seen_at) > SIGN_LIMIT
    import psutil

    try:
        return bool(abs(psutil.Process(lock.pid).create_time() - lock.process_started) > 1.0)
    except psutil.Error:
        return True
