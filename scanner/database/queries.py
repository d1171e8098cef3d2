"""Pieces of SQL that several modules need."""

import os
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from .models import Base, File


def insert_or_ignore(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert `rows`, leaving those alone that would break a unique constraint: someone else was quicker."""
    # Imported here: each takes its time, and only one is needed, if any.
    if session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    session.execute(insert(table).on_conflict_do_nothing(), list(rows))


def under(path: str) -> ColumnElement[bool]:
    """The file `path` itself, or everything below it if it is a folder: one range of the unique index."""
    if path.endswith(os.sep):  # the top of a file system
        return and_(File.path >= path, File.path < path[:-1] + chr(ord(os.sep) + 1))
    return or_(File.path == path, and_(File.path >= path + os.sep, File.path < path + chr(ord(os.sep) + 1)))


def any_of(paths: Sequence[str]) -> ColumnElement[bool]:
    """`under` for several paths; those that are plain files go into one IN, so that thousands may be named."""
    folders = [path for path in paths if os.path.isdir(path)]
    files = sorted(set(paths) - set(folders))
    return or_(*(under(folder) for folder in folders), File.path.in_(files))
