"""`dfscan benchmark`. Light to import: the network comes in when it runs."""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.base.addresses.user_paths import user_path
from scanner.base.escape import printable
from scanner.base.logs import print_text, tell
from scanner.base.settings import Settings
from scanner.cli.context import pass_settings

if TYPE_CHECKING:
    from ..service.benchmark.measure import Measured


@click.command()
@click.argument("folder")
@click.option("--sample", type=click.IntRange(min=1), help="How many files are measured, chosen at random (48 and more).")
@click.option("--device", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--no-faces", is_flag=True, help="Score each picture as a whole.")
@click.option("--videos", is_flag=True, help="Score videos, too (extra: video).")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def benchmark(
    settings: Settings, folder: str, sample: int | None, device: str | None, no_faces: bool, videos: bool, as_json: bool
) -> None:
    """Measure what this machine does with the pictures of FOLDER, stage by stage, and how long a scan of all would take.

    A random sample is read, decoded and scored; no verdict is stored, and nothing in FOLDER is changed.
    """
    path = Path(user_path(folder))
    if not path.is_dir():
        what = "a file" if path.exists() else "not there"
        raise click.UsageError(f"{printable(str(path))} is no folder: it is {what}; name a folder with pictures")
    from ..service.benchmark.measure import measure

    chosen = replace(
        settings,
        device=device or settings.device,
        faces=settings.faces and not no_faces,
        videos=videos or settings.videos,
    )
    with _ended_in_order():
        found = measure(path, chosen, sample, tell)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2))
        return
    for line in _lines(found):
        print_text(line)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM and a closed terminal end it as Ctrl-C does: nothing is left in the temporary folder."""
    kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {kind: signal.getsignal(kind) for kind in kinds}
    for kind, handler in before.items():
        if handler == signal.SIG_DFL:  # nohup ignores one of them
            signal.signal(kind, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _document(found: "Measured") -> dict[str, object]:
    return {
        "pictures": found.census.files,
        "bytes": found.census.bytes,
        "walk_seconds": found.census.seconds,
        "sample": found.sample,
        "unread": sum(found.failed.values()),
        "inputs_per_picture": found.inputs,
        "stages": {stage.name: {"seconds": stage.seconds, "per_second": stage.per_second} for stage in found.stages},
        "together_per_second": found.together,
        "slowest": found.slowest.name,
        "slowest_share": found.share,
        "estimated_seconds": found.whole_seconds,
        "model": found.model,
        "ran_on": found.ran_on,
        "decoders": found.decoders,
        "videos": found.census.videos,
        "unread_reasons": found.failed,
        "left_out": found.census.left_out,
        "unread_folders": list(found.census.unread),
        "copies_share": found.copies,
        "scanned": found.trial.files,
        "start_seconds": found.start_seconds,
        "work_seconds": found.work_seconds,
    }


def _lines(found: "Measured") -> Iterator[str]:
    from ..service.benchmark.census import files_text

    census, number = found.census, files_text(found.census.files)
    videos = f", {census.videos:,} of them videos" if census.videos else ""
    yield f"{number} to score{videos}: {_size(census.bytes)}"
    yield f"each stage alone, measured on {files_text(found.sample)} ({found.model} on {found.ran_on}):"
    for stage in found.stages:
        yield f"  {stage.name:14} {1000 * stage.seconds:9,.1f} ms a file {stage.per_second:9,.1f} files/s"
    yield f"  {found.slowest.name} takes most: {found.share:.0%} of a file's time; {found.inputs:.1f} inputs a picture"
    yield f"all together, on {files_text(found.trial.files)} with {found.decoders} decoders: {found.together:,.1f} files/s"
    start = _duration(found.start_seconds)
    yield f"a scan of {number}: about {_duration(found.whole_seconds)}, {start} of it to begin and end"
    copies = f"; some {found.copies:.0%} are copies of others, which are scored once" if found.copies >= 0.005 else ""
    yield f"  that is for one worker, if no file has a verdict yet{copies}"
    yield from _left_out(found)


def _left_out(found: "Measured") -> Iterator[str]:
    """What takes no part in it, and why."""
    for reason, count in found.failed.items():
        yield f"  {count:,} of {found.sample:,} measured cannot be scored: {reason}"
    for what, count in found.census.left_out.items():
        how = " (--videos takes them in)" if what == "videos" else " (links, devices and the like)"
        yield f"  left out: {count:,} {what}{how}"
    for folder in found.census.unread[:3]:
        yield f"  left out: {folder}"
    if len(found.census.unread) > 3:
        yield f"  left out: {len(found.census.unread) - 3:,} more folders that cannot be read"


def _size(size: int) -> str:
    unit, name = next((each for each in ((1e9, "GB"), (1e6, "MB")) if size >= each[0]), (1e3, "kB"))
    return f"{size / unit:,.1f} {name}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{seconds / 3600:,.1f} h"
