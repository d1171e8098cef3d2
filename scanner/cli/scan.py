"""`dfscan scan`."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

import click

from ..base.addresses.parameters import USER_PATH
from ..base.escape import escaped, printable
from ..base.logs import print_text
from ..base.settings import Settings
from .context import opened_database
from .report import FORCE, LIMIT, OUTPUT, report_target, write_report

if TYPE_CHECKING:
    from ..database.engine import Database
    from ..domain.asked import Asked

EXIT_FLAGGED, EXIT_FAILED = 1, 2
PLAIN_LINE_SECONDS = 10.0


@click.command()
@click.argument("paths", nargs=-1, required=True, type=USER_PATH)
@click.option("--device", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--no-faces", is_flag=True, help="Score each picture as a whole, without looking for faces.")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv", "html"]), default="table", show_default=True)
@click.option("--json", "as_json_flag", is_flag=True, help="Short for --format json.")
@OUTPUT
@FORCE
@LIMIT
@click.option("--videos", is_flag=True, help="Score videos, too (extra: video).")
@click.option("--no-worker", is_flag=True, help="Leave the work to workers that already run.")
@click.pass_context
def scan(
    ctx: click.Context,
    paths: tuple[str, ...],
    device: str | None,
    no_faces: bool,
    form: str,
    as_json_flag: bool,
    output: str | None,
    force: bool,
    limit: int,
    videos: bool,
    no_worker: bool,
) -> None:
    """Score all images under PATHS now, and report them.

    Exit status: 0 nothing flagged, 1 something flagged, 2 some file failed, or is named in PATHS and no image.
    """
    from ..domain.asked import ANYTHING
    from ..media.video_reader import demand_video_reader
    from ..reports.report import opened_report
    from ..results.active_model import asked_of
    from ..services.scan import ScanProgress, leaves_out, pending_under, take_in_paths, work_until_done

    settings: Settings = ctx.obj
    form = "json" if as_json_flag else form
    chosen = replace(
        settings,
        device=device or settings.device,
        faces=settings.faces and not no_faces,
        videos=videos or settings.videos,
    )
    if not no_worker:
        demand_video_reader(chosen)
    with opened_database(chosen, check=True) as database:
        asked = asked_of(chosen, with_worker=not no_worker)
        target = report_target(chosen, database, output, force=force, also_protected=paths)
        taken = take_in_paths(chosen, database, paths, database.now, asked)
        compared = f" ({taken.compared:,} of them to be compared again)" if taken.compared else ""
        print_text(f"{taken.new:,} new, {taken.changed:,} changed, {taken.known:,} already known{compared}", err=True)
        is_named = no_faces or bool(ctx.meta["dfscan.flags"].get("model"))
        _judge_anew(chosen, database, paths, asked, is_named=is_named)
        with _told_when_stopped(database, paths), _progress() as show:

            def on_progress(progress: ScanProgress) -> None:
                show(progress.total, progress.total - progress.pending, progress.workers)

            is_work = bool(pending_under(database, paths))
            work_until_done(
                chosen,
                database,
                paths,
                with_worker=not no_worker,
                now=database.now,
                show=on_progress,
                asked=asked() if is_work else ANYTHING,
            )
        with opened_report(database, paths=paths, limit=limit if form == "table" else 0, of_these=True) as (found, items):
            write_report(found, items, form, target)
        gone = [path for path in paths if not os.path.lexists(path)]
        for path in gone:
            print_text(
                f"dfscan: {printable(path)} was moved away or deleted while it was scanned; name it where it is now", err=True
            )
        failed = found.failed or gone or leaves_out(database, paths)
    sys.exit(EXIT_FAILED if failed else EXIT_FLAGGED if found.flagged else 0)


@contextmanager
def _told_when_stopped(database: "Database", paths: tuple[str, ...]) -> Iterator[None]:
    """On Ctrl-C: that nothing is lost, and how it goes on."""
    from ..services.scan import pending_under

    try:
        yield
    except KeyboardInterrupt:
        left = pending_under(database, paths)
        print_text(f"stopped; verdicts are kept, and {left:,} files wait: the same command goes on with them", err=True)
        raise


def _judge_anew(
    settings: Settings, database: "Database", paths: tuple[str, ...], asked: "Callable[[], Asked]", *, is_named: bool
) -> None:
    """What has a verdict of another model or made otherwise is judged as the command line asks, where that names it."""
    from ..results.problems import count_stale, rescan_stale, wanted

    if is_named:
        rescan_stale(database, wanted(settings, asked().model), database.now(), paths=paths, asked=asked())
        return
    stale = count_stale(database, wanted(settings, None), paths=paths)
    if stale:
        print_text(f"{stale:,} verdicts were made with other settings; `dfscan rescan` has them made anew", err=True)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, tuple[str, ...]], None]]:
    """A bar with rate and time left on a terminal, a plain line now and then elsewhere; both on standard error."""
    if sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _plain_lines()


@contextmanager
def _bar() -> Iterator[Callable[[int, int, tuple[str, ...]], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("loading the model", total=None, rate="")
        said: set[str] = set()
        speed = _Speed()

        def show(total: int, done: int, workers: tuple[str, ...]) -> None:
            for device in set(workers) - said:
                progress.console.print(f"device: {escaped(device)}", highlight=False, markup=False)
                said.add(device)
            rate = speed.of(done, workers)
            text = f"{rate:,.1f}/s" if rate else ""
            progress.update(
                task, description="scoring" if workers else "loading the model", total=total, completed=done, rate=text
            )

        yield show


def _plain_lines() -> Callable[[int, int, tuple[str, ...]], None]:
    said: set[str] = set()
    speed = _Speed()
    last = monotonic()

    def show(total: int, done: int, workers: tuple[str, ...]) -> None:
        nonlocal last
        for device in set(workers) - said:
            print_text(f"device: {device}", err=True)
            said.add(device)
        rate = speed.of(done, workers)
        if (monotonic() - last >= PLAIN_LINE_SECONDS or done == total) and rate:
            last = monotonic()
            print_text(f"{done:,} of {total:,}, {rate:,.1f}/s, {(total - done) / rate:,.0f} s left", err=True)

    return show


class _Speed:
    """Files per second since a worker was first seen ready: loading the model is no measure of what is left."""

    def __init__(self) -> None:
        self._began: tuple[float, int] | None = None

    def of(self, done: int, workers: tuple[str, ...]) -> float:
        """The rate now, or 0 while there is none."""
        if self._began is None:
            if workers:
                self._began = (monotonic(), done)
            return 0.0
        began, first = self._began
        return (done - first) / max(monotonic() - began, 0.1)
