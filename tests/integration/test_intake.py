"""From what was found on the disk to rows in the database."""

import os
import shutil
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.diff import compare
from scanner.discovery.intake import BATCH, Taken, batches, is_not_empty, mark_gone, mark_missing_path, take_in
from scanner.discovery.walk import Entry, Found, Skipped, walk
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Scored
from scanner.results.record import record
from scanner.roots.roots import add_roots

Lease = Callable[..., list[Claimed]]
MakePicture = Callable[..., Path]
Row = Callable[[str], File]


@pytest.fixture
def take(database: Database, now: datetime) -> Callable[..., Taken]:
    """`take(entries..., now=)`: `take_in` without a root."""

    def call(*entries: Entry, now: datetime = now) -> Taken:
        return take_in(database, entries, root_id=None, now=now)

    return call


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


def test_new_known_and_changed(take: Callable[..., Taken], row: Row, now: datetime) -> None:
    later = now + timedelta(hours=1)
    assert take(Found("/a", 1, 1), Found("/b", 1, 1)) == Taken(new=2)
    assert take(Found("/a", 1, 1), Found("/b", 1, 1), now=later) == Taken(known=2)
    assert row("/a").pending_since == now
    assert take(Found("/a", 2, 1), Found("/b", 1, 2), Found("/c", 1, 1), now=later) == Taken(new=1, changed=2)
    assert (row("/a").size, row("/a").mtime_ns) == (2, 1)
    assert (row("/b").size, row("/b").mtime_ns) == (1, 2)
    assert {row(path).state for path in ("/a", "/b", "/c")} == {"pending"}
    assert row("/a").pending_since == later


def test_nothing_is_nothing(take: Callable[..., Taken]) -> None:
    assert take() == Taken()


def test_the_same_path_twice_in_one_batch_is_one_row(take: Callable[..., Taken], row: Row) -> None:
    assert take(Found("/a", 1, 1), Found("/a", 2, 2)) == Taken(new=1)
    assert row("/a").size == 2


def test_a_root_is_recorded(database: Database, tmp_path: Path, row: Row, now: datetime) -> None:
    [root] = add_roots(database, [str(tmp_path)], now)
    take_in(database, [Found("/a", 1, 1)], root_id=root.id, now=now)
    assert row("/a").root_id == root.id


@pytest.mark.parametrize(
    "name",
    [
        b"/not utf-8 \xff\xfe.jpg",
        b"/\\udcff.jpg",
        b"/new\nline.jpg",
        b"/quote'\";--.jpg",
        "/größe 🙂.jpg".encode(),
        b"/%s%(a)s:x?.jpg",
    ],
)
def test_names_of_any_bytes(take: Callable[..., Taken], row: Row, lease: Lease, name: bytes) -> None:
    path = os.fsdecode(name)
    assert take(Found(path, 1, 1)) == Taken(new=1)
    assert take(Found(path, 1, 1)) == Taken(known=1)
    assert os.fsencode(row(path).path) == name
    assert [os.fsencode(file.path) for file in lease()] == [name]


def test_changed_file_begins_anew(
    database: Database, take: Callable[..., Taken], lease: Lease, row: Row, model: ActiveModel, now: datetime
) -> None:
    """A changed file begins anew and takes the lease away."""
    take(Found("/a", 1, 1))
    [file] = lease("anna")
    record(database, "anna", [Scored(file, ContentFacts("aa" * 32, 1), 0.9, 0.1)], model, device="cpu", now=now)
    assert row("/a").state == "scored"

    assert take(Found("/a", 1, 2)) == Taken(changed=1)
    begun = row("/a")
    assert (begun.state, begun.attempts, begun.finished_at) == ("pending", 0, None)
    assert begun.detection_id is begun.content_id is None

    lease("anna")
    assert take(Found("/a", 1, 3)) == Taken(changed=1)
    assert row("/a").lease_owner is None
    assert [file.mtime_ns for file in lease("bert")] == [3]


def test_a_failed_file_that_changed_is_tried_again(take: Callable[..., Taken], row: Row, lease: Lease, now: datetime) -> None:
    take(Found("/a", 1, 1))
    for attempt in range(4):
        lease(f"worker {attempt}", now=now + timedelta(hours=attempt))
    assert row("/a").state == "failed"
    assert take(Found("/a", 1, 1)) == Taken(known=1)
    assert take(Found("/a", 1, 2)) == Taken(changed=1)
    assert (row("/a").state, row("/a").error, row("/a").error_kind, row("/a").attempts) == ("pending", None, None, 0)


def test_what_is_skipped_has_its_reason(take: Callable[..., Taken], row: Row, now: datetime) -> None:
    assert take(Skipped("/fifo", "not a regular file but a FIFO")) == Taken(skipped=1)
    skipped = row("/fifo")
    assert (skipped.state, skipped.error_kind, skipped.error) == ("skipped", "not-a-file", "not a regular file but a FIFO")
    assert skipped.finished_at == now
    assert take(Skipped("/fifo", "not a regular file but a FIFO")) == Taken(known=1)
    assert take(Skipped("/fifo", "not a regular file but a socket")) == Taken(skipped=1)
    assert row("/fifo").error == "not a regular file but a socket"


def test_a_folder_that_cannot_be_read_is_a_failure(take: Callable[..., Taken], row: Row) -> None:
    assert take(Skipped("/locked", "the folder cannot be read: Permission denied", is_error=True)) == Taken(skipped=1)
    assert (row("/locked").state, row("/locked").error_kind) == ("failed", "unreadable-folder")


def test_file_is_skipped_and_back(
    database: Database, take: Callable[..., Taken], row: Row, lease: Lease, model: ActiveModel, now: datetime
) -> None:
    """A file may become something to skip and a file again."""
    take(Found("/a", 1, 1))
    [file] = lease()
    record(database, "worker", [Scored(file, ContentFacts("aa" * 32, 1), 0.9, 0.1)], model, device="cpu", now=now)
    assert take(Skipped("/a", "a symbolic link to nothing")) == Taken(skipped=1)
    assert (row("/a").state, row("/a").detection_id) == ("skipped", None)
    assert take(Found("/a", 1, 1)) == Taken(changed=1)
    assert (row("/a").state, row("/a").error) == ("pending", None)


def test_skipped_file_is_given_back(take: Callable[..., Taken], row: Row, lease: Lease) -> None:
    """A pending file that is skipped is no longer anyones."""
    take(Found("/a", 1, 1))
    lease()
    take(Skipped("/a", "a symbolic link to nothing"))
    assert (row("/a").state, row("/a").lease_owner) == ("skipped", None)


def test_link_to_non_utf8_name(database: Database, tmp_path: Path, make_picture: MakePicture, row: Row, now: datetime) -> None:
    """A link out to a name that is not utf8 is taken in."""
    (tmp_path / "root").mkdir()
    outside = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.jpg")
    make_picture(tmp_path / "x.jpg").rename(outside)
    (tmp_path / "root" / "link.jpg").symlink_to(outside)
    assert sweep(database, tmp_path / "root", now) == Taken(skipped=1)
    assert "out of the folder" in (row(str(tmp_path / "root" / "link.jpg")).error or "")


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


def test_threads_that_take_in_the_same_make_one_row_each(database: Database, now: datetime) -> None:
    entries = [Found(f"/{n:04}", 1, 1) for n in range(BATCH)]
    errors: list[BaseException] = []
    together = threading.Barrier(3)

    def work(some: list[Found]) -> None:
        together.wait()
        try:
            for size in range(1, 4):  # first as new files, then as changed ones
                take_in(database, [Found(entry.path, size, 1) for entry in some], root_id=None, now=now)
        except BaseException as error:
            errors.append(error)

    # Not all in the same order, as events and sweeps do not come in the same order.
    threads = [threading.Thread(target=work, args=[some]) for some in (entries, entries[::-1], entries[250:] + entries[:250])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(File)) == BATCH
        assert session.scalars(select(File.size).distinct()).all() == [3]


def test_batches_hold_everything_once() -> None:
    entries = [Found(str(n), 1, 1) for n in range(2 * BATCH + 1)]
    found = list(batches(entries))
    assert [len(batch) for batch in found] == [BATCH, BATCH, 1]
    assert list(chain.from_iterable(found)) == entries
    assert list(batches([])) == []
