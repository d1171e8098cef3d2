"""Files of every status, as a report shows them."""

from collections.abc import Callable
from datetime import datetime

import pytest

from scanner.database.engine import Database
from scanner.discovery.intake import mark_missing_path, take_in
from scanner.discovery.walk import Skipped
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Failed, Scored
from scanner.results.record import record

Lease = Callable[..., list[Claimed]]
Pend = Callable[..., None]


@pytest.fixture
def score(database: Database, pend: Pend, lease: Lease, model: ActiveModel, now: datetime) -> Callable[..., None]:
    """`score(path, value, now=)`: a file of its own content, taken in and scored."""

    def call(path: str, value: float, now: datetime = now, model: ActiveModel = model) -> None:
        pend(path, now=now)
        [file] = lease(now=now)
        facts = ContentFacts(f"{file.id:064x}", 10)
        record(database, "worker", [Scored(file, facts, value, 0.1)], model, device="cpu", now=now)

    return call


@pytest.fixture
def one_of_each(
    database: Database, pend: Pend, lease: Lease, score: Callable[..., None], model: ActiveModel, now: datetime
) -> None:
    """A file of every status; its name is its status."""
    score("/uncertain", 0.6)
    score("/fake", 0.9)
    score("/real", 0.1)
    pend("/failed", "/missing")
    missing, failed = sorted(lease(), key=lambda file: file.path, reverse=True)
    empty = Failed(failed, "empty", "empty: the file has 0 bytes", ContentFacts("ee" * 32, 0))
    record(database, "worker", [empty], model, device="cpu", now=now)
    mark_missing_path(database, missing.path, now=now)
    pend("/pending")
    take_in(database, [Skipped("/skipped", "not a regular file but a FIFO")], root_id=None, now=now)
