"""What an archive of `--rows` files costs, on SQLite; `--files` of them are on the disk, and walked. `scale_postgres` is the same
on Postgres.

Times are of a core where this process does the work (SQLite), and by the clock where a server does. Memory is the highest of a
process of its own that does nothing else, beside the same with a tenth of the rows.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from scanner.database.engine import Database
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.jobs.leases import backlog, claim, release
from scanner.ops.status import current_status
from scanner.reports.report import opened_report
from scanner.results.problems import failed_kinds, problems_page, rescan_stale, retry_failed
from scanner.results.record import record, register_model
from scanner.review.criteria import Criteria, Order, Tab
from scanner.review.review_queue import count_tabs, queue_page, take_pulse
from scanner.roots.roots import add_roots, known_roots
from scanner.services.verify import prove

from ..archive import AWAY, fill_archive
from ..measure import Figure, Limit, Sizes, in_turn, medians
from ..trees import make_tree, open_new
from .sweep import bare_walk, sweep

PAGE = 100
BATCH = 16


def measure(sizes: Sizes) -> Iterator[Figure]:
    """On SQLite."""
    yield from measure_on("SQLite", _sqlite, sizes)


def measure_on(name: str, server: Callable[[], AbstractContextManager[str]], sizes: Sizes) -> Iterator[Figure]:
    """On one database; `server` gives the URL of an empty one."""
    memory: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        tops = {rows: Path(place) / str(rows) for rows in (sizes.rows // 10, sizes.rows)}
        for rows, top in tops.items():
            make_tree(top, min(sizes.files, rows))
        for rows, top in tops.items():
            on_disk = min(sizes.files, rows)
            with server() as url, _filled(url, top, rows, on_disk) as database:
                if rows == sizes.rows:
                    yield from _times(f"{name}, {rows:,} rows: ", database, top, on_disk, sizes.runs)
                for what, megabytes in _memory(url, top).items():
                    if rows == sizes.rows:
                        against = f"{rows // 10:,} rows"
                        limit = Limit("<=", 1.5, of_ratio=True)
                        label = f"{name}, {rows:,} rows: memory of {what}"
                        yield Figure(label, megabytes, "MB", megabytes / memory[what], against, limit)
                    memory[what] = megabytes


def _times(name: str, database: Database, top: Path, on_disk: int, runs: int) -> Iterator[Figure]:
    is_sqlite = database.file is not None
    clock = time.process_time if is_sqlite else time.perf_counter
    asked = _questions(database)
    times = medians(in_turn(runs, clock, **{what: ask for what, (ask, _limit) in asked.items()}))
    for what, seconds in times.items():
        limit = asked[what][1]
        yield Figure(name + what, 1000 * seconds, "ms", limit=Limit("<", limit) if limit else None)
    claimed = [_claim_and_record(database, clock) for _ in range(max(10, runs))]
    for number, (what, bound) in enumerate((("claim of 16", 5.0), ("record of 16", 0.0))):
        middle = sorted(pair[number] for pair in claimed)[len(claimed) // 2]
        yield Figure(name + what, 1000 * middle, "ms", limit=Limit("<", bound) if bound else None)
    [root] = [root for root in known_roots(database) if root.path == str(top)]
    walks = {"walk": lambda: bare_walk(str(top)), "verify": lambda: _prove(database, top), "sweep": lambda: sweep(database, root)}
    walked = medians(in_turn(runs, time.process_time, **walks))
    yield Figure(f"bare walk over {on_disk:,} files", walked["walk"], "s")
    for what, limit in (("verify", Limit("<=", 4.0, of_ratio=True)), ("sweep", None)):
        yield Figure(name + what + " of them", walked[what], "s", walked[what] / walked["walk"], "the bare walk", limit)
    for what, change in _CHANGES.items():
        began = clock()
        changed = change(database)
        yield Figure(f"{name}{what}, {changed:,} files", clock() - began, "s")


def _questions(database: Database) -> dict[str, tuple[Callable[[], object], float]]:
    """What is asked, and within how many milliseconds it is to be answered (0: it may grow)."""
    now = datetime.now(UTC)
    day = now - timedelta(days=1)
    filters: dict[str, Criteria] = {
        "": Criteria(),
        " of a root": Criteria(folder=AWAY),
        " of a model": Criteria(model="new"),
        " of a label": Criteria(labels=("fake",)),
        " of a day": Criteria(since=day),
        " of a score": Criteria(score_from=0.8, score_to=0.9),
        ", decided fake": Criteria(tab=Tab.FAKE),
        ", decided unsure": Criteria(tab=Tab.UNSURE),
    }
    asked: dict[str, tuple[Callable[[], object], float]] = {}
    for name, narrowed in filters.items():
        for order in Order:
            criteria = replace(narrowed, order=order)
            page = queue_page(database, criteria, after=None, limit=3000)
            asked[f"queue{name}, {order}: page"] = partial(queue_page, database, criteria, after=None, limit=PAGE), 10.0
            if len(page) == 3000:
                asked[f"queue{name}, {order}: far page"] = (
                    partial(queue_page, database, criteria, after=page[-1], limit=PAGE),
                    10.0,
                )
    return asked | {
        "search, common": (partial(queue_page, database, Criteria(text="IMG"), after=None, limit=PAGE), 0),
        "search, nothing found": (partial(queue_page, database, Criteria(text="zebra"), after=None, limit=PAGE), 0),
        "problems: page": (partial(problems_page, database, after=None, limit=PAGE), 10),
        "what has changed": (partial(take_pulse, database), 10),
        "counts of the tabs": (partial(count_tabs, database), 0),
        "report of a day": (partial(_report, database, since=day), 500),
        "report of a day in a year": (partial(_report, database, since=now - timedelta(200), until=now - timedelta(199)), 500),
        "report of all, head": (partial(_report, database, limit=50), 0),
        "status": (partial(current_status, database, now), 0),
        "backlog": (partial(backlog, database, now), 0),
        "failures by kind": (partial(failed_kinds, database, paths=()), 0),
    }


def _report(database: Database, **asked: datetime | int) -> int:
    with opened_report(database, **asked) as (_summary, items):  # type: ignore[arg-type]
        return sum(1 for _ in items)


def _claim_and_record(database: Database, clock: Callable[[], float]) -> tuple[float, float]:
    now = datetime.now(UTC)
    model = register_model(database, sha256="n", name="new", card={}, threshold=0.75, band_low=0.5, now=now)
    began = clock()
    claimed = claim(database, "bench", BATCH, now=now, lease_seconds=60, max_attempts=5)
    taken = clock()
    outcomes = [Scored(file, ContentFacts(f"b{file.id:063x}", 10), 0.1, 0.1) for file in claimed]
    record(database, "bench", outcomes, model, device="cpu", now=now)
    return taken - began, clock() - taken


def _prove(database: Database, top: Path) -> None:
    assert not prove(database, [str(top)], roots=[str(top)], ignore=()).unexplained


_CHANGES: dict[str, Callable[[Database], int]] = {
    "retry": lambda database: retry_failed(database, paths=(), kind=None, now=datetime.now(UTC)),
    "rescan": lambda database: rescan_stale(database, "n", datetime.now(UTC)),
    "release": lambda database: release(database, "bench", charge=False),
}
_ALONE: dict[str, Callable[[Database, Path], object]] = {
    "a sweep": lambda database, top: sweep(database, next(root for root in known_roots(database) if root.path == str(top))),
    "verify": _prove,
    "a report of all": lambda database, _top: _report(database),
    "rescan": lambda database, _top: rescan_stale(database, "other", datetime.now(UTC)),
}


def _memory(url: str, top: Path) -> dict[str, float]:
    """Megabytes that a process took at most, for each of _ALONE."""
    found = {}
    for what in _ALONE:
        command = [sys.executable, "-m", __name__, url, str(top), what]
        found[what] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


@contextmanager
def _filled(url: str, top: Path, rows: int, on_disk: int) -> Iterator[Database]:
    """A database of `rows` files, of which the first `on_disk` below `top` are there."""
    database = open_new(url)
    try:
        [root] = add_roots(database, [str(top)], datetime.now(UTC))
        sweep(database, root)
        fill_archive(database, rows, on_disk=on_disk)
        yield database
    finally:
        database.close()


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place:
        yield f"sqlite:///{place}/dfscan.sqlite"


if __name__ == "__main__":
    opened = open_new(sys.argv[1])
    _ALONE[sys.argv[3]](opened, Path(sys.argv[2]))
    # Not what getrusage tells: that begins with what the process that started this one takes.
    told = Path("/proc/self/status").read_text("ascii").splitlines()
    print(json.dumps(next(int(line.split()[1]) for line in told if line.startswith("VmHWM:")) / 1024))
