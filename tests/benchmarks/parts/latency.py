"""How long after a file is copied into a watched folder its verdict is in the database; model warm."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.jobs.workers import live_workers

from ..measure import Figure, Sizes
from ..pictures import face_sized
from ..processes import running, wait_for
from ..trees import open_new

FILES = 20


def measure(sizes: Sizes) -> Iterator[Figure]:
    """Files are copied in one after the other, each once the one before has its verdict; the first is not counted."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "pictures"
        folder.mkdir()
        database = open_new(f"sqlite:///{place}/dfscan.sqlite")
        with running(place, "watch", str(folder)):
            wait_for(lambda: bool(live_workers(database, datetime.now(UTC))))
            latencies = [_latency(database, folder / f"{number}.jpg", number) for number in range(FILES + 1)][1:]
        database.close()
    yield Figure(f"median of {FILES} files, settle time of 2 s included", statistics.median(latencies), "s")
    yield Figure("the slowest of them", max(latencies), "s")


def _latency(database: Database, path: Path, seed: int) -> float:
    """Seconds from the end of writing to the verdict."""
    path.write_bytes(face_sized(seed))
    began = time.perf_counter()
    query = select(func.count()).select_from(File).where(File.path == str(path), File.state == "scored")
    while True:
        with database.read() as session:
            if session.scalar(query):
                return time.perf_counter() - began
        time.sleep(0.02)
