"""What SQLite does for a question: its plans, and its steps."""

import sqlite3
from collections.abc import Callable

from sqlalchemy import event

from scanner.database.engine import Database


def plans(database: Database, ask: Callable[[], object]) -> dict[str, str]:
    """How SQLite goes about each statement that `ask` sends (https://sqlite.org/eqp.html)."""
    sent: list[tuple[str, object]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: sent.append((call[2], call[3])))
    ask()
    with database.read() as session:
        connection = session.connection()
        asked = [call for call in sent if call[0].lstrip().startswith(("SELECT", "UPDATE", "WITH"))]
        return {
            statement: "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
            for statement, parameters in asked
        }


def work(database: Database, ask: Callable[[], object]) -> int:
    """How much SQLite does for it, in its own steps: the same on a busy machine."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with database.read() as session:  # the only connection, which all that follow take up again
        driver = session.connection().connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_progress_handler(count, 20)
    ask()
    driver.set_progress_handler(None, 0)
    assert steps
    return steps
