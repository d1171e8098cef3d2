"""One classification of the errors of both databases: whoever uses `Database` meets DatabaseUnavailable, or a bug."""

import sqlite3

from sqlalchemy import exc

from ..base.troubles import BUG, TRANSIENT, Kind, Trouble

_DAMAGED = "`dfscan scan` and `dfscan watch` keep a damaged one aside, `dfscan db restore` puts a backup back"
_OTHER_TABLES = "its tables are not those of this program (a database made anew, or of another version?): run `dfscan db upgrade`"
_FOLDER = "mend that, or choose another with DFSCAN_DATA_DIR"
# By SQLite's primary result code (https://sqlite.org/rescode.html).
_SQLITE = {
    sqlite3.SQLITE_BUSY: TRANSIENT,
    sqlite3.SQLITE_LOCKED: TRANSIENT,
    sqlite3.SQLITE_PROTOCOL: TRANSIENT,
    sqlite3.SQLITE_INTERRUPT: TRANSIENT,
    sqlite3.SQLITE_NOMEM: Trouble(Kind.TRANSIENT, "there is too little memory; end other programs"),
    sqlite3.SQLITE_FULL: Trouble(
        Kind.TRANSIENT, "free space on its disk; what is stored is safe, and what was not is done again"
    ),
    sqlite3.SQLITE_IOERR: Trouble(Kind.TRANSIENT, "look at its disk (full, or failing?); what is stored is safe"),
    sqlite3.SQLITE_READONLY: Trouble(Kind.PERMANENT, f"its folder cannot be written; {_FOLDER}"),
    sqlite3.SQLITE_PERM: Trouble(Kind.PERMANENT, f"its file may not be used; {_FOLDER}"),
    sqlite3.SQLITE_AUTH: Trouble(Kind.PERMANENT, f"its file may not be used; {_FOLDER}"),
    sqlite3.SQLITE_CANTOPEN: Trouble(Kind.PERMANENT, f"its folder cannot be written or read; {_FOLDER}"),
    sqlite3.SQLITE_CORRUPT: Trouble(Kind.PERMANENT, _DAMAGED),
    sqlite3.SQLITE_NOTADB: Trouble(Kind.PERMANENT, _DAMAGED),
}
_FOREIGN_KEY_OF_SQLITE = 787
_READ_ONLY = (
    "it only reads (a standby, or read-only by its settings): make it writable, or name the primary in DFSCAN_DATABASE_URL"
)
_RIGHTS = "its owner has to grant this user SELECT, INSERT, UPDATE and DELETE on all tables, and USAGE on all sequences"
_POOLER = "a pooler in between mixes sessions up; let it pool by session, or connect to the server itself"
# By Postgres' SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html): a code, or the class it begins with.
_POSTGRES = {
    "08": TRANSIENT,  # connections
    "40": TRANSIENT,  # serialisation, deadlocks
    "53": TRANSIENT,  # resources
    "53100": Trouble(Kind.TRANSIENT, "free space on the server's disk"),
    "53300": Trouble(Kind.TRANSIENT, "the server has too many connections; raise max_connections, or start fewer workers"),
    "55": TRANSIENT,  # not now
    "57": TRANSIENT,  # shut down, cancelled
    "57P04": Trouble(Kind.PERMANENT, "make it again, then run `dfscan db upgrade`"),
    "58": TRANSIENT,  # the server's own disk
    "25P03": TRANSIENT,  # idle for too long
    "25P04": TRANSIENT,
    "25006": Trouble(Kind.PERMANENT, _READ_ONLY),
    "28": Trouble(Kind.PERMANENT, "look at user and password in DFSCAN_DATABASE_URL"),
    "3D": Trouble(Kind.PERMANENT, "make it again, then run `dfscan db upgrade`"),
    "3F": Trouble(Kind.PERMANENT, _OTHER_TABLES),
    "42501": Trouble(Kind.PERMANENT, _RIGHTS),
    "42P01": Trouble(Kind.PERMANENT, _OTHER_TABLES),
    "42703": Trouble(Kind.PERMANENT, _OTHER_TABLES),
    "42P05": Trouble(Kind.PERMANENT, _POOLER),
    "26000": Trouble(Kind.PERMANENT, _POOLER),
    "22P05": Trouble(Kind.PERMANENT, "its encoding lacks letters of a file's name: make it anew with ENCODING 'UTF8'"),
    "22021": Trouble(Kind.PERMANENT, "its encoding is not UTF-8: make it anew with ENCODING 'UTF8'"),
    "XX001": Trouble(Kind.PERMANENT, "the server's data is damaged; restore a backup of it"),
    "XX002": Trouble(Kind.PERMANENT, "an index of the server is damaged; REINDEX it"),
}
_FOREIGN_KEY_OF_POSTGRES = "23503"


def classified(error: exc.SQLAlchemyError) -> Trouble:
    """What `error` of SQLAlchemy means."""
    if isinstance(error, exc.TimeoutError):  # of the pool of connections
        return TRANSIENT
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original)
    if not isinstance(error, exc.DBAPIError):
        return BUG
    return _of_postgres(error)


def misses_rows(error: exc.SQLAlchemyError) -> bool:
    """Whether what was written refers to rows that this process has seen and that are gone: the database is another one."""
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", 0) == _FOREIGN_KEY_OF_SQLITE
    return getattr(original, "sqlstate", None) == _FOREIGN_KEY_OF_POSTGRES


def _of_sqlite(error: sqlite3.Error) -> Trouble:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_ERROR and str(error).startswith(("no such table", "no such column")):
        return Trouble(Kind.PERMANENT, _OTHER_TABLES)
    return _SQLITE.get(code, BUG)


def _of_postgres(error: exc.DBAPIError) -> Trouble:
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # psycopg itself: a connection that cannot be made, or is lost; anything else is a wrong call of ours
        is_lost = isinstance(error, exc.OperationalError) or error.connection_invalidated
        if is_lost and "does not exist" in str(error.orig):
            return _POSTGRES["3D"]
        return TRANSIENT if is_lost else BUG
    return _POSTGRES.get(state) or _POSTGRES.get(state[:2]) or BUG
