"""`dfscan worker`: a worker with a supervisor of its own, where no `scan` or `watch` looks after it."""

import logging
from collections.abc import Callable
from datetime import datetime
from threading import Event
from time import monotonic

from ..base.settings import Settings
from ..base.trouble_log import TroubleLog
from ..base.troubles import shortage
from ..database.engine import Database, DatabaseUnavailable
from .leases import backlog, reconcile
from .queue import waker
from .supervisor import EmbeddedWorker

LOOK_SECONDS = 1.0
STOP_SECONDS = 30.0

log = logging.getLogger(__name__)


def run_lone_worker(settings: Settings, database: Database, stop: Event, now: Callable[[], datetime]) -> None:
    """Keep one worker going until `stop` is set; what it says goes to our standard error. Raises WorkerFailed."""
    worker = EmbeddedWorker(settings, database, now, logs_to_stderr=True)
    # Our own broker is no one else's where it is the embedded one: whoever takes files in on another machine cannot wake us.
    wake, next_reconcile = waker(settings), 0.0
    machine_trouble = TroubleLog(log, "the machine")
    worker.start()
    try:
        while not stop.wait(LOOK_SECONDS):
            try:
                model = worker.seen.model_sha256 if worker.seen else None
                worker.look_after(backlog(database, now(), model=model))
                if monotonic() >= next_reconcile:
                    reconcile(wake, database, now())
                    next_reconcile = monotonic() + settings.reconcile_seconds
                machine_trouble.works()
            except DatabaseUnavailable:
                continue  # the worker says so itself, and waits, too
            except OSError as error:
                if (reason := shortage(error)) is None:
                    raise
                machine_trouble.fails(reason)
    finally:
        worker.stop(STOP_SECONDS)
