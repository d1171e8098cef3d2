"""Celery's consumer, which waits out a broker that is away: its many lines about that become one when it goes and one when it
is back."""

import logging
import warnings
from typing import Any

from celery import Celery, bootsteps
from celery.exceptions import SecurityWarning

from scanner.base.trouble_log import TroubleLog
from scanner.jobs.broker_troubles import in_words
from scanner.jobs.wake_up import QUEUE

# How Celery's lines about a broker begin that is away, or that refuses its commands.
_RETRIES = ("consumer: ", "%s (%r)", "Frequent restarts")

log = logging.getLogger(__name__)


def consume(app: Celery) -> None:
    """Take wake-ups until told to stop."""
    trouble = TroubleLog(log, "the broker")
    says = _Says(trouble)
    logger = logging.getLogger("celery.worker.consumer.consumer")
    logger.addFilter(says)
    app.steps["consumer"].add(_step_of(trouble))
    with warnings.catch_warnings():
        # Celery warns of pickle when run as root; we take JSON only.
        warnings.simplefilter("ignore", SecurityWarning)
        worker = app.Worker(
            pool="solo",
            queues=[QUEUE],
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            loglevel="WARNING",
            quiet=True,
        )
    try:
        worker.start()
    finally:
        logger.removeFilter(says)


class _Says(logging.Filter):
    """Has `trouble` say it instead of Celery."""

    def __init__(self, trouble: TroubleLog) -> None:
        super().__init__()
        self._trouble = trouble

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is another one."""
        if not str(record.msg).startswith(_RETRIES):
            return True
        errors = [part for part in record.args or () if isinstance(part, BaseException)]
        self._trouble.fails(f"{in_words(errors[0]) if errors else record.getMessage()}; it is tried again until it answers")
        return False


def _step_of(trouble: TroubleLog) -> type[Any]:
    class Consumes(bootsteps.StartStopStep):  # type: ignore[misc]
        """Is started once the queue can be read from: a broker may take a connection, and then refuse its commands."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, _parent: Any) -> None:
            trouble.works()

    return Consumes
