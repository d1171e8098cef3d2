"""The transaction that changes a schema.

SQLite cannot alter most things: alembic makes a new table, copies the rows and drops the old one. While keys are enforced that
fails where other rows hang on these, and while SQLite follows names, renaming fails where a view shows them. Both are set
aside meanwhile, as https://sqlite.org/lang_altertable.html describes, and what the keys demand is proven before the commit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from ..base.errors import KnownError
from .engine import Database, known_errors


class SchemaError(KnownError):
    """The database's schema is not the one this program needs."""


@contextmanager
def migration(database: Database) -> Iterator[Connection]:
    """A connection in one write transaction that may change tables, committed at the end of the block, or not at all.

    Raises SchemaError when rows would refer to others that are not there, unless they did so before.
    """
    engine = database.engine.execution_options(dfscan_write=True)
    with known_errors(database.engine), engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        _enforce_keys(connection, enforced=False)  # has no effect within a transaction
        try:
            with connection.begin():
                before = _dangling(connection)
                yield connection
                _demand_no_others(before, _dangling(connection))
        finally:
            _enforce_keys(connection, enforced=True)


def _enforce_keys(connection: Connection, *, enforced: bool) -> None:
    # On the driver's own connection: SQLAlchemy's would begin a transaction.
    driver = connection.connection.dbapi_connection
    assert driver is not None
    cursor = driver.cursor()
    cursor.execute(f"PRAGMA foreign_keys = {'ON' if enforced else 'OFF'}")
    cursor.execute(f"PRAGMA legacy_alter_table = {'OFF' if enforced else 'ON'}")
    cursor.close()


def _dangling(connection: Connection) -> set[tuple[str, int]]:
    """Table and row id of each row that refers to one that is not there."""
    return {(row[0], row[1]) for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}


def _demand_no_others(before: set[tuple[str, int]], after: set[tuple[str, int]]) -> None:
    broken = sorted({table for table, _row in after - before})
    if broken:
        raise SchemaError(
            f"changing the schema would leave rows of {', '.join(broken)} without what they refer to, so nothing was changed. "
            "This is a fault of dfscan: report it, and go on with the version that you had"
        )
