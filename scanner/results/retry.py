"""Giving failed files another chance."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update

from ..database.engine import Database
from ..database.models import File
from ..database.queries import any_of
from ..discovery.intake import UNREADABLE_FOLDER
from ..domain.states import State


def retry_failed(database: Database, *, paths: Sequence[str], kind: str | None, now: datetime) -> int:
    """Make failed files (under `paths`, of one error kind) pending with no attempts behind them; returns how many.

    Folders that could not be read are no files: the next sweep looks at them anyway.
    """
    statement = update(File).where(*_failed(paths))
    if kind:
        statement = statement.where(File.error_kind == kind)
    values = {"state": State.PENDING, "pending_since": now, "attempts": 0, "error": None, "error_kind": None, "finished_at": None}
    with database.write() as session:
        return len(session.execute(statement.values(values).returning(File.id)).all())


def failed_kinds(database: Database, *, paths: Sequence[str]) -> dict[str, int]:
    """What there is to retry: how many failed files (under `paths`) there are of each error kind."""
    with database.read() as session:
        query = select(File.error_kind, func.count()).where(*_failed(paths)).group_by(File.error_kind).order_by(File.error_kind)
        return {str(kind): count for kind, count in session.execute(query)}


def _failed(paths: Sequence[str]) -> list[ColumnElement[bool]]:
    failed = [File.state == State.FAILED, File.error_kind != UNREADABLE_FOLDER]
    return [*failed, any_of(paths)] if paths else failed
