"""`dfscan evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.base.addresses.parameters import USER_FILE
from scanner.base.logs import print_text
from scanner.base.settings import Settings

from .context import pass_settings

if TYPE_CHECKING:
    from ..reports.report import Evaluation


@click.command()
@click.argument("checkpoint", required=False)
@click.option("--data", "manifest_path", type=USER_FILE, help="The manifest (CSV).")
@click.option("--split", default="val", show_default=True)
@click.option("--out", type=USER_FILE, help="Folder for the report (Markdown, JSON) and its plots.")
@click.option("--force", is_flag=True, help="Overwrite an earlier report in --out, and whatever --predictions names.")
@click.option("--robustness", "with_robustness", is_flag=True, help="Also under recompression, resizing, blur and the like.")
@click.option("--faces", "with_faces", is_flag=True, help="Score pictures as scanning does, by their faces.")
@click.option("--predictions", type=USER_FILE, help="Write what it says of each picture there (.csv or .parquet).")
@click.option("--from-predictions", "earlier", type=USER_FILE, help="Measure such a file; nothing is scored.")
@click.option("--against", type=USER_FILE, help="Predictions of another detector on the same pictures.")
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", default=1, show_default=True, type=click.IntRange(min=0), help="Processes that load pictures.")
@click.option("--clip-weights", type=USER_FILE, help="OpenAI's CLIP ViT-B/32 as a safetensors file.")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def evaluate(
    settings: Settings,
    checkpoint: str | None,
    manifest_path: Path | None,
    split: str,
    out: Path | None,
    force: bool,
    with_robustness: bool,
    with_faces: bool,
    predictions: Path | None,
    earlier: Path | None,
    against: Path | None,
    device: str,
    loaders: int,
    clip_weights: Path | None,
    as_json: bool,
) -> None:
    """Measure a checkpoint (a name or a file) on one split of a manifest, or what it said earlier (--from-predictions)."""
    import json
    from datetime import UTC, datetime

    from worker.detector.image.picture import prepare_pillow

    from ..reports.model_comparison import compared_with
    from ..reports.prediction_files import demand_place
    from ..reports.predictions import read_predictions, write_predictions
    from ..reports.report import Evaluation, evaluation_of_predictions, prepare_report, report_text, write_report

    if with_faces and with_robustness:
        raise click.UsageError("--robustness is measured on face crops as they are: leave --faces out")
    if earlier is not None and (checkpoint or manifest_path or with_robustness or with_faces):
        raise click.UsageError("--from-predictions scores nothing: leave CHECKPOINT, --data, --faces and --robustness out")
    if out:
        prepare_report(out, replace=force)
    if predictions:
        demand_place(predictions, replace=force)
    other = read_predictions(against) if against else None
    prepare_pillow()
    if earlier is not None:
        found = evaluation_of_predictions(read_predictions(earlier), datetime.now(UTC))
    elif checkpoint and manifest_path:
        found = _measured(settings, checkpoint, clip_weights, manifest_path, split, device, loaders, with_robustness, with_faces)
    else:
        raise click.UsageError("name a CHECKPOINT and its --data, or predictions with --from-predictions")
    if predictions:
        write_predictions(predictions, found.predictions)
    if other:
        found = Evaluation(found.predictions, {**found.document, "compared": compared_with(found.predictions, other)})
    if as_json:
        click.echo(json.dumps(found.document, indent=2, allow_nan=False))
    else:
        print_text(report_text(found.document))
    if out:
        print_text(f"written to {write_report(found, out, replace=force)}", err=True)


def _measured(
    settings: Settings,
    checkpoint: str,
    clip_weights: Path | None,
    manifest_path: Path,
    split: str,
    device: str,
    loaders: int,
    with_robustness: bool,
    with_faces: bool,
) -> "Evaluation":
    """Score the split. The checkpoint is loaded first: a wrong one is known at once, and the manifest may be long."""
    from datetime import UTC, datetime

    from ..data.manifest import read_manifest
    from ..loop.run_log import tenths
    from ..reports.report import evaluation_of
    from ..reports.scoring import Subject
    from .scoring import checkpoint_file, loaded

    path = checkpoint_file(settings, checkpoint)
    predictor = loaded(settings, path, clip_weights, device)
    manifest = read_manifest(manifest_path)
    return evaluation_of(
        predictor,
        manifest.all_of_split(split),
        Subject(path, manifest_path, manifest.sha256, split),
        datetime.now(UTC),
        with_robustness=with_robustness,
        with_faces=with_faces,
        report=tenths(lambda done, of: print_text(f"robustness: {done:,} of {of:,} images", err=True)),
        processes=loaders,
    )
