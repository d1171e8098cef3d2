"""One worker process: loads the model, reports in, then lets Celery wake it."""

import faulthandler
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path

from celery.exceptions import WorkerShutdown
from celery.worker import state

from scanner.base.errors import KnownError
from scanner.base.escape import printable
from scanner.base.logs import keep_short, worker_log
from scanner.base.settings import Settings
from scanner.base.trouble_log import TroubleLog
from scanner.database.engine import Database, DatabaseChanged, open_database
from scanner.database.schema import is_prepared, prepare_schema
from scanner.domain.claims import Claimed
from scanner.jobs.exit_codes import EXIT_HUNG, EXIT_RENEW, EXIT_TROUBLE
from scanner.jobs.leases import release, renew
from scanner.jobs.path_map import parse_path_map
from scanner.jobs.queue import clear_embedded_queue, connection_of, make_app, wake
from scanner.jobs.wake_up import DRAIN
from scanner.jobs.workers import SIGN_SECONDS, note_trouble, report_in, report_out, show_sign
from scanner.media.video_reader import demand_video_reader
from scanner.results.record import register_model

from ..decoding.decoder_pool import DecoderPool
from ..decoding.limits import Limits
from ..detector.checkpoints.card import file_sha256
from ..detector.faces.face_finder import require_face_finder
from ..pipeline.deadline import Deadline
from ..pipeline.pipeline import drain
from ..pipeline.scoring import OutOfMemory
from ..pipeline.types import Worker
from .circuit_breaker import Breaker
from .consumer import consume
from .listeners import all_listeners
from .memory import memory_ceiling, resident_megabytes
from .model_loading import load_scorer
from .public_weights import chosen_checkpoint

# How long writing down whose fault a passed deadline was may take, before the process ends all the same.
LAST_WORDS_SECONDS = 10.0

log = logging.getLogger(__name__)


def run_worker(settings: Settings, name: str, *, supervised: bool, say: Callable[[str], None]) -> int:
    """Work until told to stop (SIGTERM, SIGINT, or end of standard input when `supervised`); returns the exit status.

    Raises KnownError when it cannot begin: no model, no device, no database, no face finder.
    """
    faulthandler.enable()
    keep_short(worker_log(settings.data_dir))
    parse_path_map(settings.path_map)  # before anything is begun
    demand_video_reader(settings)
    with ExitStack() as stack:
        database = open_database(settings.url)
        stack.callback(database.close)
        prepare_schema(database)
        if settings.faces:
            require_face_finder()
        decoders = stack.enter_context(
            DecoderPool(settings.decoders, Limits.of(settings), faces=settings.faces, scaled=settings.scaled_decode)
        )
        tell = stack.enter_context(all_listeners(settings))
        chosen = chosen_checkpoint(settings)
        worker = replace(load_worker(settings, chosen.path, name, database, decoders), tell=tell)
        decoders.warm_up()
        device = f"{worker.predictor.ran_on} ({worker.predictor.device.reason})"
        if chosen.notice:  # where a person sees what scans: `scan`, `status` and the window show the device
            device = f"{device}; {chosen.notice}"[:200]
        say(f"model {worker.model.name}, device {device}")
        clear_embedded_queue(settings)
        app = make_app(settings)
        connection_of(app).release()
        exit_status: list[int] = []
        app.task(name=DRAIN)(_task(worker, exit_status, memory_ceiling(settings.worker_megabytes)))
        report_in(
            database,
            name,
            device=device,
            model=worker.model.name,
            now=worker.now(),
            model_sha256=worker.model.sha256,
        )
        stack.callback(lambda: report_out(database, name, worker.now()))
        _show_signs(worker, exit_status)
        worker.deadline.watch()
        if supervised:
            _end_with_standard_input()
        wake(app)  # there may be a backlog already
        consume(app)
        return exit_status[0] if exit_status else 0


def load_worker(settings: Settings, checkpoint: Path, name: str, database: Database, decoders: DecoderPool) -> Worker:
    """What a worker process works with; the checkpoint is noted in the database. Raises what `load_scorer` raises."""
    predictor = load_scorer(checkpoint, settings)
    card = predictor.card
    model = register_model(
        database,
        sha256=file_sha256(checkpoint),
        name=checkpoint.stem,  # as it is called here
        card=asdict(card),
        threshold=card.threshold,
        band_low=card.band_low,
        now=database.now(),
    )
    deadline = Deadline(
        settings.file_seconds, settings.batch_seconds, lambda file, seconds: _expire(database, name, file, seconds)
    )
    path_map = parse_path_map(settings.path_map)
    return Worker(name, settings, database, predictor, model, decoders, database.now, deadline, path_map)


def _task(worker: Worker, exit_status: list[int], ceiling: int) -> Callable[[], None]:
    breaker = Breaker(_is_stopping)
    trouble_log = TroubleLog(log, "the work")

    def is_full() -> bool:
        return resident_megabytes() > ceiling

    def drain_backlog() -> None:
        """Drain, waiting out what is no file's fault and may pass."""
        while True:
            try:
                concluded = drain(worker, _is_stopping, is_full)
            except (KnownError, OutOfMemory) as trouble:
                if isinstance(trouble, DatabaseChanged) and _can_begin_anew(worker.database):
                    log.warning("%s; a fresh worker goes on", trouble)
                    exit_status.append(EXIT_RENEW)
                    raise WorkerShutdown(EXIT_RENEW) from trouble
                _say_trouble(worker, f"{trouble}; trying again in {breaker.next_seconds:g} s", trouble_log)
                breaker.pause()
                if _is_stopping():
                    return
                continue
            except Exception as error:
                # A bug, or a device that has failed. End, so that the supervisor starts a fresh process.
                log.exception("the worker cannot go on")
                exit_status.append(EXIT_TROUBLE)
                raise WorkerShutdown(EXIT_TROUBLE) from error
            break
        if breaker.has_paused:
            _say_trouble(worker, None, trouble_log)
        breaker.close()
        if concluded:
            log.info("%d files concluded", concluded)
        if is_full() and not _is_stopping():
            log.warning(
                "grown to %d MB, beyond %d (setting worker_megabytes): a fresh one goes on", resident_megabytes(), ceiling
            )
            exit_status.append(EXIT_RENEW)
            raise WorkerShutdown(EXIT_RENEW)

    return drain_backlog


def _can_begin_anew(database: Database) -> bool:
    """Whether the other database is ready; until it is, a fresh worker would end at once."""
    try:
        return is_prepared(database)
    except KnownError:
        return False


def _say_trouble(worker: Worker, trouble: str | None, trouble_log: TroubleLog) -> None:
    if trouble:
        trouble_log.fails(trouble)
    else:
        trouble_log.works()
    with suppress(KnownError):  # it may be the database that is away
        note_trouble(worker.database, worker.name, trouble)


def _expire(database: Database, name: str, file: Claimed | None, seconds: float) -> None:
    """End this process, whatever its main thread is stuck in; only the file at fault is charged, if it is known.

    If it is not, each in hand is: without that they would come back together for ever. Charged, they are soon taken one by one.
    """
    what = f"reading {printable(file.path)}" if file else "a batch"

    def give_back() -> None:
        if file is not None:
            release(database, name, [file.id], charge=True)
        release(database, name, charge=file is None)

    try:
        log.error("%s has taken %.0f s (file_seconds, batch_seconds): the worker ends, and another goes on", what, seconds)
        faulthandler.dump_traceback(2)  # Celery has put something else in the place of sys.stderr
        writing = threading.Thread(target=give_back, daemon=True)
        writing.start()
        writing.join(LAST_WORDS_SECONDS)
        logging.shutdown()
    finally:
        os._exit(EXIT_HUNG)


def _is_stopping() -> bool:
    return any(flag is not None and flag is not False for flag in (state.should_stop, state.should_terminate))


def _show_signs(worker: Worker, exit_status: list[int]) -> None:
    """Show that this process lives, from a thread of its own; where the database no longer knows it, it is to be replaced."""
    trouble = TroubleLog(log, "showing signs of life")
    settings = worker.settings
    seconds = min(SIGN_SECONDS, settings.hang_seconds / 3, settings.lease_seconds / 4)

    def go_on() -> None:
        ticker = threading.Event()
        while not ticker.wait(seconds):
            try:
                is_known = show_sign(worker.database, worker.name, worker.now())
                renew(worker.database, worker.name, now=worker.now(), lease_seconds=settings.lease_seconds)
            except KnownError as error:
                trouble.fails(str(error))
                continue
            trouble.works()
            if not is_known and not _is_stopping():
                log.warning("the database was made anew and knows nothing of this worker; a fresh one goes on")
                exit_status.append(EXIT_RENEW)
                os.kill(os.getpid(), signal.SIGTERM)
                return

    threading.Thread(target=go_on, name="signs", daemon=True).start()


def _end_with_standard_input() -> None:
    """The supervisor holds the other end of our standard input: when it dies, however it dies, we stop, too."""

    def wait() -> None:
        # Not through sys.stdin: its lock, held by a thread that never ends, would break the interpreter's shutdown.
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()
