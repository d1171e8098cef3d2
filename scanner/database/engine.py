"""Opening the database, and the two kinds of transactions on it."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.orm import Session

from ..base.errors import KnownError
from ..base.settings import without_password
from ..base.sqlite_urls import sqlite_path
from .hamming import bits_apart_or_null

BUSY_SECONDS = 30
LOG_BYTES = 16 << 20


class DatabaseUnavailable(KnownError):
    """The database cannot be opened or reached."""


@dataclass(frozen=True)
class Database:
    """An engine, and sessions on it. Keep write transactions short: SQLite has one writer."""

    engine: Engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads; sees one moment."""
        with known_errors(self.engine), Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or not at all.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE): a read that turns into a write would fail instead of waiting.
        """
        writing = self.engine.execution_options(dfscan_write=True)
        with known_errors(self.engine), Session(writing, expire_on_commit=False) as session, session.begin():
            yield session

    @property
    def file(self) -> Path | None:
        """The file of SQLite; None in memory, or with a server."""
        url = self.engine.url
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    def close(self) -> None:
        """Close pooled connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open the database at a SQLAlchemy `url`: SQLite, or Postgres through psycopg 3. Raises DatabaseUnavailable."""
    file = sqlite_path(url)
    if file is not None:
        return _open_sqlite(file)
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise DatabaseUnavailable(
            f"the database URL {without_password(url)!r} cannot be understood; see DFSCAN_DATABASE_URL"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _on_sqlite(create_engine("sqlite://"), _prepare_sqlite)  # in memory
    if parsed.get_backend_name() == "postgresql":
        return Database(create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True))
    raise DatabaseUnavailable(f"{without_password(url)}: only sqlite and postgresql databases are supported")


def _open_sqlite(file: Path) -> Database:
    _make_private_folder(file.parent)
    url = URL.create("sqlite", database=str(file))
    if not file.exists() or is_writable(file):
        return _on_sqlite(create_engine(url, connect_args={"timeout": BUSY_SECONDS}), _prepare_sqlite)
    # A file that no one changes needs no log beside it; where there is one, others write.
    in_use = file.with_name(f"{file.name}-wal")
    mode = "mode=ro" if in_use.exists() and in_use.stat().st_size else "mode=ro&immutable=1"

    def connect() -> sqlite3.Connection:
        named = f"file:{quote(str(file))}?{mode}"
        return sqlite3.connect(named, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)

    return _on_sqlite(create_engine(url, creator=connect), _prepare_reading)


def is_writable(file: Path) -> bool:
    """Whether a SQLite file can be written, for which its folder must be, too."""
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def _on_sqlite(engine: Engine, prepare: Callable[[sqlite3.Connection, object], None]) -> Database:
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_sqlite)
    return Database(engine)


def _make_private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(
            f"the data folder {folder} cannot be made: {error.strerror}. Choose another with DFSCAN_DATA_DIR"
        ) from None


def _prepare_reading(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    connection.create_function("bits_apart", 2, bits_apart_or_null, deterministic=True)


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    _prepare_reading(connection, record)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(
        "PRAGMA synchronous = NORMAL"
    )  # with WAL: survives a killed process; a power cut may cost the last commits, not the file
    cursor.execute("PRAGMA foreign_keys = ON")
    # What a long read has made the log grow to is given back.
    cursor.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("dfscan_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def known_errors(engine: Engine) -> Iterator[None]:
    """Turn what the machine's owner can mend (no server, no disk, no permission) into a KnownError."""
    try:
        yield
    except exc.DatabaseError as error:
        # Of its kinds, only these speak of the machine; SQLite has the plain one for a file that is none of its own.
        if type(error) not in (exc.OperationalError, exc.DatabaseError):
            raise
        where = engine.url.database if engine.url.get_backend_name() == "sqlite" else without_password(str(engine.url))
        raise DatabaseUnavailable(f"the database {where} cannot be used: {error.orig}{_next_step(error.orig)}") from error


def _next_step(error: BaseException | None) -> str:
    """What to do about an error of SQLite, by its primary result code (https://sqlite.org/rescode.html)."""
    damaged = "`dfscan scan` and `dfscan watch` keep a damaged one aside, `dfscan db restore` puts a backup back"
    steps = {
        sqlite3.SQLITE_FULL: "free space on its disk; what is stored is safe, and what was not is done again",
        sqlite3.SQLITE_IOERR: "look at its disk (full, or failing?); what is stored is safe",
        sqlite3.SQLITE_READONLY: "its folder cannot be written; mend that, or choose another with DFSCAN_DATA_DIR",
        sqlite3.SQLITE_CANTOPEN: "its folder cannot be written or read; mend that, or choose another with DFSCAN_DATA_DIR",
        sqlite3.SQLITE_CORRUPT: damaged,
        sqlite3.SQLITE_NOTADB: damaged,
    }
    step = steps.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return f"; {step}" if step else ""
