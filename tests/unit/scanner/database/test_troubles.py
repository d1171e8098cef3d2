"""What errors of the databases mean: what passes, what someone has to mend, and what is a bug."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, exc, text

from scanner.base.troubles import Kind
from scanner.database import schema
from scanner.database.engine import DatabaseChanged, DatabaseUnavailable, open_database
from scanner.database.troubles import classified


class _Answer(Exception):
    """An error of Postgres, by its code."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("what the server said")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("wrapped", "code", "kind", "advice"),
    [
        (exc.OperationalError, "57P01", Kind.TRANSIENT, ""),
        (exc.OperationalError, "53300", Kind.TRANSIENT, "max_connections"),
        (exc.OperationalError, None, Kind.TRANSIENT, ""),
        (exc.OperationalError, "40P01", Kind.TRANSIENT, ""),
        (exc.InternalError, "25006", Kind.PERMANENT, "primary"),
        (exc.ProgrammingError, "42501", Kind.PERMANENT, "grant"),
        (exc.ProgrammingError, "42P01", Kind.PERMANENT, "db upgrade"),
        (exc.ProgrammingError, "42P05", Kind.PERMANENT, "pooler"),
        (exc.DataError, "22P05", Kind.PERMANENT, "UTF8"),
        (exc.ProgrammingError, "42601", Kind.BUG, ""),
        (exc.DataError, "22003", Kind.BUG, ""),
        (exc.ProgrammingError, None, Kind.BUG, ""),
    ],
)
def test_answers_of_postgres(wrapped: type[exc.DBAPIError], code: str | None, kind: Kind, advice: str) -> None:
    found = classified(wrapped("SELECT 1", {}, _Answer(code)))
    assert found.kind is kind
    assert advice in found.advice


def test_a_wrong_statement_of_ours_is_a_bug_on_sqlite_too(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    schema.upgrade(database)
    with pytest.raises(exc.OperationalError, match="syntax"), database.read() as session:
        session.execute(text("SELEKT 1"))
    with pytest.raises(DatabaseUnavailable, match="db upgrade"), database.read() as session:
        session.execute(text("SELECT * FROM nowhere"))
    database.close()


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR])
def test_trouble_of_a_disk_passes(code: int) -> None:
    error = sqlite3.OperationalError("said")
    error.sqlite_errorcode = code
    assert classified(exc.OperationalError("SELECT 1", {}, error)).kind is Kind.TRANSIENT


@pytest.mark.parametrize("becomes", ["deleted", "replaced"])
def test_a_database_whose_file_is_another_one_is_written_no_more(tmp_path: Path, becomes: str) -> None:
    """Without that, everything would go into a file that has no name any more."""
    file = tmp_path / "a.sqlite"
    database = open_database(f"sqlite:///{file}")
    schema.upgrade(database)
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    if becomes == "replaced":
        other = open_database(f"sqlite:///{file}")
        schema.upgrade(other)
        other.close()
    with pytest.raises(DatabaseChanged, match="another put in its place"), database.write() as session:
        session.execute(text("DELETE FROM files"))
    database.close()


def test_a_pool_that_is_used_up_is_no_bug(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a'}", pool_size=1, max_overflow=0, pool_timeout=0)
    with engine.connect(), pytest.raises(exc.TimeoutError) as found:
        engine.connect()
    assert classified(found.value).kind is Kind.TRANSIENT
    engine.dispose()
