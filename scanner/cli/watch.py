"""`dfscan watch`."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING

import click

from ..base.addresses.parameters import USER_PATH
from ..base.escape import printable
from ..base.logs import JSON_VARIABLE, log_to_stderr, print_text, tell
from ..base.settings import Settings
from ..database.engine import Database, DatabaseUnavailable
from ..ops.liveness import Liveness
from .context import opened_database, pass_settings

if TYPE_CHECKING:
    from ..domain.asked import Asked
    from ..roots.roots import WatchedRoot


@click.command()
@click.argument("paths", nargs=-1, type=USER_PATH)
@click.option("--device", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--no-faces", is_flag=True, help="Score each picture as a whole, without looking for faces.")
@click.option("--accept", "accepted", is_flag=True, help="Take the folders for what they are now, even if other ones are known.")
@click.option("--forget", is_flag=True, help="Watch the folders no more: those that were deleted for good, for one.")
@click.option("--videos", is_flag=True, help="Score videos, too (extra: video).")
@click.option("--no-worker", is_flag=True, help="Leave the work to workers that already run.")
@click.option("--log-json", is_flag=True, help="Log one JSON object per line, the worker's lines too.")
@click.option("--metrics", "metrics_address", help="HOST:PORT of this machine for Prometheus metrics and /healthz.")
@pass_settings
def watch(
    settings: Settings,
    paths: tuple[str, ...],
    device: str | None,
    no_faces: bool,
    accepted: bool,
    forget: bool,
    videos: bool,
    no_worker: bool,
    log_json: bool,
    metrics_address: str | None,
) -> None:
    """Score every image that is or comes under PATHS, until stopped.

    The folders are remembered: without PATHS, all remembered ones are watched. Ctrl-C or SIGTERM stops cleanly.
    """
    from ..jobs.queue import why_polling
    from ..media.video_reader import demand_video_reader
    from ..roots.roots import NoRoot, add_roots, known_roots, outermost

    if log_json:
        os.environ[JSON_VARIABLE] = "1"
    log_to_stderr("%(asctime)s %(message)s")
    chosen = replace(
        settings,
        device=device or settings.device,
        faces=settings.faces and not no_faces,
        videos=videos or settings.videos,
        metrics_address=metrics_address or settings.metrics_address,
    )
    if not no_worker:
        demand_video_reader(chosen)
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    with opened_database(chosen, check=True) as database:
        if forget:
            _forget(database, paths)
            return
        roots = outermost(add_roots(database, paths, database.now()) if paths else known_roots(database))
        if not roots:
            raise NoRoot("no folder is watched yet; name one: dfscan watch ~/Pictures")
        if accepted and _accept(database, roots):
            return
        with _only_one(database) as keep_lock:
            if polling := why_polling(chosen):
                tell(polling)
            for root in roots:
                tell(f"watching {printable(root.path)}")
            _serve(chosen, database, roots, with_worker=not no_worker, stop=stop, keep_lock=keep_lock)
    tell("stopped")


def _forget(database: Database, paths: Sequence[str]) -> None:
    """Forget roots; what was in one that is no longer there is missing from now on. A watch that runs goes on without them."""
    from ..discovery.intake import mark_missing_path
    from ..roots.roots import NoRoot, known_roots, remove_root

    if not paths:
        raise click.UsageError("name the folders that are to be forgotten; `dfscan status` shows them")
    known = {root.path: root for root in known_roots(database)}
    for path in paths:
        if path not in known:
            raise NoRoot(f"{printable(path)} is not watched; `dfscan status` shows what is")
        remove_root(database, known[path].id)
        gone = 0 if os.path.lexists(path) else mark_missing_path(database, path, now=database.now())
        tell(f"{printable(path)} is watched no more; {gone:,} files in it are marked missing, and their verdicts are kept")


def _serve(
    settings: Settings,
    database: Database,
    roots: Sequence["WatchedRoot"],
    *,
    with_worker: bool,
    stop: threading.Event,
    keep_lock: Callable[[], bool],
) -> None:
    from ..services.watch import WatchService

    pulse = Liveness()
    service = WatchService(
        settings,
        database,
        roots,
        with_worker=with_worker,
        now=database.now,
        stop=stop,
        keep_lock=keep_lock,
        beat=pulse.beat,
        asked=_asked(settings, with_worker=with_worker),
    )
    with _metrics(settings, database, pulse):
        service.run()


def _asked(settings: Settings, *, with_worker: bool) -> "Asked":
    """What is asked of all that is found; a model that cannot be told is the worker's to complain of, and found out from it."""
    from ..domain.asked import Asked
    from ..results.active_model import ModelUnknown, asked_of

    try:
        return asked_of(settings, with_worker=with_worker)()
    except ModelUnknown:
        return Asked(None, settings.faces, settings.videos)


def _accept(database: Database, roots: Sequence["WatchedRoot"]) -> bool:
    """Take `roots` for what they are now; whether a watch that runs already goes on with them."""
    from ..jobs import lock
    from ..roots import ledger

    for root in roots:
        ledger.accept(database, root)
    holder = lock.current_holder(database, lock.WATCH, database.now())
    if holder is not None:
        print_text(f"accepted; the running watch (process {holder.pid} on {holder.host}) goes on with them")
    return holder is not None


@contextmanager
def _metrics(settings: Settings, database: Database, pulse: Liveness) -> Iterator[None]:
    if not settings.metrics_address:
        yield
        return
    from ..ops.metrics import serve_metrics

    server = serve_metrics(settings.metrics_address, database, pulse, database.now)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _only_one(database: Database) -> Iterator[Callable[[], bool]]:
    """Hold the lock of `watch`; gives what is to be called now and then to keep it."""
    from ..jobs import lock

    holder = lock.this_process()
    lock.acquire(database, lock.WATCH, holder, database.now())
    try:
        yield lambda: lock.keep(database, lock.WATCH, holder, database.now())
    finally:
        with suppress(DatabaseUnavailable):
            lock.release(database, lock.WATCH, holder)
