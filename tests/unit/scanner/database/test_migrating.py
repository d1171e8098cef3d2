"""Changing the schema of a SQLite file with rows: what users and failures leave in the way."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from files.rows import content, fill, shape
from sqlalchemy import event, text

from scanner.database import schema
from scanner.database.engine import Database, open_database
from scanner.database.integrity import find_damage


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Database]:
    """A filled SQLite database of revision 0003."""
    opened = open_database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    schema.upgrade(opened, "0003")
    fill(opened)
    yield opened
    opened.close()


def test_a_view_of_the_users_own_stands_in_no_ones_way(old: Database) -> None:
    """SQLite looks through all views when a table is renamed, also while what they show is being remade."""
    with old.write() as session:
        session.execute(text("CREATE VIEW mine AS SELECT path, score FROM files JOIN detections ON detection_id = detections.id"))
    schema.upgrade(old)
    with old.read() as session:
        assert len(session.execute(text("SELECT * FROM mine")).all()) == 3
    schema.downgrade(old, "0003")


def test_a_row_that_hung_in_the_air_before_does_not_stop_the_upgrade(old: Database, tmp_path: Path) -> None:
    """As someone's hand, in a shell that enforces no keys, may have left it."""
    with closing(sqlite3.connect(tmp_path / "old.sqlite", isolation_level=None)) as by_hand:
        by_hand.execute("UPDATE files SET content_id = 99 WHERE id = 21")
    schema.upgrade(old)
    assert [row["content_id"] for row in content(old)["files"]] == [99, 2, 3]


def fail_at(database: Database, statement: str) -> Callable[[], None]:
    """Break every migration at `statement`; returns what mends it."""

    def refuse(_connection: Any, _cursor: Any, said: str, *_: Any) -> None:
        if said.lstrip().startswith(statement):
            raise RuntimeError("the power is gone")

    event.listen(database.engine, "before_cursor_execute", refuse)
    return lambda: event.remove(database.engine, "before_cursor_execute", refuse)


def test_failed_tries_change_nothing_and_keep_one_backup(old: Database, tmp_path: Path) -> None:
    before, shape_before = content(old), shape(old)
    mend = fail_at(old, "DROP TABLE detections")
    for _ in range(3):
        with pytest.raises(RuntimeError, match="power"):
            schema.prepare_schema(old)
    assert content(old) == before
    assert shape(old) == shape_before
    [copy] = (tmp_path / "backups").iterdir()
    assert find_damage(copy) is None

    mend()
    schema.prepare_schema(old)
    [copy] = (tmp_path / "backups").iterdir()
    copied = open_database(f"sqlite:///{copy}")
    assert content(copied) == before
    copied.close()


def test_a_failed_try_spares_backups_of_the_user(old: Database, tmp_path: Path) -> None:
    schema.upgrade(old)
    schema.downgrade(old, "0002")
    kept = {path.name: path.read_bytes() for path in (tmp_path / "backups").iterdir()}
    fail_at(old, "DROP TABLE detections")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="power"):
            schema.upgrade(old)
    now = {path.name: path.read_bytes() for path in (tmp_path / "backups").iterdir()}
    assert kept.items() <= now.items()
    assert len(now) == len(kept) + 1


def test_a_migration_that_breaks_a_key_is_undone(old: Database) -> None:
    before = content(old)

    def cut(connection: Any, _cursor: Any, said: str, *_: Any) -> None:
        if said.startswith("UPDATE alembic_version"):
            connection.exec_driver_sql("DELETE FROM contents WHERE id = 1")

    event.listen(old.engine, "before_cursor_execute", cut)
    with pytest.raises(schema.SchemaError, match=r"files.*nothing was changed"):
        schema.upgrade(old)
    assert content(old) == before
    assert schema.current_revision(old) == "0003"
