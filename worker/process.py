"""One worker process: loads the model, reports in, then lets Celery wake it."""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from celery import Celery
from celery.exceptions import SecurityWarning, WorkerShutdown
from celery.worker import state

from scanner.database.engine import Database, open_database
from scanner.database.schema import prepare_schema
from scanner.errors import KnownError
from scanner.queue import DRAIN, QUEUE, clear_embedded_queue, make_app, wake
from scanner.settings import Settings
from scanner.verdicts import register_model
from scanner.workers import SIGN_SECONDS, report_in, report_out, show_sign

from .checkpoints import find_checkpoint
from .decoding import DecoderPool, Limits
from .detector.backbones import BackboneFiles
from .detector.checkpoint import file_sha256
from .detector.device import choose_device
from .detector.predictor import load_predictor
from .drain import Worker, drain

# What the process ends with when someone can mend the cause; the supervisor shows the last message then.
EXIT_TROUBLE = 3

log = logging.getLogger(__name__)


def run_worker(settings: Settings, name: str, *, supervised: bool, say: Callable[[str], None]) -> int:
    """Work until told to stop (SIGTERM, SIGINT, or end of standard input when `supervised`); returns the exit status.

    Raises KnownError when it cannot begin: no model, no device, no database.
    """
    with ExitStack() as stack:
        database = open_database(settings.url)
        stack.callback(database.close)
        prepare_schema(database)
        limits = Limits(int(settings.max_megapixels * 1e6), settings.decode_seconds, settings.decode_megabytes)
        decoders = stack.enter_context(DecoderPool(settings.decoders, limits))
        worker = _load(settings, name, database, decoders)
        decoders.warm_up()
        device = f"{worker.predictor.device.name} ({worker.predictor.device.reason})"
        say(f"model {worker.model.name}, device {device}")
        clear_embedded_queue(settings)
        app = make_app(settings)
        exit_status: list[int] = []
        app.task(name=DRAIN)(_task(worker, exit_status))
        report_in(database, name, device=device, model=worker.model.name, now=worker.now())
        stack.callback(lambda: report_out(database, name, worker.now()))
        _show_signs(database, name, worker.now)
        if supervised:
            _end_with_standard_input()
        wake(app)  # there may be a backlog already
        _consume(app)
        return exit_status[0] if exit_status else 0


def _load(settings: Settings, name: str, database: Database, decoders: DecoderPool) -> Worker:
    def now() -> datetime:
        return datetime.now(UTC)

    path = find_checkpoint(settings.model, settings.data_dir)
    files = BackboneFiles(clip=Path(settings.clip_weights) if settings.clip_weights else None)
    predictor = load_predictor(path, choose_device(settings.device), files=files, micro_batch=settings.batch_size)
    card = predictor.card
    model = register_model(
        database,
        sha256=file_sha256(path),
        name=card.name,
        card=asdict(card),
        threshold=card.threshold,
        band_low=card.band_low,
        now=now(),
    )
    return Worker(name, settings, database, predictor, model, decoders, now)


def _task(worker: Worker, exit_status: list[int]) -> Callable[[], None]:
    def drain_backlog() -> None:
        try:
            concluded = drain(worker, _is_stopping)
        except Exception as error:
            # Nothing here is one file's fault. End, so that the supervisor starts a fresh process, or says what is wrong.
            if isinstance(error, KnownError):
                log.error("%s", error)  # noqa: TRY400  (no traceback for what can be mended)
            else:
                log.exception("the worker cannot go on")
            exit_status.append(EXIT_TROUBLE)
            raise WorkerShutdown(EXIT_TROUBLE) from error
        if concluded:
            log.info("%d files concluded", concluded)

    return drain_backlog


def _is_stopping() -> bool:
    return any(flag is not None and flag is not False for flag in (state.should_stop, state.should_terminate))


def _consume(app: Celery) -> None:
    with warnings.catch_warnings():
        # Celery warns of pickle when run as root; we take JSON only.
        warnings.simplefilter("ignore", SecurityWarning)
        consumer = app.Worker(
            pool="solo",
            queues=[QUEUE],
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            loglevel="WARNING",
            quiet=True,
        )
    consumer.start()


def _show_signs(database: Database, name: str, now: Callable[[], datetime]) -> None:
    def go_on() -> None:
        ticker = threading.Event()
        while not ticker.wait(SIGN_SECONDS):
            try:
                show_sign(database, name, now())
            except KnownError as error:
                log.warning("%s", error)

    threading.Thread(target=go_on, name="signs", daemon=True).start()


def _end_with_standard_input() -> None:
    """The supervisor holds the other end of our standard input: when it dies, however it dies, we stop, too."""

    def wait() -> None:
        # Not through sys.stdin: its lock, held by a thread that never ends, would break the interpreter's shutdown.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()
