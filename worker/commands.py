"""`dfscan worker` and `dfscan model`. Light to import: torch comes in when a command runs."""

import json
import logging
import os
import sys
from dataclasses import asdict, replace

import click

from scanner.cli.context import pass_settings
from scanner.cli.logs import log_to_stderr
from scanner.settings import Settings


@click.command()
@click.option("--device", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Files that are claimed and predicted together.")
@click.option("--name", help="The worker's name; must be its own.")
@click.option("--supervised", is_flag=True, hidden=True, help="Stop when standard input ends.")
@pass_settings
def worker(settings: Settings, device: str | None, batch_size: int | None, name: str | None, supervised: bool) -> None:
    """Run one worker, for more processes or other machines."""
    from scanner.naming import worker_name

    from .process import run_worker

    log_to_stderr("%(asctime)s %(levelname)s %(message)s")
    chosen = replace(settings, device=device or settings.device, batch_size=batch_size or settings.batch_size)
    status = run_worker(
        chosen, name or worker_name(), supervised=supervised, say=lambda line: click.echo(f"worker ready: {line}", err=True)
    )
    # Everything is closed; taking torch apart would only make whoever stops us wait for seconds more.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


@click.group()
def model() -> None:
    """The checkpoints at hand."""


@model.command("list")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def list_models(settings: Settings, as_json: bool) -> None:
    """List bundled and imported checkpoints."""
    from .checkpoints import available_checkpoints

    found = available_checkpoints(settings.data_dir)
    if as_json:
        rows = [
            {
                "name": item.name,
                "recipe": item.card.recipe.name,
                "threshold": item.card.threshold,
                "band_low": item.card.band_low,
                "bundled": item.bundled,
                "active": item.name == settings.model,
                "path": str(item.path),
            }
            for item in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for item in found:
        mark = "*" if item.name == settings.model else " "
        origin = "bundled" if item.bundled else str(item.path)
        click.echo(f"{mark} {item.name:20} recipe {item.card.recipe.name:18} fake from {item.card.threshold:.3f}  {origin}")


@model.command("show")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def show_model(settings: Settings, name: str | None, as_json: bool) -> None:
    """Show what a checkpoint (default: the active one) says of itself."""
    from .checkpoints import find_checkpoint
    from .detector.card_text import card_text
    from .detector.checkpoint import file_sha256, read_card

    path = find_checkpoint(name or settings.model, settings.data_dir)
    card = read_card(path)
    if as_json:
        click.echo(json.dumps({"path": str(path), "sha256": file_sha256(path), **asdict(card)}, indent=2))
    else:
        click.echo(card_text(card, path, file_sha256(path)))
