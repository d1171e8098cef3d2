"""From what was found on the disk to rows in the database."""

import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.intake import BATCH, Taken, batches, take_in
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


@pytest.mark.parametrize("link", ["/0", "/z"])
@pytest.mark.parametrize("is_error", [False, True])
def test_pictures_and_what_is_passed_over_come_in_together(
    take: Callable[..., Taken], row: Row, now: datetime, link: str, *, is_error: bool
) -> None:
    found = take(Found("/a", 1, 1), Found("/b", 1, 1), Skipped(link, "a link", is_error))
    assert found == Taken(new=2, skipped=1)
    assert (row("/a").state, row("/a").pending_since, row("/a").error) == ("pending", now, None)
    assert (row(link).state, row(link).error) == ("failed" if is_error else "skipped", "a link")
    assert (row(link).pending_since, row(link).finished_at) == (None, now)


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
    root = str(tmp_path / "root")
    found = list(walk(root, root=root, ignore=()))
    assert take_in(database, found, root_id=None, now=now) == Taken(skipped=1)
    assert "out of the folder" in (row(str(tmp_path / "root" / "link.jpg")).error or "")


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
