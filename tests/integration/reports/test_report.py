"""One snapshot of files with their verdicts."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from files.reports import paths

from scanner.database.engine import Database
from scanner.database.models import File, Review
from scanner.domain.claims import Claimed
from scanner.domain.evidence import Evidence
from scanner.domain.outcomes import ActiveModel, ContentFacts, Scored
from scanner.domain.prediction import Face, Frame, Prediction
from scanner.domain.states import Basis, Decision
from scanner.reports.item import ReportItem
from scanner.reports.report import STATUSES, build_report, statuses_meant
from scanner.results.record import record, register_model
from scanner.review.decisions import decide
from scanner.review.image_details import image_details

Lease = Callable[..., list[Claimed]]
Pend = Callable[..., None]
Row = Callable[[str], File]


def test_nothing_yet(database: Database) -> None:
    report = build_report(database)
    assert report.items == ()
    assert report.model is None
    assert report.totals == dict.fromkeys((*STATUSES, "files"), 0)
    assert report.flagged == report.failed == 0


VIDEO = Prediction(
    Basis.FACES,
    (Face((1, 2, 3, 4), 0.9, 0.7, frame=5), Face((5, 6, 7, 8), 0.8)),
    stable=True,
    branches={"clip": 0.5, "resnet": 0.75},
    frames=(Frame(5, 2.5, 0.7), Frame(7, 3.5, 0.5)),
)
TRACE = Evidence("generator", "comfyui", "It names a generator", "PNG text")


def test_scored_item(database: Database, pend: Pend, lease: Lease, model: ActiveModel, row: Row, now: datetime) -> None:
    """Each field holds its own column, and the window's details say the same."""
    pend("/a")
    facts = ContentFacts("ab" * 32, 10, "MP4", 60, 40, (TRACE,), fingerprint=0x0123456789ABCDEF)
    record(database, "worker", [Scored(*lease(), facts, 0.6, 0.1, VIDEO)], model, device="cpu", now=now)
    decided_at = now + timedelta(minutes=1)
    decide(database, [row("/a").content_id or 0], Decision.REAL, note="a note", reviewer="anna", now=decided_at)
    [item] = build_report(database).items
    assert item == ReportItem(
        path="/a",
        sha256="ab" * 32,
        state="scored",
        label="uncertain",
        score=0.6,
        threshold=0.75,
        model="lite",
        scanned_at=now,
        review="real",
        reviewer="anna",
        reviewed_at=decided_at,
        note="a note",
        error=None,
        prediction=VIDEO,
        evidence=(TRACE,),
    )
    assert item.status == "uncertain"
    assert item.scanned_at is not None
    assert item.scanned_at.utcoffset() == timedelta(0)
    details = image_details(database, row("/a").id)
    assert details is not None
    assert (details.finding.prediction, details.evidence) == (VIDEO, (TRACE,))


@pytest.mark.usefixtures("one_of_each")
def test_highest_score_first_then_what_has_none(database: Database) -> None:
    assert paths(build_report(database)) == ["/fake", "/uncertain", "/real", "/failed", "/pending", "/skipped"]


@pytest.mark.parametrize("limit", [0, 3, 4, 5])
def test_what_was_not_judged_stands_behind_what_was(
    database: Database, pend: Pend, lease: Lease, model: ActiveModel, now: datetime, limit: int
) -> None:
    """A model that knows faces only gives a picture without one a score, which means nothing."""
    face = Face((1, 2, 3, 4), 0.9, 0.7)
    found = {
        "/landscape": (0.99, Prediction(Basis.WHOLE, ())),
        "/tree": (0.98, Prediction(Basis.WHOLE, (Face((1, 2, 3, 4), 0.9),))),
        "/fake": (0.9, Prediction(Basis.FACES, (face,))),
        "/crop": (0.8, Prediction(Basis.WHOLE, None)),
        "/real": (0.1, Prediction(Basis.FACES, (face,))),
    }
    pend(*found)
    claimed = {file.path: file for file in lease()}
    outcomes = [
        Scored(claimed[path], ContentFacts(f"{number:064x}", 10), score, 0.1, rests_on)
        for number, (path, (score, rests_on)) in enumerate(found.items())
    ]
    record(database, "worker", outcomes, model, device="cpu", now=now)
    ranked = ["/fake", "/crop", "/real", "/landscape", "/tree"]
    assert paths(build_report(database, limit=limit)) == (ranked[:limit] if limit else ranked)


@pytest.mark.usefixtures("one_of_each")
def test_all_is_every_status(database: Database) -> None:
    report = build_report(database, statuses=statuses_meant(["all"]))
    assert sorted(item.status for item in report.items) == sorted(STATUSES)
    assert statuses_meant(["all", "fake"])[: len(STATUSES)] == list(STATUSES)


@pytest.mark.usefixtures("one_of_each")
def test_totals_count_by_status(database: Database) -> None:
    report = build_report(database)
    assert report.totals == {**dict.fromkeys(STATUSES, 1), "missing": 0, "files": 6}
    assert report.flagged == 2
    assert report.failed == 1  # what was skipped is no failure
    assert report.model == "lite"


@pytest.mark.usefixtures("one_of_each")
@pytest.mark.parametrize("status", STATUSES)
def test_one_status_limits_the_items_and_not_the_totals(database: Database, status: str) -> None:
    report = build_report(database, statuses=[status])
    assert paths(report) == [f"/{status}"]
    assert report.items[0].status == status
    assert report.totals["fake"] == report.totals["real"] == 1


@pytest.mark.usefixtures("one_of_each")
def test_missing_files_count_only_when_asked_for(database: Database) -> None:
    assert build_report(database).totals["missing"] == 0
    assert build_report(database, statuses=["missing"]).totals["missing"] == 1
    assert paths(build_report(database, statuses=["missing", "fake"])) == ["/fake", "/missing"]


@pytest.mark.usefixtures("one_of_each")
def test_what_has_no_verdict_shows_its_reason(database: Database, now: datetime) -> None:
    items = {item.path: item for item in build_report(database, statuses=STATUSES).items}
    assert items["/failed"].error == "empty: the file has 0 bytes"
    assert items["/failed"].sha256 == "ee" * 32
    assert items["/skipped"].error == "not a regular file but a FIFO"
    assert items["/pending"].scanned_at is None
    assert items["/failed"].scanned_at == items["/skipped"].scanned_at == now
    for path in ("/failed", "/skipped", "/pending", "/missing"):
        item = items[path]
        assert item.label is item.score is item.threshold is item.model is None


def test_a_missing_file_shows_no_verdict_of_its_own(database: Database, score: Callable[..., None], row: Row) -> None:
    score("/a", 0.9)
    with database.write() as session:
        session.get_one(File, row("/a").id).state = "missing"
    assert build_report(database).flagged == 0
    [item] = build_report(database, statuses=["missing"]).items
    assert (item.status, item.label, item.score) == ("missing", None, None)
    assert item.sha256 is not None


@pytest.mark.usefixtures("one_of_each")
def test_limit_per_part(database: Database) -> None:
    """A limit holds for verdicts and for what has none."""
    report = build_report(database, limit=1)
    assert paths(report) == ["/fake", "/failed"]
    assert (report.matching, report.totals["files"]) == (6, 6)
    assert paths(build_report(database, limit=100)) == paths(build_report(database))
    flagged = build_report(database, statuses=statuses_meant(["flagged"]), limit=1)
    assert paths(flagged) == ["/fake"]
    assert flagged.matching == 2


@pytest.mark.usefixtures("one_of_each")
def test_a_status_named_twice_counts_once(database: Database) -> None:
    report = build_report(database, statuses=statuses_meant(["flagged", "fake"]))
    assert len(report.items) == report.matching == 2


def test_words_for_statuses() -> None:
    assert statuses_meant(["flagged", "failed"]) == ["fake", "uncertain", "failed"]
    assert statuses_meant([]) == []


def test_the_latest_review_counts_and_copies_share_it(
    database: Database, score: Callable[..., None], pend: Pend, lease: Lease, model: ActiveModel, row: Row, now: datetime
) -> None:
    score("/a", 0.9)
    score("/b", 0.8)
    pend("/copy of a")
    record(database, "worker", [Scored(*lease(), ContentFacts(f"{1:064x}", 10), 0.9, 0.1)], model, device="cpu", now=now)
    content = row("/a").content_id
    for decision, moment in (("fake", now + timedelta(hours=1)), ("unsure", now), ("real", now)):
        with database.write() as session:
            session.add(Review(content_id=content, decision=decision, reviewer="anna", created_at=moment))
    reviews = {item.path: item.review for item in build_report(database).items}
    assert reviews == {"/a": "real", "/copy of a": "real", "/b": None}


def test_the_model_is_the_one_that_judged_last(database: Database, score: Callable[..., None], now: datetime) -> None:
    other = register_model(database, sha256="22" * 32, name="paper", card={}, threshold=0.95, band_low=0.9, now=now)
    score("/a", 0.9)
    score("/b", 0.92, model=other)
    report = build_report(database)
    assert report.model == "paper"
    assert {item.path: (item.model, item.threshold, item.label) for item in report.items} == {
        "/a": ("lite", 0.75, "fake"),
        "/b": ("paper", 0.95, "uncertain"),
    }
