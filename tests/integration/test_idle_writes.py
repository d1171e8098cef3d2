"""What a watch and a worker write while there is nothing to do: measured in the log of SQLite, which holds all of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scanner.database.engine import open_database
from scanner.jobs.leases import renew
from scanner.jobs.lock import KEEP_SECONDS, WATCH, acquire, keep, this_process
from scanner.jobs.workers import SIGN_SECONDS, report_in, show_sign

MOST_PER_HOUR = 2_000_000


@pytest.mark.parametrize("roots", [0, 40])
def test_an_idle_hour_writes_less_than_two_megabytes(
    tmp_path: Path, current_sqlite: Callable[[Path], str], now: datetime, roots: int
) -> None:
    database = open_database(current_sqlite(tmp_path / "a.sqlite"))
    holder = this_process()
    acquire(database, WATCH, holder, now)
    for number in range(1 + roots):
        report_in(database, f"worker {number}", device="cpu", model="lite", now=now)
    log = tmp_path / "a.sqlite-wal"
    moment = [now]

    def written(does: Callable[[], object]) -> int:
        before = log.stat().st_size
        does()
        return log.stat().st_size - before

    def keeps() -> None:
        moment[0] += timedelta(seconds=1)
        keep(database, WATCH, holder, moment[0])

    def shows() -> None:
        moment[0] += timedelta(seconds=1)
        show_sign(database, "worker 0", moment[0])

    keeps()
    assert written(lambda: renew(database, "worker 0", now=moment[0], lease_seconds=60)) == 0
    per_hour = 3600 / KEEP_SECONDS * written(keeps) + 3600 / SIGN_SECONDS * written(shows)
    database.close()
    assert 0 < per_hour < MOST_PER_HOUR
