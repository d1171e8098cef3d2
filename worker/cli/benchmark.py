"""`dfscan benchmark`. Light to import: the network comes in when it runs."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.base.addresses.user_paths import user_path
from scanner.base.escape import printable
from scanner.base.logs import print_text, tell
from scanner.base.settings import Settings
from scanner.cli.context import pass_settings

if TYPE_CHECKING:
    from ..service.benchmark import Measured


@click.command()
@click.argument("folder")
@click.option("--sample", type=click.IntRange(min=1), help="How many pictures are measured, chosen at random (48).")
@click.option("--device", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--no-faces", is_flag=True, help="Score each picture as a whole.")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def benchmark(settings: Settings, folder: str, sample: int | None, device: str | None, no_faces: bool, as_json: bool) -> None:
    """Measure what this machine does with the pictures of FOLDER, stage by stage, and how long all of them would take.

    A random sample is read, decoded and scored; nothing is stored.
    """
    path = Path(user_path(folder))
    if not path.is_dir():
        raise click.UsageError(f"{printable(str(path))} is no folder")
    from ..service.benchmark import SAMPLE, measure

    chosen = replace(settings, device=device or settings.device, faces=settings.faces and not no_faces)
    found = measure(path, chosen, sample or SAMPLE, tell)
    if as_json:
        click.echo(json.dumps(_document(found), indent=2))
        return
    for line in _lines(found):
        print_text(line)


def _document(found: "Measured") -> dict[str, object]:
    return {
        "pictures": found.census.pictures,
        "bytes": found.census.bytes,
        "walk_seconds": found.census.seconds,
        "sample": found.sample,
        "unread": found.unread,
        "inputs_per_picture": found.inputs,
        "stages": {stage.name: {"seconds": stage.seconds, "per_second": stage.per_second} for stage in found.stages},
        "together_per_second": found.together,
        "slowest": found.slowest.name,
        "slowest_share": found.share,
        "estimated_seconds": found.whole_seconds,
        "model": found.model,
        "ran_on": found.ran_on,
        "decoders": found.decoders,
    }


def _lines(found: "Measured") -> list[str]:
    census = found.census
    lines = [
        f"{census.pictures:,} pictures, {census.bytes / 1e9:,.1f} GB, found in {census.seconds:.1f} s",
        f"measured on {found.sample} of them, each stage alone ({found.model} on {found.ran_on}):",
    ]
    lines += [
        f"  {stage.name:14} {1000 * stage.seconds:9,.1f} ms a picture {stage.per_second:9,.1f} pictures/s"
        for stage in found.stages
    ]
    if found.unread:
        lines.append(f"  {found.unread} of the sample cannot be read")
    lines += [
        f"together, with {found.decoders} decoders: {found.together:,.1f} pictures/s; {found.inputs:.1f} inputs a picture",
        f"{found.slowest.name} takes most: {found.share:.0%} of a picture's time",
        f"all {census.pictures:,} pictures: about {_duration(found.whole_seconds)} with one worker, if no two are the same",
    ]
    return lines


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{timedelta(minutes=minutes).total_seconds() / 3600:.1f} h"
