"""Filters of the review queue that people keep under a name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from ..database.engine import Database
from ..database.models import SavedFilter
from .criteria import Criteria


@dataclass(frozen=True)
class NamedCriteria:
    """A saved filter; `Criteria.from_json` reads its document."""

    name: str
    document: dict[str, Any]


def save_filter(database: Database, name: str, criteria: Criteria, now: datetime) -> None:
    """Keep `criteria` under `name`; one of that name is replaced."""
    with database.write() as session:
        session.execute(delete(SavedFilter).where(SavedFilter.name == name))
        session.add(SavedFilter(name=name, criteria=criteria.to_json(), saved_at=now))


def delete_filter(database: Database, name: str) -> None:
    """Forget a saved filter."""
    with database.write() as session:
        session.execute(delete(SavedFilter).where(SavedFilter.name == name))


def saved_filters(database: Database) -> tuple[NamedCriteria, ...]:
    """All saved filters by name."""
    with database.read() as session:
        rows = session.scalars(select(SavedFilter).order_by(SavedFilter.name))
        return tuple(NamedCriteria(row.name, row.criteria) for row in rows)
