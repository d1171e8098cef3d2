"""What people ask of a database, at three sizes: with the same answer, the time should stay the same."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from scanner.database.engine import Database
from scanner.ops.status import current_status
from scanner.results.problems import problems_page
from scanner.review.criteria import Criteria, Order, Tab
from scanner.review.review_queue import changed_since, count_tabs, queue_page, take_pulse

from ..measure import Figure, Limit, Sizes, in_turn, medians
from ..trees import fill, open_new

HITS = 5_000


def measure(sizes: Sizes) -> Iterator[Figure]:
    """The same questions to databases of a hundredth, a tenth and all of the rows; HITS of them are of today."""
    base: dict[str, float] = {}
    for rows in (sizes.rows // 100, sizes.rows // 10, sizes.rows):
        with tempfile.TemporaryDirectory() as place:
            database = open_new(f"sqlite:///{place}/dfscan.sqlite")
            fill(database, rows, recent=min(HITS, rows // 2))
            times = medians(in_turn(sizes.runs, **_commands(place), **_questions(database)))
            database.close()
        base = base or times
        for what, seconds in times.items():
            is_limited = what.startswith("report --since") and rows == sizes.rows
            limit = Limit("<", 1.0) if is_limited else None
            ratio = seconds / base[what]
            yield Figure(f"{what}, {rows:,} rows", seconds, "s", ratio, f"{sizes.rows // 100:,} rows", limit)


def _commands(data_dir: str) -> dict[str, Callable[[], object]]:
    dfscan = [sys.executable, "-m", "scanner", "--data-dir", data_dir]
    asked: dict[str, Sequence[str]] = {
        "report --since yesterday": ["report", "--since", "yesterday"],
        "report --since yesterday --json": ["report", "--since", "yesterday", "--json"],
        "status": ["status"],
    }
    return {name: partial(_run, [*dfscan, *words]) for name, words in asked.items()}


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _questions(database: Database) -> dict[str, Callable[[], object]]:
    """What the window asks, most often while it scrolls, and every other second."""
    questions: dict[str, Callable[[], object]] = {}
    for order in Order:
        criteria = Criteria(order=order)
        [*_, last] = queue_page(database, criteria, after=None, limit=100)
        questions[f"queue, {order}: first page"] = partial(queue_page, database, criteria, after=None, limit=100)
        questions[f"queue, {order}: next page"] = partial(queue_page, database, criteria, after=last, limit=100)
    real = replace(Criteria(), tab=Tab.REAL)
    questions["queue, decided real: page"] = partial(queue_page, database, real, after=None, limit=100)
    pulse = take_pulse(database)
    old = replace(pulse, finished_at=datetime.now(UTC) + timedelta(minutes=1))
    questions |= {
        "problems: page": partial(problems_page, database, after=None, limit=100),
        "marks of changes": partial(take_pulse, database),
        "what has changed": partial(changed_since, database, old, pulse, 500),
        "counts of the tabs": partial(count_tabs, database),
        "backlog, workers and folders": partial(current_status, database, datetime.now(UTC)),
    }
    return questions
