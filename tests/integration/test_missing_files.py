"""Files that are gone, out of reach or back."""

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.diff import compare
from scanner.discovery.intake import BATCH, Taken, batches, is_not_empty, mark_gone, mark_missing_path, take_in
from scanner.discovery.walk import Found, walk
from scanner.domain.claims import Claimed

Lease = Callable[..., list[Claimed]]
MakePicture = Callable[..., Path]
Row = Callable[[str], File]


@pytest.fixture
def states(database: Database) -> Callable[[], dict[str, str]]:
    """All states by path."""

    def read() -> dict[str, str]:
        with database.read() as session:
            return dict(session.execute(select(File.path, File.state)).all())

    return read


@pytest.fixture
def pictures(database: Database, tmp_path: Path, make_picture: MakePicture, now: datetime) -> Path:
    """A folder with some pictures that are taken in."""
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "deep/c.jpg"):
        make_picture(root / name)
    sweep(database, root, now)
    return root


def mark_missing(database: Database, folder: str, *, now: datetime) -> int:
    """What a scan of `folder` marks."""
    found = compare(database, folder, walk(folder, root=folder, ignore=()))
    return sum(mark_gone(database, part.unseen, is_here=lambda: is_not_empty(folder), now=now) for part in found)


def sweep(database: Database, root: Path, now: datetime) -> Taken:
    return take_in(database, list(walk(str(root), root=str(root), ignore=())), root_id=None, now=now)


def test_what_is_gone_is_missing_and_comes_back(
    database: Database, pictures: Path, states: Callable[[], dict[str, str]], make_picture: MakePicture, now: datetime
) -> None:
    a = pictures / "a.jpg"
    a.rename(pictures.parent / "elsewhere.jpg")
    assert mark_missing(database, str(pictures), now=now) == 1
    assert mark_missing(database, str(pictures), now=now) == 0
    assert states()[str(a)] == "missing"
    assert list(states().values()).count("pending") == 2

    (pictures.parent / "elsewhere.jpg").rename(a)
    assert sweep(database, pictures, now) == Taken(changed=1, known=2)
    assert states()[str(a)] == "pending"


def test_what_was_skipped_can_be_missing_and_come_back(
    database: Database, pictures: Path, states: Callable[[], dict[str, str]], now: datetime
) -> None:
    fifo = pictures / "fifo.jpg"
    os.mkfifo(fifo)
    sweep(database, pictures, now)
    fifo.unlink()
    assert mark_missing(database, str(pictures), now=now) == 1
    os.mkfifo(fifo)
    sweep(database, pictures, now)
    assert states()[str(fifo)] == "skipped"


def test_a_missing_file_is_in_no_ones_hands(database: Database, pictures: Path, row: Row, lease: Lease, now: datetime) -> None:
    lease("anna")
    (pictures / "a.jpg").unlink()
    mark_missing(database, str(pictures), now=now)
    gone = row(str(pictures / "a.jpg"))
    assert (gone.lease_owner, gone.lease_expires_at, gone.finished_at) == (None, None, now)
    assert row(str(pictures / "b.jpg")).lease_owner == "anna"


def test_gone_root_marks_nothing(database: Database, pictures: Path, states: Callable[[], dict[str, str]], now: datetime) -> None:
    """When the root is gone or empty nothing is marked."""
    pictures.rename(pictures.parent / "unplugged")
    assert mark_missing(database, str(pictures), now=now) == 0
    pictures.mkdir()  # a mount point without its drive
    assert mark_missing(database, str(pictures), now=now) == 0
    pictures.rmdir()
    pictures.touch()
    assert mark_missing(database, str(pictures), now=now) == 0
    assert set(states().values()) == {"pending"}


def test_only_what_lies_under_the_folder_is_marked(
    database: Database, pictures: Path, states: Callable[[], dict[str, str]], make_picture: MakePicture, now: datetime
) -> None:
    neighbour = pictures.parent / "root2"
    neighbour.mkdir()
    for name in ("a.jpg", "b.jpg"):
        make_picture(neighbour / name)
    sweep(database, neighbour, now)
    (neighbour / "a.jpg").unlink()
    (pictures / "deep" / "c.jpg").unlink()
    assert mark_missing(database, str(pictures), now=now) == 1
    assert {path for path, state in states().items() if state == "missing"} == {str(pictures / "deep" / "c.jpg")}


def test_more_files_than_one_page_are_marked(database: Database, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "kept.jpg").touch()
    for page in batches(Found(str(tmp_path / f"{n}.jpg"), 1, 1) for n in range(BATCH + 3)):
        take_in(database, page, root_id=None, now=now)
    assert mark_missing(database, str(tmp_path), now=now) == BATCH + 3


def test_one_path_or_what_was_a_folder_is_marked(
    database: Database, pictures: Path, states: Callable[[], dict[str, str]], now: datetime
) -> None:
    assert mark_missing_path(database, str(pictures / "a.jpg"), now=now) == 0
    (pictures / "a.jpg").unlink()
    assert mark_missing_path(database, str(pictures / "a.jpg"), now=now) == 1
    shutil.rmtree(pictures / "deep")
    assert mark_missing_path(database, str(pictures / "deep"), now=now) == 1
    assert mark_missing_path(database, str(pictures / "never seen.jpg"), now=now) == 0
    assert [path for path, state in states().items() if state == "pending"] == [str(pictures / "b.jpg")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_what_cannot_be_looked_at_is_not_called_missing(
    database: Database, pictures: Path, states: Callable[[], dict[str, str]], now: datetime
) -> None:
    (pictures / "deep").chmod(0)
    try:
        assert mark_missing(database, str(pictures), now=now) == 0
        assert mark_missing_path(database, str(pictures / "deep" / "c.jpg"), now=now) == 0
    finally:
        (pictures / "deep").chmod(0o700)
    assert set(states().values()) == {"pending"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_can_be_read_again_loses_its_row(
    database: Database, pictures: Path, states: Callable[[], dict[str, str]], now: datetime
) -> None:
    locked = pictures / "locked"
    locked.mkdir(mode=0)
    sweep(database, pictures, now)
    assert states()[str(locked)] == "failed"
    assert mark_missing(database, str(pictures), now=now) == 0
    locked.chmod(0o700)
    assert mark_missing(database, str(pictures), now=now) == 1
    assert states()[str(locked)] == "missing"


def test_a_file_that_became_a_folder_is_gone(
    database: Database, pictures: Path, states: Callable[[], dict[str, str]], now: datetime
) -> None:
    (pictures / "a.jpg").unlink()
    (pictures / "a.jpg").mkdir()
    assert mark_missing(database, str(pictures), now=now) == 1
    assert states()[str(pictures / "a.jpg")] == "missing"
