"""Verdicts that come late: leases lost, files changed or gone meanwhile, two workers at once."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from scanner.database.engine import Database
from scanner.database.models import Content, Detection, File
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, Changed, ContentFacts, Failed, Outcome, Reused, Scored, Unreachable, Vanished
from scanner.jobs.leases import claim
from scanner.results.record import UNREACHABLE_SECONDS, UNSETTLED_SECONDS, record, scored_among
from scanner.services.unreachable import drop_gone

Lease = Callable[..., list[Claimed]]
Pend = Callable[..., None]
Row = Callable[[str], File]
FACTS = ContentFacts("aa" * 32, 1234, "JPEG", 640, 480)


def test_a_file_that_changed_while_it_was_read_waits_uncharged(
    pend: Pend, lease: Lease, row: Row, write: Callable[..., None], now: datetime
) -> None:
    pend("/a.jpg")
    [file] = lease()
    write(Changed(file, 99, 5))
    changed = row("/a.jpg")
    assert (changed.state, changed.size, changed.mtime_ns, changed.attempts) == ("pending", 99, 5, 0)
    assert changed.finished_at is None
    settled = now + timedelta(seconds=1 + UNSETTLED_SECONDS)
    assert lease(now=settled - timedelta(microseconds=1)) == []
    assert lease(now=settled) == [Claimed(file.id, "/a.jpg", 99, 5)]


def test_a_worker_does_not_say_that_a_file_is_missing(
    database: Database, pend: Pend, lease: Lease, row: Row, write: Callable[..., None], now: datetime, tmp_path: Path
) -> None:
    """Its mount may lag behind: whoever watches the folder looks, and says so."""
    there = tmp_path / "there.jpg"
    there.touch()
    pend(str(there), str(tmp_path / "gone.jpg"))
    write(*map(Vanished, lease()))
    for name in ("there.jpg", "gone.jpg"):
        found = row(str(tmp_path / name))
        assert (found.state, found.lease_owner, found.attempts, found.error_kind) == ("pending", None, 0, "unreachable")
    drop_gone(database, [str(tmp_path)], now)
    assert (row(str(there)).state, row(str(tmp_path / "gone.jpg")).state) == ("pending", "missing")


def test_what_is_recorded_twice_is_stored_once(
    database: Database, pend: Pend, lease: Lease, row: Row, write: Callable[..., None], count: Callable[[type], int]
) -> None:
    pend("/a")
    [file] = lease()
    write(Scored(file, FACTS, 0.9, 0.1))
    before = vars(row("/a")).copy()
    write(Scored(file, FACTS, 0.2, 0.1))
    assert count(Detection) == 1
    with database.read() as session:
        assert session.scalars(select(Detection.score)).one() == 0.9
    after = vars(row("/a"))
    for name in ("state", "detection_id", "finished_at", "lease_owner"):
        assert after[name] == before[name]


def test_who_lost_the_lease_changes_no_file_but_the_detection_stays(
    database: Database, pend: Pend, lease: Lease, row: Row, model: ActiveModel, write: Callable[..., None], now: datetime
) -> None:
    pend("/a")
    [file] = lease("slow")
    lease("quick", now=now + timedelta(minutes=2))
    write(Scored(file, FACTS, 0.9, 0.1), owner="slow")
    assert (row("/a").state, row("/a").lease_owner, row("/a").detection_id) == ("pending", "quick", None)
    assert FACTS.sha256 in scored_among(database, model, [FACTS.sha256])
    write(Reused(file, FACTS.sha256), owner="quick")
    assert row("/a").state == "scored"


@pytest.mark.parametrize("kind", ["failed", "changed", "vanished"])
def test_who_lost_the_lease_reports_no_trouble_either(
    pend: Pend, lease: Lease, row: Row, write: Callable[..., None], kind: str, now: datetime
) -> None:
    pend("/a")
    [file] = lease("slow")
    lease("quick", now=now + timedelta(minutes=2))
    outcomes: dict[str, Outcome] = {"failed": Failed(file, "x", "y"), "changed": Changed(file, 9, 9), "vanished": Vanished(file)}
    write(outcomes[kind], owner="slow")
    assert (row("/a").state, row("/a").lease_owner, row("/a").size) == ("pending", "quick", 10)


def test_a_file_that_changed_after_it_was_read_is_not_given_the_old_contents_verdict(
    database: Database, pend: Pend, lease: Lease, row: Row, write: Callable[..., None], now: datetime
) -> None:
    """A worker begins the next batch before it records this one: the same owner may hold the file again, as another version."""
    pend("/a", size=10, mtime_ns=1)
    [old] = lease("worker")
    take_in(database, [Found("/a", 20, 2)], root_id=None, now=now)
    [new] = lease("worker")
    write(Scored(old, FACTS, 0.1, 0.1))
    assert row("/a").state == "pending"
    write(Scored(new, ContentFacts("bb" * 32, 20), 0.9, 0.1))
    assert row("/a").state == "scored"
    with database.read() as session:
        assert session.scalar(select(Content.sha256).join(File, File.content_id == Content.id)) == "bb" * 32


def test_a_missing_file_stays_missing(
    database: Database, pend: Pend, lease: Lease, row: Row, write: Callable[..., None], now: datetime
) -> None:
    pend("/a")
    [file] = lease()
    with database.write() as session:
        session.get_one(File, file.id).state = "missing"
    write(Scored(file, FACTS, 0.9, 0.1))
    assert (row("/a").state, row("/a").detection_id) == ("missing", None)


def test_workers_that_record_the_same_contents_at_once(
    database: Database, pend: Pend, model: ActiveModel, now: datetime, count: Callable[[type], int]
) -> None:
    """Copies of the same pictures in two workers' hands, in another order."""
    pend(*[f"/{copy}/{n}" for copy in "ab" for n in range(100)])
    batches = {owner: claim(database, owner, 100, now=now, lease_seconds=60, max_attempts=3) for owner in ("anna", "bert")}
    errors: list[BaseException] = []
    together = threading.Barrier(2)

    def work(owner: str, backwards: bool) -> None:
        files = sorted(batches[owner], key=lambda file: int(file.path[3:]), reverse=backwards)
        outcomes = [Scored(file, ContentFacts(f"{int(file.path[3:]):064x}", 1), 0.9, 0.1) for file in files]
        together.wait()
        try:
            record(database, owner, outcomes, model, device="cpu", now=now)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=args) for args in (("anna", False), ("bert", True))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    assert count(Detection) == count(Content) == 100
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(File).where(File.state == "scored")) == 200


def test_a_file_out_of_reach_stays_pending_uncharged_and_waits(
    pend: Pend, lease: Lease, row: Row, write: Callable[..., None], now: datetime
) -> None:
    pend("/a.jpg")
    write(Unreachable(*lease(), "the share is not mounted"))
    waiting = row("/a.jpg")
    assert (waiting.state, waiting.attempts, waiting.lease_owner) == ("pending", 0, None)
    assert (waiting.error_kind, waiting.error) == ("unreachable", "the share is not mounted")
    assert lease(now=now + timedelta(seconds=UNREACHABLE_SECONDS)) == []
    [file] = lease(now=now + timedelta(seconds=UNREACHABLE_SECONDS + 2))
    write(Scored(file, FACTS, 0.9, 0.1))
    assert (row("/a.jpg").state, row("/a.jpg").error, row("/a.jpg").error_kind) == ("scored", None, None)
