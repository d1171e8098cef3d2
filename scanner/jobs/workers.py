"""Which worker processes there are, and their names: they report in, and say when they stop."""

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from ..database.engine import Database
from ..database.models import Worker
from ..database.queries import insert_or_ignore

# A worker shows itself this often; three times as long without a sign, and it counts as gone.
SIGN_SECONDS = 30.0
# What is older says nothing to anyone.
FORGET_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class LiveWorker:
    """A worker as `status` shows it; `trouble` is what keeps it from working now, if anything does."""

    name: str
    host: str
    pid: int
    device: str
    model: str
    started_at: datetime
    seen_at: datetime
    trouble: str | None = None
    model_sha256: str | None = None


def report_in(database: Database, name: str, *, device: str, model: str, now: datetime, model_sha256: str | None = None) -> None:
    """Record that worker `name` has loaded its model and is about to consume; under a name used before it begins anew.

    Rows of workers that are long gone are removed.
    """
    row = {
        "stopped_at": None,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "device": device,
        "model": model,
        "started_at": now,
        "seen_at": now,
        "trouble": None,
        "model_sha256": model_sha256,
    }
    with database.write() as session:
        session.execute(delete(Worker).where(Worker.seen_at < now - FORGET_AFTER))
        if not insert_or_ignore(session, Worker, [{"name": name, **row}]):
            session.execute(update(Worker).where(Worker.name == name).values(row))


def show_sign(database: Database, name: str, now: datetime) -> bool:
    """Record a sign of life; False where the database does not know the worker (any more)."""
    with database.write() as session:
        shown = update(Worker).where(Worker.name == name).values(seen_at=now).returning(Worker.id)
        return bool(session.execute(shown).all())


def note_trouble(database: Database, name: str, trouble: str | None) -> None:
    """Record what keeps worker `name` from working, or that nothing does any more."""
    with database.write() as session:
        session.execute(update(Worker).where(Worker.name == name).values(trouble=trouble))


def find_worker(database: Database, name: str) -> LiveWorker | None:
    """Worker `name`, if it has reported in and has not stopped."""
    with database.read() as session:
        row = session.scalars(select(Worker).where(Worker.name == name, Worker.stopped_at.is_(None))).one_or_none()
        return None if row is None else _seen(row)


def report_out(database: Database, name: str, now: datetime) -> None:
    """Record that worker `name` has stopped."""
    with database.write() as session:
        session.execute(update(Worker).where(Worker.name == name, Worker.stopped_at.is_(None)).values(stopped_at=now))


def live_workers(database: Database, now: datetime) -> list[LiveWorker]:
    """Workers that have not stopped and showed themselves lately."""
    # Both ways, as a clock may have been set back since.
    since, until = now - timedelta(seconds=3 * SIGN_SECONDS), now + timedelta(seconds=3 * SIGN_SECONDS)
    with database.read() as session:
        query = select(Worker).where(Worker.stopped_at.is_(None), Worker.seen_at.between(since, until)).order_by(Worker.id)
        return [_seen(row) for row in session.scalars(query)]


def _seen(row: Worker) -> LiveWorker:
    return LiveWorker(
        row.name, row.host, row.pid, row.device, row.model, row.started_at, row.seen_at, row.trouble, row.model_sha256
    )


def worker_name() -> str:
    """Host, process and a random part: unique over machines and over time, and still readable in `status`."""
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
