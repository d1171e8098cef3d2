"""`dfscan watch`."""

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType

import click

from ..settings import Settings
from .context import opened_database, pass_settings, utc_now
from .logs import log_to_stderr


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--device", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--no-worker", is_flag=True, help="Leave the work to workers that already run.")
@pass_settings
def watch(settings: Settings, paths: tuple[Path, ...], device: str | None, no_worker: bool) -> None:
    """Score every image that is or comes under PATHS, until stopped.

    The folders are remembered: without PATHS, all remembered ones are watched. Ctrl-C or SIGTERM stops cleanly.
    """
    from ..roots import NoRoot, add_roots, known_roots, outermost
    from ..service import WatchService

    log_to_stderr("%(asctime)s %(message)s")
    chosen = replace(settings, device=device or settings.device)
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    with opened_database(chosen) as database:
        wanted = [os.path.abspath(os.path.expanduser(path)) for path in map(str, paths)]
        roots = outermost(add_roots(database, wanted, utc_now()) if wanted else known_roots(database))
        if not roots:
            raise NoRoot("no folder is watched yet; name one: dfscan watch ~/Pictures")
        for root in roots:
            click.echo(f"watching {root.path}", err=True)
        WatchService(chosen, database, roots, with_worker=not no_worker, now=utc_now, stop=stop).run()
    click.echo("stopped", err=True)
