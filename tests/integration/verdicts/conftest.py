from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from scanner.database.engine import Database
from scanner.domain.outcomes import ActiveModel, Outcome
from scanner.results.record import record


@pytest.fixture
def write(database: Database, model: ActiveModel, now: datetime) -> Callable[..., None]:
    """`write(outcomes..., owner=)`: record them a second after `now`."""

    def call(*outcomes: Outcome, owner: str = "worker", model: ActiveModel = model) -> None:
        record(database, owner, outcomes, model, device="cpu", now=now + timedelta(seconds=1))

    return call


@pytest.fixture
def count(database: Database) -> Callable[[type], int]:
    """How many rows a table has."""

    def call(table: type) -> int:
        with database.read() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    return call
