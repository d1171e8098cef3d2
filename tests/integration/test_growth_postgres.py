"""Postgres goes along the index of the queue's order, whatever it expects of the filters: it says so itself of each page."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event

from scanner.database.engine import Database, open_database
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.jobs import leases
from scanner.results.record import record, register_model
from scanner.review import access_path, review_queue
from scanner.review.criteria import Criteria, Order

NOW = datetime.fromisoformat("2026-11-01T12:00:00+00:00")


@pytest.fixture
def postgres(current_postgres: Callable[[], str]) -> Iterator[Database]:
    database = open_database(current_postgres())
    take_in(database, [Found(f"/r/{n}.jpg", 10, n) for n in range(40)], root_id=None, now=NOW)
    model = register_model(database, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=NOW)
    claimed = leases.claim(database, "anna", 40, now=NOW, lease_seconds=60, max_attempts=5)
    outcomes = [Scored(file, ContentFacts(f"{file.id:064x}", 10), 0.9, 0.1) for file in claimed]
    record(database, "anna", outcomes, model, device="cpu", now=NOW)
    yield database
    database.close()


def prefer(database: Database, **settings: object) -> None:
    """Have the server expect what makes it choose badly of millions of files."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        for setting, value in settings.items():
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET {setting} = {value}')
    database.engine.dispose()


def plans_of_pages(database: Database, ask: Callable[[], object]) -> list[str]:
    """How Postgres goes about the pages that `ask` takes, each in the transaction that it is asked in."""
    found: list[str] = []

    def explain(connection: Connection, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        if statement.startswith("SELECT") and "SELECT files.id" in statement and "ORDER BY" in statement:
            found.append("\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values)))

    event.listen(database.engine, "before_cursor_execute", explain)
    ask()
    event.remove(database.engine, "before_cursor_execute", explain)
    return found


@pytest.mark.parametrize(
    ("order", "filters"),
    [
        (Order.LEAST_CERTAIN, {"since": NOW - timedelta(days=1)}),
        (Order.NEWEST, {"score_from": 0.8, "score_to": 0.95}),
        (Order.DISAGREEMENT, {"model": "lite"}),
    ],
    ids=str,
)
def test_pages_are_not_sorted(postgres: Database, order: Order, filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_path, "FEW", 0)
    monkeypatch.setattr(access_path, "MANY", 0)
    criteria = Criteria(order=order, **filters)
    found = plans_of_pages(postgres, lambda: review_queue.queue_page(postgres, criteria, after=None, limit=10))
    assert found
    for plan in found:
        assert not re.search(r"^[ >-]*Sort  \(", plan, re.MULTILINE), plan
        # What is asked of the other table leads nowhere, whatever it is taken for before that table is analyzed.
        assert "model" in filters or re.search(r"COALESCE\(\(+(finished_at|decision)\b", plan), plan


@pytest.mark.parametrize("filters", [{"since": NOW - timedelta(days=1)}, {"folder": "/r"}], ids=str)
@pytest.mark.parametrize("order", [Order.MOST_CERTAIN, Order.DISAGREEMENT])
def test_what_few_files_pass_is_read_and_then_sorted(postgres: Database, order: Order, filters: dict[str, Any]) -> None:
    """Its own expectations would lead it in by the score, or along the index of the order, past millions of others."""
    prefer(postgres, enable_bitmapscan="off")
    criteria = Criteria(order=order, score_from=0.8, score_to=0.95, **filters)
    found = plans_of_pages(postgres, lambda: review_queue.queue_page(postgres, criteria, after=None, limit=10))
    assert found
    for plan in found:
        assert re.search(r"Sort  \(.*Subquery Scan", plan, re.DOTALL), plan
        assert not re.search("Index Cond:.*(score|disagreement|label|decision)\\b", plan), plan
        # It takes half of all verdicts to pass what it cannot look into, and so does not begin at those.
        assert re.search(r"COALESCE\(\(+decision\)::text = ''", plan), plan
        assert not re.search(r"COALESCE\(\(+(path|finished_at)\b", plan), plan


@pytest.mark.parametrize("few", [0, 20_000])
@pytest.mark.parametrize("order", [Order.NEWEST, Order.FOLDER])
def test_a_page_is_made_by_one_process_from_indexes(
    postgres: Database, few: int, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others read ahead of what it needs; whole tables, and a compiler, take longer than it."""
    cheap = ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size", "min_parallel_index_scan_size")
    prefer(postgres, **dict.fromkeys((*cheap, "jit_above_cost"), 0), random_page_cost=100)
    for name in ("FEW", "MANY"):
        monkeypatch.setattr(access_path, name, few)
    criteria = Criteria(order=order, since=NOW - timedelta(days=1), folder="/r")
    found = plans_of_pages(postgres, lambda: review_queue.queue_page(postgres, criteria, after=None, limit=10))
    assert found
    for plan in found:
        assert not re.search("Gather|JIT|Seq Scan|Hash Join|Merge Join|Materialize", plan), plan
        # Before it is analyzed, a table of millions seems to have few of each state: no index may lead to nearly all of them.
        assert re.search(r"COALESCE\(\(*state\)::text = ANY", plan), plan
        assert not re.search(r"Index Cond:.*\bstate\b", plan), plan


def test_a_model_without_verdicts_is_known_to_have_none(postgres: Database) -> None:
    """It is asked for by its number: of what a subquery would find Postgres knows nothing."""
    found = plans_of_pages(postgres, lambda: review_queue.queue_page(postgres, Criteria(model="gone"), after=None, limit=10))
    assert found
    assert not any("models" in plan for plan in found)
