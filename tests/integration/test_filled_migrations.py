"""A database with rows goes from every revision to the latest and back, and the rows stay what they were."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from files.rows import ROWS, WHEN, content, fill, shape
from sqlalchemy import insert, text

import migrations
from scanner.database import schema
from scanner.database.engine import Database, open_database
from scanner.database.models import Detection, Review

REVISIONS = [one.revision for one in reversed(list(ScriptDirectory.from_config(schema.alembic_config()).walk_revisions()))]


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a schema, on both kinds of server."""
    url = f"sqlite:///{tmp_path / 'test.sqlite'}" if request.param == "sqlite" else request.getfixturevalue("new_postgres_url")()
    opened = open_database(url)
    yield opened
    opened.close()


@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_of_every_revision_survive_the_way_up_and_back(empty: Database, revision: str) -> None:
    schema.upgrade(empty, revision)
    fill(empty)
    before, shape_before = content(empty), shape(empty)
    assert all(before[name] for name in before)

    schema.upgrade(empty)
    assert schema.current_revision(empty) == migrations.HEAD
    after = content(empty)
    for name, rows in before.items():
        assert [{key: row[key] for key in rows[0]} for row in after[name]] == rows
    assert {row["basis"] for row in after["detections"]} == {"whole"}

    schema.downgrade(empty, revision)
    assert schema.current_revision(empty) == revision
    assert content(empty) == before
    assert shape(empty) == shape_before


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_all_rows_of_the_latest_survive_the_way_down_and_up_where_the_older_knew_them(empty: Database, revision: str) -> None:
    schema.upgrade(empty)
    fill(empty)
    before, shape_before = content(empty), shape(empty)
    schema.downgrade(empty, revision)
    kept = content(empty)
    for name, rows in kept.items():
        assert rows == [{key: row[key] for key in rows[0]} for row in before[name]]
    schema.upgrade(empty)
    after = content(empty)
    for name, rows in kept.items():
        assert [{key: row[key] for key in rows[0]} for row in after[name]] == rows
    assert shape(empty) == shape_before


def test_keys_are_enforced_again_afterwards(empty: Database) -> None:
    schema.upgrade(empty, "0003")
    fill(empty)
    schema.upgrade(empty)
    with pytest.raises(Exception, match=r"(?i)foreign key"), empty.write() as session:
        session.execute(text("DELETE FROM detections"))


def test_of_two_verdicts_on_one_content_the_way_down_keeps_the_latest(empty: Database) -> None:
    schema.upgrade(empty)
    fill(empty)
    with empty.write() as session:
        other = {**ROWS["detections"][0], "id": 99, "made_with": "whole", "score": 0.5, "scanned_at": WHEN}
        session.execute(insert(Detection), [other])
    schema.downgrade(empty, "0007")
    kept = content(empty)
    assert [row["id"] for row in kept["detections"]] == [12, 13, 99]
    assert [row["detection_id"] for row in kept["files"]] == [99, 12, 13]


def test_what_older_verdicts_were_made_with_is_told_by_what_they_hold(empty: Database) -> None:
    schema.upgrade(empty, "0007")
    fill(empty)
    with empty.write() as session:
        session.execute(text("UPDATE detections SET faces = NULL WHERE id = 12"))
        session.execute(text("UPDATE detections SET frames = '[]' WHERE id = 13"))
    schema.upgrade(empty)
    assert [row["made_with"] for row in content(empty)["detections"]] == ["faces", "whole", "faces, 16 frames"]


def test_what_only_waited_for_a_look_at_its_content_is_again_what_it_was_on_the_way_down(empty: Database) -> None:
    schema.upgrade(empty)
    fill(empty)
    with empty.write() as session:
        session.execute(text("UPDATE files SET state = 'pending', state_if_same = 'failed' WHERE id = 21"))
        session.execute(text("UPDATE files SET state = 'pending' WHERE id = 22"))
    schema.downgrade(empty, "0008")
    assert [row["state"] for row in content(empty)["files"]] == ["failed", "pending", "scored"]


def test_what_stands_of_the_reviews_is_written_with_the_verdicts(empty: Database) -> None:
    schema.upgrade(empty, "0010")
    fill(empty)
    with empty.write() as session:
        decided = ((20, 1, "fake"), (21, 1, "unsure"), (22, 3, "withdrawn"), (23, 3, "real"))
        columns = ("id", "content_id", "decision")
        rows = [dict(zip(columns, row, strict=True), reviewer="anna", created_at=WHEN) for row in decided]
        session.execute(insert(Review), rows)
    schema.upgrade(empty)
    assert [row["decision"] for row in content(empty)["detections"]] == ["unsure", "", "real"]
