"""Who works on which pending file. The times are ours."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from scanner.database.engine import Database
from scanner.database.models import File, Root
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.domain.asked import Asked
from scanner.domain.claims import Claimed
from scanner.jobs.asking import ask
from scanner.jobs.leases import backlog, claim, reconcile, release, renew

Pend = Callable[..., None]
Lease = Callable[..., list[Claimed]]
Row = Callable[[str], File]


def paths(claimed: list[Claimed]) -> list[str]:
    return [file.path for file in claimed]


def test_there_is_nothing_to_claim(lease: Lease) -> None:
    assert lease() == []


def test_a_claim_says_what_intake_saw(pend: Pend, lease: Lease, row: Row, now: datetime) -> None:
    pend("/a.jpg", size=123, mtime_ns=1_700_000_000_123_456_789)
    [file] = lease("anna")
    assert file == Claimed(row("/a.jpg").id, "/a.jpg", 123, 1_700_000_000_123_456_789)
    assert row("/a.jpg").lease_owner == "anna"
    assert row("/a.jpg").lease_expires_at == now + timedelta(seconds=60)
    assert row("/a.jpg").attempts == 1


def test_a_clock_set_forward_gives_no_worker_twice_what_it_has_in_hand(pend: Pend, lease: Lease, row: Row, now: datetime) -> None:
    pend("/a", "/b")
    lease("anna", now=now)
    later = now + timedelta(hours=2)
    assert lease("anna", now=later) == []
    assert row("/a").attempts == 1
    assert sorted(paths(lease("berta", now=later))) == ["/a", "/b"]


def test_newest_first(pend: Pend, lease: Lease, now: datetime) -> None:
    pend("/old1", "/old2", now=now)
    pend("/new1", "/new2", "/new3", now=now + timedelta(seconds=1))
    pend("/middle", now=now + timedelta(seconds=0.5))
    later = now + timedelta(seconds=2)
    assert [paths(lease(limit=1, now=later)) for _ in range(6)] == [
        ["/new3"],
        ["/new2"],
        ["/new1"],
        ["/middle"],
        ["/old2"],
        ["/old1"],
    ]


def test_one_claim_takes_the_newest_up_to_its_limit(pend: Pend, lease: Lease) -> None:
    pend(*[f"/{n}" for n in range(40)])
    assert sorted(paths(lease(limit=16))) == sorted(f"/{n}" for n in range(24, 40))
    assert len(lease(limit=16)) == 16
    assert sorted(paths(lease(limit=16))) == sorted(f"/{n}" for n in range(8))
    assert lease(limit=16) == []


def test_two_owners_never_get_the_same_file(database: Database, pend: Pend, row: Row, now: datetime) -> None:
    names = [f"/{n:03}" for n in range(200)]
    pend(*names)
    got: dict[str, list[list[Claimed]]] = {"anna": [], "bert": []}
    errors: list[BaseException] = []
    together = threading.Barrier(2)

    def work(owner: str) -> None:
        together.wait()
        try:
            while claimed := claim(database, owner, 7, now=now, lease_seconds=60, max_attempts=3):
                got[owner].append(claimed)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[owner]) for owner in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    assert max(len(claimed) for owner in got for claimed in got[owner]) <= 7
    taken = {owner: [file.path for claimed in got[owner] for file in claimed] for owner in got}
    assert sorted(taken["anna"] + taken["bert"]) == names
    for owner, its_names in taken.items():
        for name in its_names:
            assert row(name).lease_owner == owner


def test_a_lease_holds_until_it_runs_out(pend: Pend, lease: Lease, row: Row, now: datetime) -> None:
    pend("/a")
    lease("anna")
    assert lease("bert", now=now + timedelta(seconds=59)) == []
    assert paths(lease("bert", now=now + timedelta(seconds=60))) == ["/a"]
    assert row("/a").lease_owner == "bert"
    assert row("/a").attempts == 2


@pytest.mark.parametrize(("charge", "attempts"), [(True, 1), (False, 0)])
def test_what_is_released_is_free_at_once(
    database: Database, pend: Pend, lease: Lease, row: Row, charge: bool, attempts: int
) -> None:
    pend("/a", "/b")
    lease("anna")
    assert release(database, "bert", charge=charge) == 0
    assert release(database, "anna", charge=charge) == 2
    assert row("/a").attempts == attempts
    assert row("/a").lease_owner is None
    assert sorted(paths(lease("bert"))) == ["/a", "/b"]


def test_a_part_can_be_released(database: Database, pend: Pend, lease: Lease) -> None:
    pend("/a", "/b")
    first, second = lease("anna")
    assert release(database, "anna", [first.id], charge=False) == 1
    assert lease("bert") == [first]
    assert release(database, "anna", [first.id], charge=False) == 0  # it is bert's now
    assert release(database, "anna", charge=False) == 1
    assert lease("carl") == [second]


def test_deadly_file_is_given_up(pend: Pend, lease: Lease, row: Row, now: datetime) -> None:
    """A file whose workers die again and again is given up."""
    pend("/a")
    for attempt in range(3):
        assert paths(lease(f"worker {attempt}", now=now + timedelta(minutes=attempt), max_attempts=3)) == ["/a"]
    end = now + timedelta(minutes=3)
    assert lease(now=end - timedelta(seconds=1), max_attempts=3) == []  # the third try may still come to an end
    assert row("/a").state == "pending"
    assert lease(now=end, max_attempts=3) == []
    given_up = row("/a")
    assert (given_up.state, given_up.error_kind, given_up.finished_at) == ("failed", "gave-up", end)
    assert given_up.error is not None
    assert "3 tries" in given_up.error
    assert "dfscan retry" in given_up.error
    assert given_up.lease_owner is None
    assert given_up.lease_expires_at is None


def test_uncharged_tries_never_lead_to_giving_up(database: Database, pend: Pend, lease: Lease, row: Row) -> None:
    pend("/a")
    for _ in range(10):
        assert paths(lease(max_attempts=3)) == ["/a"]
        release(database, "worker", charge=False)
    assert row("/a").attempts == 0


def test_suspects_are_claimed_alone_and_last(database: Database, pend: Pend, lease: Lease, now: datetime) -> None:
    pend("/suspect1", "/suspect2")
    for _ in range(2):
        assert len(lease(max_attempts=5)) == 2
        release(database, "worker", charge=True)
    pend("/a", "/b", "/c", now=now - timedelta(days=1))  # older, and free of suspicion all the same
    assert sorted(paths(lease(max_attempts=5))) == ["/a", "/b", "/c"]
    assert paths(lease(max_attempts=5)) == ["/suspect2"]
    assert paths(lease(max_attempts=5)) == ["/suspect1"]
    assert lease(max_attempts=5) == []


def test_backlog_counts(database: Database, pend: Pend, lease: Lease, now: datetime) -> None:
    """The backlog counts what is pending and what of it is in work."""

    def counted(at: datetime) -> tuple[int, int]:
        found = backlog(database, at)
        return found.pending, found.leased

    assert counted(now) == (0, 0)
    pend(*[f"/{n}" for n in range(10)])
    assert counted(now) == (10, 0)
    lease(limit=4)
    assert counted(now) == (10, 4)
    assert counted(now + timedelta(seconds=60)) == (10, 0)
    release(database, "worker", charge=False)
    assert counted(now) == (10, 0)


def test_only_pending_files_are_claimed(database: Database, pend: Pend, lease: Lease, now: datetime) -> None:
    pend(*[f"/{n}" for n in range(5)])
    with database.write() as session:
        for file_id, state in enumerate(("scored", "failed", "skipped", "missing"), start=1):
            session.get_one(File, file_id).state = state
    assert paths(lease()) == ["/4"]
    assert lease("another", now=now + timedelta(days=1)) != []


def test_lease_after_clock_set_back(pend: Pend, lease: Lease, row: Row, now: datetime) -> None:
    """A lease from before the clock was set back does not hold the file."""
    pend("/a")
    assert len(lease("anna", now=now + timedelta(hours=5))) == 1
    assert len(lease("bert", now=now)) == 1
    assert row("/a").lease_owner == "bert"


def test_clock_jumps_ahead(database: Database, pend: Pend, lease: Lease, row: Row, now: datetime) -> None:
    """The live owner's result is refused once another has the file, and no attempt is counted twice over."""
    pend("/a")
    lease("anna", now=now)
    lease("bert", now=now + timedelta(hours=5))
    assert row("/a").lease_owner == "bert"
    assert row("/a").attempts == 2
    assert release(database, "anna", charge=False) == 0
    assert row("/a").lease_owner == "bert"


def test_a_renewed_lease_lasts(database: Database, pend: Pend, lease: Lease, now: datetime) -> None:
    pend("/a", "/b")
    lease("anna", 1)
    renew(database, "anna", now=now + timedelta(seconds=50), lease_seconds=60)
    assert paths(lease("bert", now=now + timedelta(seconds=100))) == ["/a"]
    assert paths(lease("bert", now=now + timedelta(seconds=111))) == ["/b"]


def test_files_of_a_root_that_is_away_are_not_handed_out(database: Database, lease: Lease, now: datetime) -> None:
    with database.write() as session:
        session.add(Root(path="/drive", added_at=now, paused_at=now))
        session.flush()
        [root_id] = session.scalars(select(Root.id))
    take_in(database, [Found("/drive/a", 1, 1)], root_id=root_id, now=now)
    take_in(database, [Found("/b", 1, 1)], root_id=None, now=now)
    assert [(file.path, file.root) for file in lease()] == [("/b", None)]
    assert (backlog(database, now).pending, backlog(database, now).free) == (2, 0)
    with database.write() as session:
        session.get_one(Root, root_id).paused_at = None
    assert [(file.path, file.root) for file in lease()] == [("/drive/a", "/drive")]


def test_workers_are_woken_for_what_no_one_has(database: Database, pend: Pend, lease: Lease, now: datetime) -> None:
    woken: list[bool] = []

    def wake() -> bool:
        woken.append(True)
        return True

    reconcile(wake, database, now)
    assert not woken
    pend("/a", "/b")
    lease(limit=1)
    reconcile(wake, database, now)  # one is in work: a second worker may take the other
    assert len(woken) == 1
    lease(limit=1)
    reconcile(wake, database, now)
    assert len(woken) == 1


def test_a_job_is_for_the_model_that_was_asked_for(database: Database, pend: Pend, lease: Lease, now: datetime) -> None:
    pend("/anyone's", "/theirs", "/ours")
    assert ask(database, Asked("22" * 32), ["/theirs"]) == 1
    assert ask(database, Asked("11" * 32, faces=False), ["/ours"]) == 1
    assert ask(database, Asked("11" * 32, faces=False), ["/ours"]) == 0
    assert (backlog(database, now).free, backlog(database, now, model="11" * 32).free) == (3, 2)
    claimed = claim(database, "us", 10, now=now, lease_seconds=60, max_attempts=3, model="11" * 32)
    assert {file.path: file.faces for file in claimed} == {"/anyone's": None, "/ours": False}
    [left] = claim(database, "them", 10, now=now, lease_seconds=60, max_attempts=3, model="22" * 32)
    assert left.path == "/theirs"


def test_who_asks_last_decides_and_takes_the_file_from_whoever_has_it(
    database: Database, pend: Pend, lease: Lease, row: Row, now: datetime
) -> None:
    pend("/a", "/b")
    lease("watch's worker")
    assert ask(database, Asked("11" * 32, faces=False), ["/a"]) == 1
    assert (row("/a").lease_owner, row("/b").lease_owner) == (None, "watch's worker")
    [again] = claim(database, "scan's worker", 9, now=now, lease_seconds=60, max_attempts=3, model="11" * 32)
    assert (again.path, again.faces) == ("/a", False)
