"""Files and a model in the database, put there by the program's own functions."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from scanner.database.engine import Database, open_database
from scanner.database.models import File
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Scored
from scanner.jobs.leases import claim
from scanner.quarantine.journal import Journal
from scanner.quarantine.safe_move import identify
from scanner.results.record import record, register_model

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def sqlite(tmp_path: Path, current_sqlite: Callable[[Path], str]) -> Iterator[Database]:
    """An empty SQLite database, for what is of SQLite alone."""
    opened = open_database(current_sqlite(tmp_path / "test.sqlite"))
    yield opened
    opened.close()


@pytest.fixture
def now() -> datetime:
    """A moment; nothing in these tests asks the clock."""
    return NOW


@pytest.fixture
def pend(database: Database) -> Callable[..., None]:
    """`pend(paths..., now=, size=, mtime_ns=)`: take in files that are to be scored. Later paths have later times."""

    def take(*paths: str, now: datetime = NOW, size: int = 10, mtime_ns: int = 1000) -> None:
        entries = [Found(path, size, mtime_ns + number) for number, path in enumerate(paths)]
        take_in(database, entries, root_id=None, now=now)

    return take


@pytest.fixture
def lease(database: Database) -> Callable[..., list[Claimed]]:
    """`lease(owner, limit, now=, max_attempts=)`: claim for 60 seconds."""

    def take(owner: str = "worker", limit: int = 100, *, now: datetime = NOW, max_attempts: int = 3) -> list[Claimed]:
        return claim(database, owner, limit, now=now, lease_seconds=60, max_attempts=max_attempts)

    return take


@pytest.fixture
def row(database: Database) -> Callable[[str], File]:
    """`row(path)`: what the database holds of one file now."""

    def read(path: str) -> File:
        with database.read() as session:
            return session.scalars(select(File).where(File.path == path)).one()

    return read


@pytest.fixture
def model(database: Database) -> ActiveModel:
    """A registered model with the threshold 0.75 and a band from 0.5 on."""
    return register_model(database, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=NOW)


@pytest.fixture
def journal(database: Database, tmp_path: Path, now: datetime) -> Journal:
    """Where removals are written down."""
    return Journal(database, tmp_path / "removals.lock", lambda: now)


@pytest.fixture
def picture(database: Database, lease, model: ActiveModel, tmp_path: Path, now: datetime) -> Callable[[str], tuple[Path, int]]:
    """`picture(name)`: a file on the disk that has a verdict, and its id. Its times are long ago."""

    def make(name: str) -> tuple[Path, int]:
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(3000))
        os.utime(path, ns=(1_000_000_000_111, 1_500_000_000_222))
        path.chmod(0o640)
        status = path.stat()
        take_in(database, [Found(str(path), status.st_size, status.st_mtime_ns)], root_id=None, now=now)
        [file] = lease()
        content = ContentFacts(identify(str(path)).sha256, status.st_size)
        record(database, "worker", [Scored(file, content, 0.9, 0.1)], model, device="cpu", now=now)
        os.utime(path, ns=(1_000_000_000_111, 1_500_000_000_222))
        return path, file.id

    return make
