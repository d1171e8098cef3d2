"""What `watch` takes while nothing happens and it knows all files of a large tree: time of a core, and memory."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
from sqlalchemy import text

from scanner.jobs.workers import live_workers
from scanner.roots.roots import add_roots, known_roots

from ..measure import Figure, Limit, Sizes
from ..processes import running, wait_for
from ..trees import make_tree, open_new
from .sweep import sweep

SECONDS = 30.0
QUIET_SECONDS = 5.0


def measure(sizes: Sizes) -> Iterator[Figure]:
    """After the first sweep: the service and its watcher process, which are limited, and the worker that waits beside them."""
    with tempfile.TemporaryDirectory() as place:
        top = Path(place) / "pictures"
        make_tree(top, sizes.files)
        database = open_new(f"sqlite:///{place}/dfscan.sqlite")
        [root] = add_roots(database, [str(top)], _now())
        sweep(database, root)
        with database.write() as session:
            session.execute(text("UPDATE files SET state = 'scored', finished_at = pending_since"))
        with running(place, "watch", str(top)) as service:
            wait_for(lambda: bool(known_roots(database)[0].swept_at and live_workers(database, _now())))
            time.sleep(QUIET_SECONDS)
            members = _members(psutil.Process(service.pid))
            before = {name: _seconds(processes) for name, processes in members.items()}
            time.sleep(SECONDS)
            for name, processes in members.items():
                share = 100 * (_seconds(processes) - before[name]) / SECONDS
                limited = name != "worker and decoders"
                yield Figure(f"{name}, {sizes.files:,} files: of a core", share, "%", limit=Limit("<", 1.0) if limited else None)
                memory = sum(process.memory_info().rss for process in processes) / 1e6
                yield Figure(f"{name}: memory", memory, "MB", limit=Limit("<", 150.0) if limited else None)
        database.close()


def _members(service: psutil.Process) -> dict[str, list[psutil.Process]]:
    children = service.children()
    [watcher] = [child for child in children if "scanner.discovery.watcher" in child.cmdline()]
    worker = [each for child in children if child != watcher for each in (child, *child.children(recursive=True))]
    return {"service": [service], "watcher": [watcher], "worker and decoders": worker}


def _seconds(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _now() -> datetime:
    return datetime.now(UTC)
