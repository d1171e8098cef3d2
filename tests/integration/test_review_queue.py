"""What people decide, and the queue that shows what is left."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from scanner.database.engine import Database
from scanner.database.models import File, Review
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import ActiveModel, ContentFacts, Failed, Scored
from scanner.domain.prediction import Prediction
from scanner.domain.states import Decision
from scanner.reports.report import build_report
from scanner.results.near_copies import near_copies
from scanner.results.problems import ProblemOrder, count_stale, problems_page, rescan_stale
from scanner.results.record import record
from scanner.review import access_path
from scanner.review.criteria import Criteria, CriteriaError, Order, Tab
from scanner.review.decisions import decide, reviews_of, take_back
from scanner.review.ordering import QueueItem, sort_key
from scanner.review.review_queue import (
    changed_since,
    count_matching,
    count_tabs,
    items_among,
    queue_page,
    take_pulse,
)
from scanner.review.saved_filters import delete_filter, save_filter, saved_filters

Score = Callable[..., None]
NARROWED = (
    Criteria(),
    Criteria(text="a/"),
    Criteria(folder="/a"),
    Criteria(labels=("fake",)),
    Criteria(model="lite"),
    Criteria(score_from=0.55, score_to=0.95),
    Criteria(since=datetime.fromisoformat("2026-11-01T12:01:00+00:00")),
    Criteria(until=datetime.fromisoformat("2026-11-01T12:03:00+00:00")),
    Criteria(tab=Tab.FAKE),
)
# How far the two branches of the network lie apart; the others have none.
APART = {"/b/1.jpg": 0.2, "/a/4.jpg": 0.7}
SCORES = {"/b/1.jpg": 0.6, "/a/2.jpg": 0.9, "/c/3.jpg": 0.9, "/a/4.jpg": 0.99, "/a/real.jpg": 0.1}


@pytest.fixture
def score(database: Database, pend, lease, model: ActiveModel) -> Score:
    """`score(path, value, content=, now=)`: taken in and scored."""

    def call(path: str, value: float, *, content: str | None = None, now: datetime) -> None:
        pend(path, now=now)
        [file] = lease(now=now)
        facts = ContentFacts(content or f"{file.id:064x}", 10)
        prediction = Prediction(branches={"clip": 0.1, "resnet": 0.1 + APART[path]}) if path in APART else Prediction()
        record(database, "worker", [Scored(file, facts, value, 0.1, prediction)], model, device="cpu", now=now)

    return call


@pytest.fixture
def five(score: Score, now: datetime) -> None:
    for number, (path, value) in enumerate(SCORES.items()):
        score(path, value, now=now + timedelta(minutes=number))


def paged(database: Database, criteria: Criteria, limit: int = 2) -> list[QueueItem]:
    """All pages."""
    found: list[QueueItem] = []
    while page := queue_page(database, criteria, after=found[-1] if found else None, limit=limit):
        found += page
    return found


def paths(database: Database, criteria: Criteria) -> list[str]:
    return [item.path for item in paged(database, criteria)]


@pytest.mark.usefixtures("five")
def test_a_page_is_the_same_however_it_is_found(database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Along the index of its order, or read and sorted; from the first page to the last, in every order, with any filter."""
    content = next(item.content_id for item in paged(database, Criteria()) if item.path == "/c/3.jpg")
    decide(database, [content], Decision.FAKE, note=None, reviewer="anna", now=now)
    every = [replace(criteria, order=order) for criteria in NARROWED for order in Order]
    as_few = [paths(database, criteria) for criteria in every]
    assert [len(set(found)) for found in as_few] == [count_matching(database, criteria) for criteria in every]
    assert all(as_few)
    monkeypatch.setattr(access_path, "FEW", 0)
    for many_pass in (500, 0):
        monkeypatch.setattr(access_path, "FEW_PASS", many_pass)
        assert [paths(database, criteria) for criteria in every] == as_few


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.MOST_CERTAIN, ["/a/4.jpg", "/c/3.jpg", "/a/2.jpg", "/b/1.jpg"]),
        (Order.LEAST_CERTAIN, ["/b/1.jpg", "/a/2.jpg", "/c/3.jpg", "/a/4.jpg"]),
        (Order.NEWEST, ["/a/4.jpg", "/c/3.jpg", "/a/2.jpg", "/b/1.jpg"]),
        (Order.OLDEST, ["/b/1.jpg", "/a/2.jpg", "/c/3.jpg", "/a/4.jpg"]),
        (Order.DISAGREEMENT, ["/a/4.jpg", "/b/1.jpg", "/c/3.jpg", "/a/2.jpg"]),
        (Order.FOLDER, ["/a/2.jpg", "/a/4.jpg", "/b/1.jpg", "/c/3.jpg"]),
    ],
)
def test_pages_have_one_order_and_leave_nothing_out(database: Database, order: Order, expected: list[str]) -> None:
    criteria = Criteria(order=order)
    for limit in (1, 2, 3, 100):
        found = paged(database, criteria, limit)
        assert [item.path for item in found] == expected
    assert sorted(found, key=lambda item: sort_key(order, item)) == found
    assert count_matching(database, criteria) == 4


@pytest.mark.usefixtures("five")
def test_filters(database: Database, now: datetime) -> None:
    assert paths(database, Criteria(folder="/a")) == ["/a/4.jpg", "/a/2.jpg"]
    assert paths(database, Criteria(text="A/4.J")) == ["/a/4.jpg"]
    assert paths(database, Criteria(text="%")) == []
    assert paths(database, Criteria(labels=("uncertain",))) == ["/b/1.jpg"]
    assert paths(database, Criteria(labels=("real",))) == ["/a/real.jpg"]
    assert paths(database, Criteria(score_from=0.9, score_to=0.95)) == ["/c/3.jpg", "/a/2.jpg"]
    assert paths(database, Criteria(model="lite", since=now + timedelta(minutes=2))) == ["/a/4.jpg", "/c/3.jpg"]
    assert paths(database, Criteria(until=now + timedelta(minutes=1))) == ["/b/1.jpg"]
    assert paths(database, Criteria(model="other")) == []


@pytest.mark.usefixtures("five")
def test_decision_moves_all_copies(database: Database, score: Score, now: datetime) -> None:
    """A decision moves all copies and can be taken back."""
    [best, *_] = paged(database, Criteria())
    score("/copy.jpg", 0.99, content=f"{best.file_id:064x}", now=now)
    assert count_tabs(database).to_review == 5
    decided = decide(database, [best.content_id], Decision.FAKE, note="seam at the ear", reviewer="anna", now=now)
    assert (count_tabs(database).to_review, count_tabs(database).fake) == (3, 2)
    assert set(paths(database, Criteria(tab=Tab.FAKE))) == {"/a/4.jpg", "/copy.jpg"}
    changed = decide(database, [best.content_id], Decision.REAL, note=None, reviewer="ben", now=now)
    assert changed[0].before == decided[0].review
    assert take_back(database, changed, reviewer="ben", now=now).restored == (best.content_id,)
    assert [(r.decision, r.note, r.reviewer) for r in reviews_of(database, best.content_id)] == [
        ("fake", "seam at the ear", "ben"),
        ("real", "seam at the ear", "ben"),  # a note belongs to the image
        ("fake", "seam at the ear", "anna"),
    ]
    assert take_back(database, decided, reviewer="anna", now=now).overtaken == (best.content_id,)
    again = decide(database, [best.content_id], Decision.UNSURE, note=None, reviewer="anna", now=now)
    assert {item.path: item.note for item in build_report(database).items if item.review == "unsure"} == {
        "/a/4.jpg": "seam at the ear",
        "/copy.jpg": "seam at the ear",
    }
    take_back(database, again, reviewer="anna", now=now)


@pytest.mark.usefixtures("five")
def test_taking_the_only_decision_back_leaves_none(database: Database, now: datetime) -> None:
    contents = [item.content_id for item in paged(database, Criteria())]
    decided = decide(database, contents, Decision.UNSURE, note=None, reviewer="anna", now=now)
    assert count_tabs(database).to_review == 0
    take_back(database, decided, reviewer="anna", now=now)
    assert count_tabs(database).to_review == 4
    assert {item.decision for item in paged(database, Criteria())} == {None}
    assert {(item.review, item.reviewer) for item in build_report(database).items} == {(None, None)}
    with database.read() as session:
        assert len(session.scalars(select(Review)).all()) == 8  # nothing was deleted


@pytest.mark.usefixtures("five")
def test_what_changed_since_a_pulse_is_named(database: Database, score: Score, now: datetime) -> None:
    pulse = take_pulse(database)
    assert take_pulse(database) == pulse
    score("/new.jpg", 0.95, now=now + timedelta(hours=1))
    assert take_pulse(database) != pulse
    ids = changed_since(database, pulse, take_pulse(database), 100)
    assert ids is not None
    assert "/new.jpg" in {item.path for item in items_among(database, Criteria(), ids)}
    pulse = take_pulse(database)
    [oldest] = [item for item in paged(database, Criteria()) if item.path == "/b/1.jpg"]
    decide(database, [oldest.content_id], Decision.REAL, note=None, reviewer="anna", now=now)
    ids = changed_since(database, pulse, take_pulse(database), 100)
    assert ids is not None
    assert oldest.file_id in ids
    assert oldest.file_id not in {item.file_id for item in items_among(database, Criteria(), ids)}
    assert changed_since(database, pulse, take_pulse(database), 0) is None


@pytest.mark.usefixtures("five")
def test_a_decision_does_not_name_what_was_scanned_last(database: Database, score: Score, now: datetime) -> None:
    score("/last.jpg", 0.95, now=now + timedelta(hours=1))
    items = {item.path: item for item in paged(database, Criteria())}
    early, late = (replace(take_pulse(database), taken_at=now + timedelta(hours=1, seconds=after)) for after in (5, 15))
    decide(database, [items["/b/1.jpg"].content_id], Decision.REAL, note=None, reviewer="anna", now=now)
    found = take_pulse(database)
    assert set(changed_since(database, late, found, 100) or ()) == {items["/b/1.jpg"].file_id}
    # What another process finished at the same time may not have been visible yet.
    assert items["/last.jpg"].file_id in (changed_since(database, early, found, 100) or ())
    score("/newer.jpg", 0.9, now=now + timedelta(hours=1))  # with the same time as the last one
    ids = changed_since(database, late, take_pulse(database), 100) or ()
    assert "/newer.jpg" in {item.path for item in items_among(database, Criteria(), ids)}


def test_near_copies_are_found_by_their_fingerprints(database: Database, pend, lease, model: ActiveModel, now: datetime) -> None:
    prints = {"/a": 0, "/turned": 1 << 62, "/signed": -(1 << 63), "/three": 0b111, "/far": -1, "/none": None, "/gone": 0}
    for path, fingerprint in prints.items():
        pend(path, now=now)
        [file] = lease(now=now)
        facts = ContentFacts(f"{file.id:064x}", 10, fingerprint=fingerprint)
        record(database, "worker", [Scored(file, facts, 0.9, 0.1)], model, device="cpu", now=now)
    ids = {item.path: item.content_id for item in paged(database, Criteria())}
    with database.write() as session:
        session.execute(update(File).where(File.path == "/gone").values(state="missing"))
    found = near_copies(database, ids["/a"])
    assert [(copy.path, copy.distance) for copy in found] == [("/signed", 1), ("/turned", 1), ("/three", 3)]
    assert {copy.content_id for copy in found} == {ids["/signed"], ids["/turned"], ids["/three"]}
    assert near_copies(database, ids["/none"]) == ()


def test_problems_and_stale_verdicts(
    database: Database, pend, lease: Callable[..., list[Claimed]], score: Score, model: ActiveModel, now: datetime
) -> None:
    for number in range(3):
        pend(f"/{number}", now=now)
        [file] = lease()
        outcome = Failed(file, "empty", "empty: the file has 0 bytes", None)
        record(database, "worker", [outcome], model, device="cpu", now=now + timedelta(minutes=number // 2))
    first = problems_page(database, after=None, limit=2)
    rest = problems_page(database, after=first[-1], limit=2)
    assert [problem.path for problem in (*first, *rest)] == ["/2", "/1", "/0"]
    assert [problem.path for problem in problems_page(database, text="1", after=None, limit=9)] == ["/1"]
    for order, found in (("oldest", "012"), ("path", "012"), ("reason", "012")):
        page = problems_page(database, after=None, limit=2, order=ProblemOrder(order))
        rest = problems_page(database, after=page[-1], limit=2, order=ProblemOrder(order))
        assert "".join(problem.path[1:] for problem in (*page, *rest)) == found
    assert count_tabs(database).problems == 3
    score("/scored", 0.9, now=now)
    assert count_stale(database, "11" * 32) == 0
    assert rescan_stale(database, "22" * 32, now) == count_tabs(database).to_review == 1  # it keeps its verdict meanwhile
    assert [file.path for file in lease(now=now)] == ["/scored"]


def test_filters_are_kept_under_a_name(database: Database, now: datetime) -> None:
    criteria = Criteria(order=Order.OLDEST, text="x", labels=("fake",), since=now, score_from=0.25)
    save_filter(database, "mine", Criteria(), now)
    save_filter(database, "mine", criteria, now)
    [saved] = saved_filters(database)
    assert Criteria.from_json(saved.document, Tab.TO_REVIEW) == criteria
    assert criteria.is_narrowed
    assert not Criteria(tab=Tab.FAKE, order=Order.FOLDER).is_narrowed
    delete_filter(database, "mine")
    assert saved_filters(database) == ()
    with pytest.raises(CriteriaError, match="save it anew"):
        Criteria.from_json({**criteria.to_json(), "order": "sideways"}, Tab.FAKE)
