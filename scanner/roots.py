"""The watched folders."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from .database.engine import Database
from .database.models import Root
from .database.queries import insert_or_ignore
from .errors import KnownError


class NoRoot(KnownError):
    """There is no folder to watch, or a path is none."""


@dataclass(frozen=True)
class WatchedRoot:
    """A watched folder; `swept_at` is when all below it was last compared with the database."""

    id: int
    path: str
    swept_at: datetime | None


def add_roots(database: Database, paths: Sequence[str], now: datetime) -> list[WatchedRoot]:
    """Remember `paths` (absolute) as roots, and return them. Raises NoRoot."""
    for path in paths:
        if not os.path.isdir(path):
            raise NoRoot(f"{path} is not a folder; only folders can be watched")
    with database.write() as session:
        insert_or_ignore(session, Root, [{"path": path, "added_at": now} for path in paths])
    return [root for root in known_roots(database) if root.path in paths]


def known_roots(database: Database) -> list[WatchedRoot]:
    """All remembered roots."""
    with database.read() as session:
        return [WatchedRoot(row.id, row.path, row.swept_at) for row in session.scalars(select(Root).order_by(Root.path))]


def outermost(roots: Sequence[WatchedRoot]) -> list[WatchedRoot]:
    """`roots` without those that lie inside another one, which covers them."""
    kept: list[WatchedRoot] = []
    for root in sorted(roots, key=lambda root: len(root.path)):
        if not any(root_of(root.path, [outer]) for outer in kept):
            kept.append(root)
    return kept


def root_of(path: str, roots: Sequence[WatchedRoot]) -> WatchedRoot | None:
    """The root that `path` lies under."""
    return next((root for root in roots if path == root.path or path.startswith(os.path.join(root.path, ""))), None)


def mark_swept(database: Database, root: WatchedRoot, now: datetime) -> None:
    """Record that a full sweep of `root` has ended."""
    with database.write() as session:
        session.execute(update(Root).where(Root.id == root.id).values(swept_at=now))
