"""`dfscan worker`: a worker with a supervisor of its own, where no `scan` or `watch` looks after it."""

from collections.abc import Callable
from datetime import datetime
from threading import Event

from ..base.settings import Settings
from ..database.engine import Database, DatabaseUnavailable
from .leases import backlog
from .supervisor import EmbeddedWorker

LOOK_SECONDS = 1.0
STOP_SECONDS = 30.0


def run_lone_worker(settings: Settings, database: Database, stop: Event, now: Callable[[], datetime]) -> None:
    """Keep one worker going until `stop` is set; what it says goes to our standard error. Raises WorkerFailed."""
    worker = EmbeddedWorker(settings, database, now, logs_to_stderr=True)
    worker.start()
    try:
        while not stop.wait(LOOK_SECONDS):
            try:
                worker.look_after(backlog(database, now()))
            except DatabaseUnavailable:
                continue  # the worker says so itself, and waits, too
    finally:
        worker.stop(STOP_SECONDS)
