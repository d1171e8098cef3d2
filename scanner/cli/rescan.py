"""`dfscan rescan`."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..base.addresses.parameters import USER_PATH
from ..base.logs import print_text
from ..base.settings import Settings
from .context import opened_database, pass_settings, say_unknown

if TYPE_CHECKING:
    from ..database.engine import Database
    from ..results.active_model import Checkpoint
    from ..results.model_comparison import Comparison


@click.command()
@click.argument("paths", nargs=-1, type=USER_PATH)
@click.option("--flips", is_flag=True, help="Only show which labels changed with the model, for images that both have judged.")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def rescan(settings: Settings, paths: tuple[str, ...], flips: bool, as_json: bool) -> None:
    """Let the active model judge what other models have judged, or what was judged by other settings (faces, frames of videos);
    limited to PATHS if there are any.

    The files become pending; `dfscan scan` or a running `dfscan watch` takes them up. Verdicts of the other models stay.
    """
    from ..domain.asked import Asked
    from ..jobs.queue import waker
    from ..results.active_model import active_checkpoint
    from ..results.problems import rescan_stale, wanted

    with opened_database(settings) as database:
        say_unknown(database, paths)
        model = active_checkpoint(settings)
        if flips:
            _show_flips(database, model, paths, as_json=as_json)
            return
        asked = Asked(model.sha256, settings.faces)
        count = rescan_stale(database, wanted(settings, model.sha256), database.now(), paths=paths, asked=asked)
        if count:
            waker(settings)()
            _warn_of_others(database, model)
    if as_json:
        click.echo(json.dumps({"model": vars(model), "pending": count}, indent=1))
    else:
        then = "; `dfscan scan` or a running `dfscan watch` takes them up, then `dfscan rescan --flips` compares" if count else ""
        print_text(f"{count:,} files wait for the verdict of {model.name}{then}")


def _show_flips(database: "Database", model: "Checkpoint", scope: Sequence[str], *, as_json: bool) -> None:
    from ..results.model_comparison import compare_models

    found = compare_models(database, model.sha256, paths=scope)
    if as_json:
        click.echo(_document(model, found))
    else:
        print_text(_text(model, found))


def _warn_of_others(database: "Database", model: "Checkpoint") -> None:
    """A worker that was started with another model leaves these files alone."""
    from ..jobs.workers import live_workers

    for name in sorted({worker.model for worker in live_workers(database, database.now())} - {model.name}):
        print_text(f"dfscan: a worker with the model {name} runs, which leaves them alone; start it anew", err=True)


def _document(model: "Checkpoint", found: "Comparison") -> str:
    items = [
        {"sha256": flip.sha256, "paths": flip.paths, "before": vars(flip.before), "after": vars(flip.after)}
        for flip in found.flips
    ]
    counts = [{"before": was, "after": became, "count": count} for (was, became), count in sorted(found.counts.items())]
    return json.dumps({"model": vars(model), "compared": found.compared, "counts": counts, "flips": items}, indent=1)


def _text(model: "Checkpoint", found: "Comparison") -> str:
    from ..base.escape import printable

    lines = [
        f"{flip.before.label:9} {flip.before.score:.3f} -> {flip.after.label:9} {flip.after.score:.3f}  {printable(path)}"
        for flip in found.flips
        for path in flip.paths
    ]
    changed = ", ".join(f"{count:,} {was} -> {became}" for (was, became), count in sorted(found.counts.items()) if was != became)
    return "\n".join(
        [*lines, f"{found.compared:,} images judged by {model.name} and before by another model: {changed or 'no label changed'}"]
    )
