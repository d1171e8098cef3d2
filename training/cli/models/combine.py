"""`dfscan model combine`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scanner.base.addresses.parameters import USER_FILE
from scanner.base.escape import in_shell, printable
from scanner.base.logs import print_text
from scanner.base.settings import Settings

from ..context import Share, pass_settings

if TYPE_CHECKING:
    from worker.detector.checkpoints.card import CheckpointCard
    from worker.detector.inference.scorer import Scorer

    from ...data.manifest import Row
    from ...heads.late_fusion import Scored


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--data", "manifest_path", required=True, type=USER_FILE, help="The manifest (CSV): pictures of several sources.")
@click.option("--split", default="train", show_default=True, help="What the weights are fitted on.")
@click.option("--name", help="What the combination is called; without it, after its parts.")
@click.option("--fpr", default="1%", type=Share(), show_default=True, help="How many real pictures may be called fake.")
@click.option("--flagged", type=Share(), help="How many may be flagged at all, five times --fpr without it.")
@click.option(
    "--folds", default=8, show_default=True, type=click.IntRange(min=2), help="Of sources: each is judged by the others."
)
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", default=1, show_default=True, type=click.IntRange(min=0), help="Processes that load pictures.")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def combine(
    settings: Settings,
    names: tuple[str, ...],
    manifest_path: Path,
    split: str,
    name: str | None,
    fpr: float,
    flagged: float | None,
    folds: int,
    device: str,
    loaders: int,
    as_json: bool,
) -> None:
    """Make one model of several (NAMES): a weighted sum of their scores, fitted on the pictures of a manifest.

    Each stays a model of its own, with its own preprocessing and rules; the new one names them, and needs them all.
    """
    import json
    from datetime import UTC, datetime

    from worker.detector.checkpoints.checkpoint import write_checkpoint
    from worker.detector.image.picture import prepare_pillow
    from worker.detector.inference.registry import new_name, new_path

    from ...data.manifest import read_manifest
    from ...evaluation.calibration import Bars
    from ...heads.combined_card import combined_card, no_gain
    from ...heads.late_fusion import fit_fusion, folds_of, out_of_fold

    parts = _parts(settings, names)
    name = name or new_name("+".join(names)[:90], settings.data_dir)
    target = new_path(name, settings.data_dir)
    manifest = read_manifest(manifest_path)
    rows = manifest.of_split(split)
    folds_of(rows, folds)  # what cannot be fitted is said before hours of scoring
    prepare_pillow()
    scorers = [_loaded(settings, path, device) for path in parts]
    cards = [scorer.card for scorer in scorers]
    _warn_of_known(names, cards, rows, split)
    found = _scored(parts, scorers, rows, loaders)
    fusion, logits_I = fit_fusion(found), out_of_fold(found, folds)
    bars = Bars(fake_fpr=fpr, flagged_fpr=min(0.5, 5 * fpr) if flagged is None else flagged)
    data = {"manifest": manifest_path.name, "manifest_sha256": manifest.sha256, "split": split, "folds": folds}
    card = combined_card(name, fusion, cards, found, logits_I, bars, data=data, now=datetime.now(UTC))
    write_checkpoint(target, {}, card)
    if as_json:
        click.echo(json.dumps({"path": str(target), "name": name, **_told(card)}, indent=2))
        return
    _say(card)
    print_text(f"written to {printable(str(target))}")
    if doubt := no_gain(card.metrics["beside"]):
        print_text(f"note: {doubt}", err=True)
    print_text(f"`dfscan model use {in_shell(name)}` scans with it", err=True)


def _parts(settings: Settings, names: tuple[str, ...]) -> list[Path]:
    """The files of the models that are to be combined. Raises CheckpointError and UsageError."""
    from worker.detector.checkpoints.card import CheckpointError, read_card
    from worker.detector.checkpoints.late_fusion import FEWEST_PARTS, MOST_PARTS
    from worker.detector.inference.registry import bundled_folder, find_checkpoint, models_folder

    if not FEWEST_PARTS <= len(names) <= MOST_PARTS or len(set(names)) < len(names):
        raise click.UsageError(f"name {FEWEST_PARTS} to {MOST_PARTS} models, each once")
    paths = [find_checkpoint(each, settings.data_dir) for each in names]
    for each, path in zip(names, paths, strict=True):
        if path.parent.resolve() not in (models_folder(settings.data_dir).resolve(), bundled_folder().resolve()):
            raise CheckpointError(f"{path} is not among the models here, where scanning finds it: `dfscan model import` it first")
        if read_card(path).fusion:
            raise CheckpointError(f"{each!r} is a combination itself: name the models that it is made of")
    return paths


def _loaded(settings: Settings, path: Path, device: str) -> "Scorer":
    from worker.detector.imported.loading import load_network
    from worker.detector.weights.public_weights import backbone_files

    clip = Path(settings.clip_weights) if settings.clip_weights else None
    return load_network(path, device, files=backbone_files(settings.data_dir, clip), micro_batch=settings.batch_size)


def _warn_of_known(names: Sequence[str], cards: "Sequence[CheckpointCard]", rows: "Sequence[Row]", split: str) -> None:
    """Say which models were trained on sources of the pictures: there they are surer than elsewhere, and weigh too much."""
    if split != "train":
        return
    sources = {row.source for row in rows} | {row.source.partition(":")[0] for row in rows}
    for each, card in zip(names, cards, strict=True):
        trained = {source.partition(" (")[0] for source in card.training.get("sources", ())}
        if known := sorted(sources & trained):
            print_text(
                f"{each} was trained on pictures of {', '.join(known[:5])}{' ...' if len(known) > 5 else ''}: there it is surer "
                "than elsewhere, and weighs too much; name pictures that it does not know, as with --split val",
                err=True,
            )


def _scored(parts: Sequence[Path], scorers: "Sequence[Scorer]", rows: "Sequence[Row]", loaders: int) -> "Scored":
    """What all parts say of each picture, shown once for all."""
    from worker.detector.checkpoints.card import file_sha256

    from ...evaluation.logits import looked_batches, scanned_parts
    from ...heads.combined_card import part_of
    from ...heads.late_fusion import scored
    from ...loop.run_log import tenths

    told = [part_of(path.stem, file_sha256(path), scorer.card) for path, scorer in zip(parts, scorers, strict=True)]
    report = tenths(lambda done, of: print_text(f"{done:,} of {of:,} pictures scored", err=True))
    wanted = [one for scorer in scorers for one in scorer.wanted]
    scores = []
    for of_picture in scanned_parts(scorers, looked_batches(rows, wanted, processes=loaders)):
        scores.append(of_picture)
        report(len(scores), len(rows))
    return scored(told, rows, scores)


def _told(card: "CheckpointCard") -> dict[str, Any]:
    assert card.fusion is not None
    return {
        "threshold": card.threshold,
        "band_low": card.band_low,
        "parts": [part.name for part in card.fusion.parts],
        "weights": {basis: list(line.weights) for basis, line in card.fusion.lines.items()},
        "beside": card.metrics["beside"],
    }


def _say(card: "CheckpointCard") -> None:
    from worker.detector.checkpoints.card_tables import fusion_table, held_out_table

    assert card.fusion is not None
    print_text(
        f"{card.name}: fake from {card.threshold:.3f}, uncertain from {card.band_low:.3f}\n\n"
        f"{fusion_table(card.fusion)}\n\n{held_out_table(card.metrics['beside'])}\n"
    )
