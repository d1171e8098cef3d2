"""Which worker processes there are: they report in, and say when they stop."""

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from .database.engine import Database
from .database.models import Worker
from .database.queries import insert_or_ignore

# A worker shows itself this often; three times as long without a sign, and it counts as gone.
SIGN_SECONDS = 10.0


@dataclass(frozen=True)
class WorkerSeen:
    """A worker as `status` shows it."""

    name: str
    host: str
    pid: int
    device: str
    model: str
    started_at: datetime
    seen_at: datetime


def report_in(database: Database, name: str, *, device: str, model: str, now: datetime) -> None:
    """Record that worker `name` has loaded its model and is about to consume; under a name used before it begins anew."""
    row = {
        "stopped_at": None,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "device": device,
        "model": model,
        "started_at": now,
        "seen_at": now,
    }
    with database.write() as session:
        if not insert_or_ignore(session, Worker, [{"name": name, **row}]):
            session.execute(update(Worker).where(Worker.name == name).values(row))


def show_sign(database: Database, name: str, now: datetime) -> None:
    """Record a sign of life."""
    with database.write() as session:
        session.execute(update(Worker).where(Worker.name == name).values(seen_at=now))


def report_out(database: Database, name: str, now: datetime) -> None:
    """Record that worker `name` has stopped."""
    with database.write() as session:
        session.execute(update(Worker).where(Worker.name == name, Worker.stopped_at.is_(None)).values(stopped_at=now))


def live_workers(database: Database, now: datetime) -> list[WorkerSeen]:
    """Workers that have not stopped and showed themselves lately."""
    since = now - timedelta(seconds=3 * SIGN_SECONDS)
    with database.read() as session:
        query = select(Worker).where(Worker.stopped_at.is_(None), Worker.seen_at >= since).order_by(Worker.id)
        return [
            WorkerSeen(row.name, row.host, row.pid, row.device, row.model, row.started_at, row.seen_at)
            for row in session.scalars(query)
        ]
