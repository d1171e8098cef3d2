"""Opening the database, and the two kinds of transactions on it."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, func, make_url, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from ..base.access.private import make_missing
from ..base.addresses.redaction import without_password
from ..base.addresses.sqlite_urls import sqlite_path
from ..base.errors import KnownError
from ..base.files import FILE_MODE
from ..base.troubles import Kind, Trouble
from .columns import UtcDateTime
from .hamming import bits_apart_or_null
from .troubles import classified, misses_rows

BUSY_SECONDS = 30
LOG_BYTES = 16 << 20
# SQLite's own 2 MB have one page of the queue read the same pages of the file again and again.
_CACHE_KIB = 16 << 10
# No prepared statements, which a pooler such as pgbouncer may give to another session; and one encoding, whatever the
# environment says (PGCLIENTENCODING).
_POSTGRES = {"prepare_threshold": None, "client_encoding": "utf8"}


class DatabaseUnavailable(KnownError):
    """The database cannot be opened, reached or used as it is; `kind` says whether that passes by itself."""

    kind = Kind.PERMANENT


class DatabaseChanged(DatabaseUnavailable):
    """The database is another one than this process has begun with: what it knows of it (the ids of rows) holds no more."""


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

    def now(self) -> datetime:
        """The time by the one clock that all who use the database share: the server's, or this machine's for a file."""
        if self.engine.dialect.name == "sqlite":
            return datetime.now(UTC)
        with self.read() as session:
            moment: datetime = session.scalars(select(func.clock_timestamp(type_=UtcDateTime()))).one()
            return moment

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
        # It is not shown: where a password begins and ends in it, cannot be told.
        raise DatabaseUnavailable(
            "the database URL cannot be understood; correct DFSCAN_DATABASE_URL, or give its parts (DFSCAN_DATABASE_HOST, "
            "_NAME, _USER, _PASSWORD), in which a password may hold any character"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _on_sqlite(create_engine("sqlite://"), _prepare_sqlite)  # in memory
    if parsed.get_backend_name() == "postgresql":
        return Database(create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args=_POSTGRES))
    raise DatabaseUnavailable("only sqlite:///FILE and postgresql://... are supported; correct DFSCAN_DATABASE_URL")


def _open_sqlite(file: Path) -> Database:
    _make_private_folder(file.parent)
    url = URL.create("sqlite", database=str(file))
    if not file.exists() or is_writable(file):
        _make_private_file(file)
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        database = _on_sqlite(engine, _prepare_sqlite)
        _notice_replacement(engine, file)
        return database
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
        make_missing(folder)
    except OSError as error:
        raise DatabaseUnavailable(
            f"the data folder {folder} cannot be made: {error.strerror}. Choose another with DFSCAN_DATA_DIR"
        ) from None


def _make_private_file(file: Path) -> None:
    """SQLite gives what it keeps beside a database the mode of that."""
    with suppress(OSError):  # it is there, or SQLite says what is wrong
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))


def _prepare_reading(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
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


def _notice_replacement(engine: Engine, file: Path) -> None:
    """A connection goes on with a file that was moved away or deleted, and what it writes there is lost."""

    def note(_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(file)

    def compare(connection: Connection) -> None:
        if connection.info.get("file") != _identity(file):
            connection.invalidate()
            engine.dispose()
            raise DatabaseChanged(f"the database {file} is not the file that it was: it was deleted, or another put in its place")

    event.listen(engine, "connect", note)
    event.listen(engine, "begin", compare)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("dfscan_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def known_errors(engine: Engine) -> Iterator[None]:
    """Turn what passes, or what the machine's owner can mend, into DatabaseUnavailable; bugs stay what they are."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        where = shown_name(engine)
        if misses_rows(error):
            said = " ".join(str(getattr(error, "orig", error)).split())
            raise DatabaseChanged(
                f"the database {where} lacks rows that it had ({said}): it was made anew, or put back"
            ) from error
        trouble = classified(error)
        if trouble.kind is Kind.BUG:
            raise
        raise _unavailable(where, error, trouble) from error


def shown_name(engine: Engine) -> str:
    """The database's file, or its URL without the password."""
    return str(engine.url.database) if engine.url.get_backend_name() == "sqlite" else without_password(str(engine.url))


def _unavailable(where: str, error: exc.SQLAlchemyError, trouble: Trouble) -> DatabaseUnavailable:
    # One line: libpq adds others for each address that it tried.
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    advice = f"; {trouble.advice}" if trouble.advice else ""
    unavailable = DatabaseUnavailable(f"the database {where} cannot be used: {said}{advice}")
    unavailable.kind = trouble.kind
    return unavailable
