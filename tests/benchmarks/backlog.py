"""Real `dfscan worker` processes on a backlog of pictures that are taken as they are (setting faces = false)."""

import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from sqlalchemy import func, select

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.intake import batches, take_in
from scanner.discovery.walk import Found, walk
from scanner.domain.states import State
from scanner.jobs.queue import waker
from scanner.jobs.workers import live_workers

from .processes import running, wait_for
from .trees import open_new
from .verdict_rate import Verdicts, verdicts_in


@dataclass(frozen=True)
class Drained:
    """Seconds that it took, from the first row on; seconds of cores that workers and decoders had; and the verdicts."""

    seconds: float
    busy: float
    verdicts: Verdicts


def found_in(folder: Path) -> list[Found]:
    """The pictures in a folder, as a walk finds them."""
    return [entry for entry in walk(str(folder), root=str(folder), ignore=()) if isinstance(entry, Found)]


def drain(pictures: Sequence[Found], workers: int, **environment: str) -> Drained:
    """Take the pictures in once the workers are ready, and wait until nothing is pending."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        database = open_new(f"sqlite:///{place}/dfscan.sqlite")
        stack.callback(database.close)
        environment = {"DFSCAN_FACES": "0", **environment}
        started = [stack.enter_context(running(place, "worker", **environment)) for _ in range(workers)]
        wait_for(lambda: _all_live(place, database, started))
        wake = waker(Settings(data_dir=Path(place)))
        began, busy = time.perf_counter(), _busy(started)
        for batch in batches(pictures):
            take_in(database, batch, root_id=None, now=_now())
        for _ in range(workers):
            wake()
        wait_for(lambda: not _pending(database))
        return Drained(time.perf_counter() - began, _busy(started) - busy, verdicts_in(database))


def _all_live(place: str, database: Database, started: Sequence[subprocess.Popen[bytes]]) -> bool:
    if any(process.poll() is not None for process in started):
        logs = "".join(log.read_text("utf-8") for log in Path(place).glob("worker-*.log"))
        raise RuntimeError(f"a worker has ended before it began:\n{logs}")
    return len(live_workers(database, _now())) == len(started)


def _busy(started: Sequence[subprocess.Popen[bytes]]) -> float:
    tops = [psutil.Process(process.pid) for process in started]
    members = [each for top in tops for each in (top, *top.children(recursive=True))]
    return sum(sum(each.cpu_times()[:2]) for each in members)


def _pending(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(File).where(File.state == State.PENDING)) or 0


def _now() -> datetime:
    return datetime.now(UTC)
