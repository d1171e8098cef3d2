"""What is asked often reads what it asks for, not what is stored: SQLite says so itself, of the statements that are sent."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from files.database_work import plans, work
from sqlalchemy import text

from scanner.database.engine import Database
from scanner.discovery import diff
from scanner.discovery.diff import known_under
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.jobs import leases
from scanner.reports import report
from scanner.results.near_copies import near_copies
from scanner.results.problems import problems_page
from scanner.results.record import record, register_model
from scanner.review import access_path, review_queue
from scanner.review.criteria import Criteria, Order
from scanner.services.unreachable import drop_gone

LARGE = ("files", "contents", "detections", "reviews")
NOW = datetime.fromisoformat("2026-11-01T12:00:00+00:00")


def claim_and_record(database: Database) -> None:
    model = register_model(database, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=NOW)
    claimed = leases.claim(database, "anna", 16, now=NOW, lease_seconds=60, max_attempts=5)
    outcomes = [Scored(file, ContentFacts(f"{file.id:064x}", 10), 0.9, 0.1) for file in claimed]
    record(database, "anna", outcomes, model, device="cpu", now=NOW)


def last_page(database: Database, order: Order) -> None:
    criteria = Criteria(order=order)
    [item] = review_queue.queue_page(database, criteria, after=None, limit=1)
    review_queue.queue_page(database, criteria, after=item, limit=1)


ASKED: dict[str, Callable[[Database], object]] = {
    "a sweep": lambda database: list(known_under(database, "/r")),
    "intake": lambda database: take_in(database, [Found("/r/new.jpg", 1, 1)], root_id=None, now=NOW),
    "claim and record": claim_and_record,
    "backlog": lambda database: leases.backlog(database, NOW),
    "reconcile": lambda database: leases.reconcile(lambda: True, database, NOW),
    "renew": lambda database: leases.renew(database, "anna", now=NOW, lease_seconds=60),
    "release": lambda database: leases.release(database, "anna", charge=False),
    "files out of reach": lambda database: drop_gone(database, ["/r"], NOW),
    "a report of a day": lambda database: report.build_report(database, since=NOW - timedelta(days=1)),
    "the head of a report": lambda database: report.build_report(database, since=NOW - timedelta(days=1), limit=50),
    "a report of a folder": lambda database: report.build_report(database, paths=["/r/deep"]),
    "problems": lambda database: problems_page(database, after=None, limit=100),
    "pulse": review_queue.take_pulse,
    **{f"the queue, {order}": lambda database, order=order: last_page(database, order) for order in Order},
}


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows count as many: the queue goes along its indexes."""
    monkeypatch.setattr(access_path, "FEW", 0)


@pytest.mark.parametrize("name", ASKED)
def test_nothing_reads_a_whole_table(sqlite: Database, name: str) -> None:
    take_in(sqlite, [Found(f"/r/{n}.jpg", 10, n) for n in range(40)], root_id=None, now=NOW)
    claim_and_record(sqlite)
    found = plans(sqlite, lambda: ASKED[name](sqlite))
    assert found
    for statement, plan in found.items():
        for line in plan.splitlines():
            scans = line.startswith("SCAN") and line.split()[1] in LARGE
            # The last model's name is at the end of the table; an index in the order that is asked for is read up to the limit.
            ends = "LIMIT" in statement and "TEMP B-TREE FOR ORDER BY" not in plan
            assert not scans or ends, f"{statement}\n{plan}"


@pytest.mark.parametrize("order", Order)
def test_a_page_of_the_queue_sorts_nothing(sqlite: Database, order: Order) -> None:
    take_in(sqlite, [Found(f"/r/{n}.jpg", 10, n) for n in range(40)], root_id=None, now=NOW)
    claim_and_record(sqlite)
    # A part of a sort, of files of equal scores, is none of the whole.
    assert not any("B-TREE FOR ORDER BY" in plan for plan in plans(sqlite, lambda: last_page(sqlite, order)).values())


@pytest.mark.parametrize("name", ["renew", "release"])
def test_what_one_worker_holds_is_found_by_its_name(sqlite: Database, name: str) -> None:
    [plan] = plans(sqlite, lambda: ASKED[name](sqlite)).values()
    assert "ix_files_lease_owner (lease_owner=?)" in plan


def test_claims_need_no_sorting(sqlite: Database) -> None:
    """Claims need no sorting however many became pending at once."""
    plan = "\n".join(plans(sqlite, lambda: ASKED["claim and record"](sqlite)).values())
    assert "ix_files_state_pending_since_mtime_ns (state=?)" in plan
    assert "B-TREE" not in plan


def test_queue_begins_at_its_labels(sqlite: Database) -> None:
    """The queue begins where the scores of its labels end."""
    for order in (Order.MOST_CERTAIN, Order.LEAST_CERTAIN):
        criteria = Criteria(order=order)
        take_in(sqlite, [Found("/r/1.jpg", 10, 1)], root_id=None, now=NOW)
        claim_and_record(sqlite)
        plan = "\n".join(
            plans(sqlite, lambda asked=criteria: review_queue.queue_page(sqlite, asked, after=None, limit=9)).values()
        )
        assert "ix_detections_label_decision (label=? AND decision=?)" in plan
        assert "ix_detections_decision_score (decision=? AND score" in plan


@pytest.mark.parametrize("order", Order)
def test_a_page_along_an_index_looks_at_each_file_once(sqlite: Database, order: Order) -> None:
    """What is shown of a file is read with it: to come back for it is another look into three tables."""
    take_in(sqlite, [Found(f"/r/{n}.jpg", 10, n) for n in range(40)], root_id=None, now=NOW)
    claim_and_record(sqlite)
    asked = plans(sqlite, lambda: review_queue.queue_page(sqlite, Criteria(order=order), after=None, limit=9))
    assert any("files.path" in statement for statement in asked)
    assert not any("files.id IN" in statement for statement in asked)
    # Only this order asks for what no index of verdicts has.
    assert any("detections.disagreement" in statement for statement in asked) is (order is Order.DISAGREEMENT)


@pytest.mark.parametrize(
    ("flagged", "way"), [(16, "SCAN files"), (2, "SEARCH files USING INDEX ix_files_detection_id (detection_id=?)")]
)
def test_many_flagged_files_are_counted_along_their_table(sqlite: Database, flagged: int, way: str) -> None:
    """To come from each verdict to its file costs more than to read all files, where most of them are flagged."""
    take_in(sqlite, [Found(f"/r/{n}.jpg", 10, n) for n in range(40)], root_id=None, now=NOW)
    model = register_model(sqlite, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=NOW)
    claimed = leases.claim(sqlite, "anna", 16, now=NOW, lease_seconds=60, max_attempts=5)
    scores = [0.9 if number < flagged else 0.1 for number in range(16)]
    outcomes = [
        Scored(file, ContentFacts(f"{file.id:064x}", 10), score, 0.1) for file, score in zip(claimed, scores, strict=True)
    ]
    record(sqlite, "anna", outcomes, model, device="cpu", now=NOW)
    counts: list[int] = []
    asked = plans(sqlite, lambda: counts.append(review_queue.count_matching(sqlite, Criteria())))
    assert counts == [flagged]
    [plan] = [plan for statement, plan in asked.items() if "JOIN detections" in statement]
    assert way in plan


def test_near_copies_go_from_the_index_of_fingerprints_to_their_files(sqlite: Database) -> None:
    """One pass over an index, and bits are counted only where a band of them is equal: SQLite asks Python for that."""
    take_in(sqlite, [Found(f"/r/{n}.jpg", 10, n) for n in range(40)], root_id=None, now=NOW)
    claim_and_record(sqlite)
    [plan] = plans(sqlite, lambda: near_copies(sqlite, 1)).values()
    assert "SCAN contents_1 USING COVERING INDEX ix_contents_fingerprint" in plan
    assert "SEARCH files USING INDEX ix_files_content_id (content_id=?)" in plan


def test_a_long_report_is_read_as_it_is_taken(sqlite: Database) -> None:
    take_in(sqlite, [Found(f"/r/{n:04}.jpg", 10, n) for n in range(2500)], root_id=None, now=NOW)
    with report.opened_report(sqlite) as (summary, items):
        first = next(items)
        with sqlite.write() as session:
            session.execute(text("DELETE FROM files"))
        left = [item.path for item in items]
    assert summary.totals["files"] == 2500
    assert [first.path, *left] == [f"/r/{n:04}.jpg" for n in range(2500)]  # one moment, whatever is written meanwhile


def test_pages_of_a_sweep_begin_where_the_last_one_ended(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as many files are twice the work, not four times."""
    monkeypatch.setattr(diff, "_PAGE", 25)
    taken = []
    for begin, end in ((0, 500), (500, 1000)):
        take_in(sqlite, [Found(f"/r/{n:04}.jpg", 10, n) for n in range(begin, end)], root_id=None, now=NOW)
        assert len(list(known_under(sqlite, "/r"))) == end
        taken.append(work(sqlite, lambda: list(known_under(sqlite, "/r"))))
    assert taken[1] < 2.5 * taken[0]


@pytest.mark.parametrize("order", [Order.NEWEST, Order.OLDEST])
def test_by_time_an_index_leads_from_verdict_to_verdict(sqlite: Database, order: Order) -> None:
    """And what is equally old is in the order of the page there: nothing is sorted, however many got their verdict at once."""
    take_in(sqlite, [Found(f"/r/{n}.jpg", 10, n) for n in range(40)], root_id=None, now=NOW)
    claim_and_record(sqlite)
    [plan] = [
        plan for statement, plan in plans(sqlite, lambda: last_page(sqlite, order)).items() if "(+files.finished_at" in statement
    ]
    assert "files USING INDEX ix_files_finished" in plan
    assert "B-TREE" not in plan
