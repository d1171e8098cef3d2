"""Pages of the queue cost what they show, not what is stored, in other tabs too: SQLite counts its steps."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from files.database_work import work
from sqlalchemy import text

from scanner.database.engine import Database
from scanner.domain.states import Decision
from scanner.results.record import register_model
from scanner.review import access_path, review_queue
from scanner.review.criteria import Criteria, Order, Tab
from scanner.review.decisions import decide

NOW = datetime.fromisoformat("2026-11-01T12:00:00+00:00")
# Filters on what the queue is sorted by.
SAME_COLUMN = [
    (Order.FOLDER, {"folder": "/r"}),
    (Order.OLDEST, {"since": NOW - timedelta(days=1)}),
    (Order.LEAST_CERTAIN, {"score_from": 0.1}),
    (Order.MOST_CERTAIN, {"score_to": 0.95}),
]


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows count as many: the queue goes along its indexes."""
    monkeypatch.setattr(access_path, "FEW", 0)


def score_files(database: Database, begin: int, end: int) -> None:
    """Files with a verdict each, all of other scores and times."""
    if not begin:
        register_model(database, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=NOW)
    numbers = [
        {"n": n + 1, "path": f"/r/{n:03}.jpg", "sha256": f"{n:064x}", "score": 0.9 - n / 10_000} for n in range(begin, end)
    ]
    at = "strftime('%Y-%m-%d %H:%M:%f', '2026-11-01 12:00:00', :n || ' seconds') || '000'"
    with database.write() as session:
        for into in (
            f"contents (id, sha256, size, first_seen_at) VALUES (:n, :sha256, 10, {at})",
            "detections (id, content_id, model_id, made_with, score, threshold, band_low, label, basis, device, scanned_at, "
            f"seconds) VALUES (:n, :n, 1, 'faces', :score, 0.75, 0.5, 'fake', 'faces', 'cpu', {at}, 0.1)",
            "files (path, size, mtime_ns, state, attempts, content_id, detection_id, finished_at) "
            f"VALUES (:path, 10, 1, 'scored', 0, :n, :n, {at})",
        ):
            session.execute(text(f"INSERT INTO {into}"), numbers)


@pytest.mark.parametrize(("order", "filters"), SAME_COLUMN)
def test_a_far_page_costs_what_the_first_one_does(
    sqlite: Database, order: Order, filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filter on what the queue is sorted by is no second beginning, from which all pages before would be stepped over."""
    monkeypatch.setattr(access_path, "MANY", 0)
    score_files(sqlite, 0, 480)
    criteria = Criteria(order=order, **filters)
    page = review_queue.queue_page(sqlite, criteria, after=None, limit=470)
    assert len(page) == 470
    near, far = (work(sqlite, partial(review_queue.queue_page, sqlite, criteria, after=page[at], limit=10)) for at in (9, 459))
    assert far < 1.5 * near


@pytest.mark.parametrize(
    "filters", [{"folder": "/r"}, {"model": "lite"}, {"text": "jpg"}, {"since": NOW}, {"labels": ("fake",)}], ids=str
)
def test_a_filter_that_all_pass_costs_no_page_anything(
    sqlite: Database, filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_path, "MANY", 20)
    monkeypatch.setattr(access_path, "FEW_PASS", 20)
    taken = []
    for begin, end in ((0, 160), (160, 640)):
        score_files(sqlite, begin, end)
        for order in (Order.MOST_CERTAIN, Order.FOLDER):
            criteria = Criteria(order=order, **filters)
            taken.append(work(sqlite, partial(review_queue.queue_page, sqlite, criteria, after=None, limit=10)))
    assert taken[2] < 1.5 * taken[0]
    assert taken[3] < 1.5 * taken[1]


@pytest.mark.parametrize("filters", [{"until": NOW + timedelta(seconds=41)}, {"folder": "/r/00"}], ids=str)
def test_the_more_files_there_are_the_more_are_read_and_sorted(
    sqlite: Database, filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Along the index of the order lie the more others between those that pass."""
    for name in ("FEW", "MANY"):
        monkeypatch.setattr(access_path, name, 20)
    score_files(sqlite, 0, 640)
    with sqlite.write() as session:
        session.execute(text("UPDATE files SET path = '/r/00/' || id WHERE id <= 40"))
    criteria, taken = Criteria(order=Order.LEAST_CERTAIN, **filters), []
    for measured in (640, 40):
        monkeypatch.setattr(access_path, "MEASURED_FILES", measured)
        assert len(review_queue.queue_page(sqlite, criteria, after=None, limit=40)) == 40
        taken.append(work(sqlite, partial(review_queue.queue_page, sqlite, criteria, after=None, limit=10)))
    assert taken[1] < taken[0] / 2


@pytest.mark.parametrize("order", [Order.LEAST_CERTAIN, Order.DISAGREEMENT])
@pytest.mark.parametrize("tab", [Tab.TO_REVIEW, Tab.UNSURE])
def test_what_is_in_other_tabs_costs_a_page_nothing(sqlite: Database, tab: Tab, order: Order) -> None:
    """Nor does it where all of it comes before the page in the order, as where people decide from one end on."""
    here, taken = range(41, 61), []
    for begin, end in ((0, 160), (160, 640)):
        score_files(sqlite, begin, end)
        with sqlite.write() as session:
            session.execute(text("UPDATE detections SET disagreement = 1 - score"))
        others = [one for one in range(begin + 1, end + 1) if one not in here]
        if tab is Tab.TO_REVIEW:
            decide(sqlite, others, Decision.FAKE, note=None, reviewer="anna", now=NOW)
        else:
            decide(sqlite, here, Decision.UNSURE, note=None, reviewer="anna", now=NOW)
        page = review_queue.queue_page(sqlite, Criteria(tab=tab, order=order), after=None, limit=10)
        assert {item.file_id for item in page} <= set(here)
        taken.append(work(sqlite, partial(review_queue.queue_page, sqlite, Criteria(tab=tab, order=order), after=None, limit=10)))
    assert taken[1] < 1.5 * taken[0]


@pytest.mark.parametrize(
    ("order", "filters"),
    [
        (Order.MOST_CERTAIN, {"model": "other"}),
        (Order.LEAST_CERTAIN, {"evidence": "generated"}),
        (Order.MOST_CERTAIN, {"tab": Tab.UNSURE, "labels": ("fake",)}),
        (Order.DISAGREEMENT, {"score_from": 0.95}),
    ],
)
def test_verdicts_that_no_page_shows_are_not_read(
    sqlite: Database, order: Order, filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the queue decides by stands in the index of its order; the rows, with all their faces, are much longer."""
    monkeypatch.setattr(access_path, "MANY", 0)
    score_files(sqlite, 0, 400)
    with sqlite.write() as session:
        session.execute(text("UPDATE detections SET faces = :faces, disagreement = score / 2"), {"faces": f'["{"x" * 3000}"]'})
    sqlite.close()  # what it has in memory
    read = Path("/proc/self/io")  # what this process has read of files comes first, be it from the kernel's memory
    before = int(read.read_text("ascii").split()[1])
    assert review_queue.queue_page(sqlite, Criteria(order=order, **filters), after=None, limit=10) == ()
    assert int(read.read_text("ascii").split()[1]) - before < 400 * 3000 / 3
