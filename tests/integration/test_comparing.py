"""A walk and the rows below its folder, side by side."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.diff import STRETCH, Difference, compare, known_under
from scanner.discovery.intake import batches, take_in
from scanner.discovery.walk import Found, walk
from scanner.domain.states import State

# Each of these is sorted by something else than its letters, or written by something else into the database.
NAMES = [
    b"a.jpg",
    b"a/x.jpg",
    b"a-b/x.jpg",
    b"a0.jpg",
    b"A.jpg",
    b"a\\b.jpg",
    b"\xc3\xa9.jpg",
    b"\xff.jpg",
    b"\xff/\\.jpg",
    b"~.jpg",
]


@pytest.fixture
def tree(database: Database, tmp_path: Path, now: datetime) -> Path:
    """Files of all NAMES, taken in; with neighbours that are none of theirs."""
    for name in (b"root/" + name for name in (*NAMES, b"../root.jpg", b"../root0/x.jpg")):
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"\xff\xd8\xff")
    take_in(database, list(walk(str(tmp_path), root=str(tmp_path), ignore=())), root_id=None, now=now)
    return tmp_path / "root"


def differences(database: Database, folder: Path) -> list[Difference]:
    return list(compare(database, str(folder), walk(str(folder), root=str(folder), ignore=())))


def test_the_walk_goes_in_the_databases_order(database: Database, tree: Path) -> None:
    walked = [entry.path for entry in walk(str(tree), root=str(tree), ignore=())]
    assert len(walked) == len(NAMES)
    assert walked == [row.path for row in known_under(database, str(tree))]


def test_what_is_unchanged_is_only_counted(database: Database, tree: Path) -> None:
    assert differences(database, tree) == [Difference(known=len(NAMES))]


def test_new_changed_and_gone_files_are_told_apart(database: Database, tree: Path) -> None:
    (tree / "a.jpg").write_bytes(b"\xff\xd8\xff longer")
    (tree / "new.jpg").write_bytes(b"\xff\xd8\xff")
    (tree / "a0.jpg").unlink()
    os.unlink(os.fsencode(tree) + b"/\xff/\\.jpg")
    [found] = differences(database, tree)
    assert found.known == len(NAMES) - 3
    assert [os.path.relpath(entry.path, tree) for entry in found.others] == ["a.jpg", "new.jpg"]
    assert [os.fsencode(os.path.relpath(row.path, tree)) for row in found.unseen] == [b"\xff/\\.jpg", b"a0.jpg"]


def test_marked_files_that_are_back_are_not_known(database: Database, tree: Path, row: Callable[[str], File]) -> None:
    for name, state in (("a.jpg", State.MISSING), ("a0.jpg", State.SKIPPED)):
        with database.write() as session:
            session.get_one(File, row(str(tree / name)).id).state = state
    [found] = differences(database, tree)
    assert [Path(entry.path).name for entry in found.others] == ["a.jpg", "a0.jpg"]
    assert found.unseen == []


def test_long_walks_come_in_short_stretches_and_pages(database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.discovery.diff._PAGE", 300)
    entries = [Found(f"/r/{n:05}.jpg", 1, 1) for n in range(3 * STRETCH)]
    for batch in batches(entries):
        take_in(database, batch, root_id=None, now=now)
    queries: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: queries.append(call[2]))
    found = list(compare(database, "/r", entries[: 2 * STRETCH]))
    assert [part.known for part in found[:2]] == [STRETCH, STRETCH]
    assert sum(part.known for part in found) == 2 * STRETCH
    assert [row.path for part in found for row in part.unseen] == [entry.path for entry in entries[2 * STRETCH :]]
    assert max(part.known + len(part.unseen) for part in found) == STRETCH
    assert len([query for query in queries if "ORDER BY" in query]) == 3 * STRETCH // 300 + 1
