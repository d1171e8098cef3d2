"""A page of the queue does not count what nearly all files pass, and the tabs are counted without the rows of files."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from scanner.database.engine import Database
from scanner.database.models import Detection, File
from scanner.results.record import register_model
from scanner.review import access_path
from scanner.review.criteria import Criteria, Order, Tab
from scanner.review.review_queue import Counts, count_matching, count_tabs, queue_page
from scanner.review.sample import are_large

NOW = datetime.fromisoformat("2026-11-01T12:00:00+00:00")
FILES = 600


@pytest.fixture
def filled(database: Database) -> Database:
    """600 verdicts, a second apart; every tenth file is in a folder of its own."""
    register_model(database, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=NOW)
    rows = [
        {
            "n": n,
            "path": f"/{'few' if n % 10 == 0 else 'most'}/{n:04}.jpg",
            "sha256": f"{n:064x}",
            "score": 0.9 - n / 10_000,
            "at": (NOW + timedelta(seconds=n)).replace(tzinfo=None).isoformat(" ", "microseconds"),
        }
        for n in range(1, FILES + 1)
    ]
    at = ":at" if database.file else "CAST(:at AS timestamp) AT TIME ZONE 'UTC'"
    with database.write() as session:
        for into in (
            f"contents (id, sha256, size, first_seen_at) VALUES (:n, :sha256, 10, {at})",
            "detections (id, content_id, model_id, made_with, score, threshold, band_low, label, basis, device, scanned_at, "
            f"seconds) VALUES (:n, :n, 1, 'faces', :score, 0.75, 0.5, 'fake', 'faces', 'cpu', {at}, 0.1)",
            "files (id, path, size, mtime_ns, state, attempts, content_id, detection_id, finished_at) "
            f"VALUES (:n, :path, 10, 1, 'scored', 0, :n, :n, {at})",
        ):
            session.execute(text(f"INSERT INTO {into}"), rows)
    return database


def sent(database: Database, ask: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements that `ask` sends, and what is in them."""
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        found.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    ask()
    event.remove(database.engine, "before_cursor_execute", note)
    return found


def limits_of_counts(database: Database, criteria: Criteria) -> list[int]:
    """Up to how many files a page has counted of each filter."""
    asked = sent(database, lambda: queue_page(database, criteria, after=None, limit=10))
    counts = [values for statement, values in asked if "count(*)" in statement and "LIMIT" in statement]
    return [max(v for v in (values.values() if isinstance(values, dict) else values) if isinstance(v, int)) for values in counts]


def test_a_large_filter_is_known_by_a_sample(filled: Database) -> None:
    with filled.read() as session:
        conditions = [
            File.path.startswith("/most/"),
            File.path.startswith("/few/"),
            File.finished_at >= NOW + timedelta(seconds=FILES // 2),
            Detection.score > 2,
        ]
        assert are_large(session, conditions, FILES, 120) == [True, False, False, False]
        assert are_large(session, conditions, FILES, 60) == [True, False, True, False]
        assert are_large(session, conditions, FILES, 300) == [False] * 4
        # Ids that are gone count as files that do not pass.
        assert are_large(session, conditions, 10 * FILES, 100) == [False] * 4


@pytest.mark.parametrize("narrowed", [{"folder": "/most"}, {"since": NOW}], ids=str)
@pytest.mark.parametrize("order", [Order.MOST_CERTAIN, Order.DISAGREEMENT])
def test_what_nearly_all_pass_is_not_counted_further(
    filled: Database, order: Order, narrowed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("FEW", 10), ("MANY", 10), ("MEASURED_FILES", 24)):
        monkeypatch.setattr(access_path, name, value)
    criteria = Criteria(order=order, **narrowed)
    page = queue_page(filled, criteria, after=None, limit=10)
    assert max(limits_of_counts(filled, criteria)) == 10
    # As many are read and sorted where they are counted: the page is the same.
    monkeypatch.setattr(access_path, "are_large", lambda _session, conditions, *_more: [False] * len(conditions))
    assert max(limits_of_counts(filled, criteria)) > 10
    assert queue_page(filled, criteria, after=None, limit=10) == page


@pytest.mark.parametrize("lost", [0, 1, FILES // 8, FILES // 8 + 1, FILES])
def test_tabs_are_counted_as_their_files_are(filled: Database, lost: int) -> None:
    """Whether files that have no verdict any more are taken off, or each file is asked for its state; copies count, too."""
    chance = random.Random(lost)
    numbers = range(1, FILES + 1)
    gone = set(chance.sample(numbers, lost))
    states = {
        n: chance.choice(("missing", "failed", "skipped") if n in gone else ("scored", "pending")) for n in range(1, FILES + 1)
    }
    contents = {n: chance.choice(numbers) for n in numbers}
    decisions = {n: chance.choice(("", "", "fake", "real", "unsure")) for n in numbers}
    labels = {n: chance.choice(("fake", "uncertain", "real")) for n in numbers}
    rows = [{"n": n, "state": states[n], "found": contents[n], "decision": decisions[n], "label": labels[n]} for n in contents]
    with filled.write() as session:
        session.execute(text("UPDATE files SET state = :state, detection_id = :found, content_id = :found WHERE id = :n"), rows)
        session.execute(text("UPDATE detections SET decision = :decision, label = :label WHERE id = :n"), rows)
    counted = Counter(
        decisions[contents[n]]
        for n in contents
        if n not in gone and (decisions[contents[n]] or labels[contents[n]] in ("fake", "uncertain"))
    )
    problems = sum(states[n] in ("failed", "skipped") for n in states)
    tabs = (counted[""], counted["fake"], counted["real"], counted["unsure"])
    assert count_tabs(filled) == Counts(*tabs, problems)
    for tab, expected in zip((Tab.TO_REVIEW, Tab.FAKE, Tab.REAL, Tab.UNSURE), tabs, strict=True):
        assert count_matching(filled, Criteria(tab=tab)) == expected
    [asked] = [(statement, values) for statement, values in sent(filled, lambda: count_tabs(filled)) if "UNION ALL" in statement]
    assert ("-1" in str(asked[1])) is (lost <= FILES // 8)


@pytest.mark.parametrize("lost", [0, FILES // 8])
def test_the_rows_of_files_are_not_read_to_count_the_tabs(filled: Database, lost: int) -> None:
    """Their index of verdicts tells how many there are; the rows of those that have none any more are few."""
    with filled.write() as session:
        session.execute(text("UPDATE files SET state = 'missing' WHERE id <= :lost"), {"lost": lost})
    with filled.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if filled.file else "VACUUM ANALYZE")
    [(statement, values)] = [one for one in sent(filled, lambda: count_tabs(filled)) if "UNION ALL" in one[0]]
    with filled.read() as session:
        connection = session.connection()
        if filled.file is None:
            for way in ("seqscan", "hashjoin", "mergejoin", "bitmapscan"):  # as few rows are read at once
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        explain = "EXPLAIN QUERY PLAN " if filled.file else "EXPLAIN "
        plan = "\n".join(row[-1] for row in connection.exec_driver_sql(explain + statement, values))
    index_alone = (
        "files USING COVERING INDEX ix_files_detection_id" if filled.file else "Index Only Scan using ix_files_detection_id"
    )
    assert plan.count(index_alone) == 2, plan


def test_an_empty_database_has_no_page(database: Database) -> None:
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(File)) == 0
    for order in Order:
        for narrowed in ({}, {"folder": "/a"}, {"since": NOW}, {"model": "lite"}, {"evidence": "any"}, {"text": "a"}):
            assert queue_page(database, Criteria(order=order, **narrowed), after=None, limit=10) == ()
    assert count_tabs(database) == Counts(0, 0, 0, 0, 0)
