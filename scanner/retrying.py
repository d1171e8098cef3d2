"""Giving failed files another chance."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update

from .database.engine import Database
from .database.models import File, State
from .database.queries import any_of
from .intake import UNREADABLE_FOLDER


def retry_failed(database: Database, *, paths: Sequence[str], kind: str | None, now: datetime) -> int:
    """Make failed files (under `paths`, of one error kind) pending with no attempts behind them; returns how many.

    Folders that could not be read are no files: the next sweep looks at them anyway.
    """
    statement = update(File).where(File.state == State.FAILED, File.error_kind != UNREADABLE_FOLDER)
    if paths:
        statement = statement.where(any_of(paths))
    if kind:
        statement = statement.where(File.error_kind == kind)
    values = {"state": State.PENDING, "pending_since": now, "attempts": 0, "error": None, "error_kind": None, "finished_at": None}
    with database.write() as session:
        return len(session.execute(statement.values(values).returning(File.id)).all())
