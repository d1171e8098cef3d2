"""Watched folders, workers that report in, failed files' second chance, and how it all stands."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from scanner.database.engine import Database
from scanner.database.models import File, Worker
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Skipped
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, Failed
from scanner.jobs.workers import FORGET_AFTER, SIGN_SECONDS, live_workers, report_in, report_out, show_sign, worker_name
from scanner.ops.status import current_status
from scanner.results.problems import retry_failed
from scanner.results.record import record
from scanner.roots.ledger import mark_swept
from scanner.roots.roots import NoRoot, WatchedRoot, add_roots, known_roots, outermost, root_of

Lease = Callable[..., list[Claimed]]
Pend = Callable[..., None]
Row = Callable[[str], File]


@pytest.fixture
def fail(database: Database, pend: Pend, lease: Lease, model: ActiveModel, now: datetime) -> Callable[..., None]:
    """`fail(path, kind)`: a file that was taken in and could not be scored."""

    def call(path: str, kind: str = "undecodable") -> None:
        pend(path)
        record(database, "worker", [Failed(*lease(), kind, "because")], model, device="cpu", now=now)

    return call


def test_roots_are_remembered_once(database: Database, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    [b] = add_roots(database, [str(tmp_path / "b")], now)
    both = add_roots(database, [str(tmp_path / "a"), str(tmp_path / "b")], now)
    assert [root.path for root in both] == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert b in both
    assert known_roots(database) == both
    assert b.swept_at is None


def test_a_root_of_any_bytes(database: Database, tmp_path: Path, now: datetime) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\\")
    os.mkdir(path)
    [root] = add_roots(database, [path], now)
    assert root.path == path
    assert root_of(path + "/x.jpg", known_roots(database)) == root


@pytest.mark.parametrize("name", ["absent", "file"])
def test_what_is_no_folder_cannot_be_watched(database: Database, tmp_path: Path, now: datetime, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(NoRoot, match=f"{name} is not a folder"):
        add_roots(database, [str(tmp_path / "folder"), str(tmp_path / name)], now)
    assert known_roots(database) == []


def test_a_sweep_is_recorded(database: Database, tmp_path: Path, now: datetime) -> None:
    [root] = add_roots(database, [str(tmp_path)], now)
    mark_swept(database, root, 1.5, now)
    assert known_roots(database) == [WatchedRoot(root.id, root.path, now, 1.5)]


def test_the_root_of_a_path() -> None:
    photos, everything = WatchedRoot(1, "/photos", None), WatchedRoot(2, "/", None)
    assert root_of("/photos/a/x.jpg", [photos]) == photos
    assert root_of("/photos", [photos]) == photos
    assert root_of("/photos2/x.jpg", [photos]) is None
    assert root_of("/photo", [photos]) is None
    assert root_of("/anything/x.jpg", [everything]) == everything


def test_roots_inside_others_are_covered_by_them() -> None:
    roots = [WatchedRoot(n, path, None) for n, path in enumerate(["/a/b/c", "/a/b", "/a/bc", "/a/b2", "/x"])]
    assert sorted(root.path for root in outermost(roots)) == ["/a/b", "/a/b2", "/a/bc", "/x"]
    assert outermost([]) == []


def test_workers_are_seen_while_they_show_themselves(database: Database, now: datetime) -> None:
    report_in(database, "anna", device="cuda:0", model="lite", now=now)
    report_in(database, "bert", device="cpu", model="lite", now=now)
    silent = now + timedelta(seconds=3 * SIGN_SECONDS)
    [anna, bert] = live_workers(database, silent)
    assert (anna.name, anna.pid, anna.device, anna.model, anna.started_at) == ("anna", os.getpid(), "cuda:0", "lite", now)
    assert bert.name == "bert"
    assert live_workers(database, silent + timedelta(seconds=1)) == []
    show_sign(database, "anna", silent)
    [seen] = live_workers(database, silent + timedelta(seconds=1))
    assert (seen.name, seen.seen_at) == ("anna", silent)


def test_a_worker_that_stopped_is_no_longer_seen(database: Database, now: datetime) -> None:
    report_in(database, "anna", device="cpu", model="lite", now=now)
    report_out(database, "anna", now)
    assert live_workers(database, now) == []
    show_sign(database, "anna", now)  # its last sign may come late
    assert live_workers(database, now) == []


def test_a_worker_may_come_back_under_its_name(database: Database, now: datetime) -> None:
    """`dfscan worker --name gpu1`, stopped and started again."""
    later = now + timedelta(hours=1)
    report_in(database, "gpu1", device="cpu", model="lite", now=now)
    report_out(database, "gpu1", now)
    report_in(database, "gpu1", device="cuda:0", model="paper", now=later)
    assert [(worker.name, worker.device, worker.model, worker.started_at) for worker in live_workers(database, later)] == [
        ("gpu1", "cuda:0", "paper", later)
    ]


def test_worker_names_are_their_own() -> None:
    names = {worker_name() for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) <= 100 and str(os.getpid()) in name for name in names)


def test_failed_files_are_tried_again(
    database: Database, fail: Callable[..., None], pend: Pend, lease: Lease, row: Row, now: datetime
) -> None:
    fail("/a")
    pend("/other")
    later = now + timedelta(hours=1)
    assert retry_failed(database, paths=[], kind=None, now=later) == 1
    again = row("/a")
    assert (again.state, again.pending_since, again.attempts) == ("pending", later, 0)
    assert again.error is again.error_kind is again.finished_at is None
    assert sorted(file.path for file in lease(now=later)) == ["/a", "/other"]
    assert retry_failed(database, paths=[], kind=None, now=later) == 0


def test_given_up_file_is_retried(database: Database, pend: Pend, lease: Lease, row: Row, now: datetime) -> None:
    """A file that was given up gets all its tries again."""
    pend("/a")
    for attempt in range(4):
        lease(f"worker {attempt}", now=now + timedelta(hours=attempt), max_attempts=3)
    assert row("/a").error_kind == "gave-up"
    later = now + timedelta(days=1)
    assert retry_failed(database, paths=[], kind="gave-up", now=later) == 1
    assert len(lease(now=later, max_attempts=3)) == 1
    assert row("/a").attempts == 1


def test_retrying_can_be_limited(database: Database, fail: Callable[..., None], row: Row, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "ab").mkdir()
    for path, kind in (("a/x", "undecodable"), ("a/y", "unreadable"), ("ab/x", "undecodable"), ("z", "undecodable")):
        fail(str(tmp_path / path), kind)
    assert retry_failed(database, paths=[str(tmp_path / "a")], kind="undecodable", now=now) == 1
    assert row(str(tmp_path / "a" / "x")).state == "pending"
    assert retry_failed(database, paths=[str(tmp_path / "a"), str(tmp_path / "z")], kind=None, now=now) == 2
    assert row(str(tmp_path / "ab" / "x")).state == "failed"


def test_only_failed_files_are_retried_and_no_folders(database: Database, pend: Pend, now: datetime) -> None:
    pend("/pending")
    skipped = [Skipped("/fifo", "not a regular file but a FIFO"), Skipped("/locked", "the folder cannot be read", is_error=True)]
    take_in(database, skipped, root_id=None, now=now)
    assert retry_failed(database, paths=[], kind=None, now=now) == 0


def test_how_it_stands(
    database: Database, fail: Callable[..., None], pend: Pend, lease: Lease, tmp_path: Path, now: datetime
) -> None:
    nothing = current_status(database, now)
    assert (nothing.files, nothing.pending, nothing.leased, nothing.workers, nothing.roots) == ({}, 0, 0, [], [])
    fail("/bad")
    pend("/a", "/b", "/c")
    lease(limit=1)
    report_in(database, "anna", device="cpu", model="lite", now=now)
    add_roots(database, [str(tmp_path)], now)
    standing = current_status(database, now)
    assert standing.files == {"failed": 1, "pending": 3}
    assert (standing.pending, standing.leased) == (3, 1)
    assert [worker.name for worker in standing.workers] == ["anna"]
    assert [root.path for root in standing.roots] == [str(tmp_path)]


def test_rows_of_workers_that_are_long_gone_are_removed(database: Database, now: datetime) -> None:
    for name, moment in (("old", now - 2 * FORGET_AFTER), ("killed", now - FORGET_AFTER / 2), ("new", now)):
        report_in(database, name, device="cpu", model="lite", now=moment)
    report_out(database, "old", now - 2 * FORGET_AFTER)
    report_in(database, "newest", device="cpu", model="lite", now=now)
    with database.read() as session:
        assert set(session.scalars(select(Worker.name))) == {"killed", "new", "newest"}
