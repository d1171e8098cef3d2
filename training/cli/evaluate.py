"""`dfscan evaluate`."""

from pathlib import Path

import click

from scanner.base.settings import Settings

from .context import pass_settings


@click.command()
@click.argument("checkpoint", metavar="CHECKPOINT")
@click.option("--data", "manifest_path", required=True, type=click.Path(path_type=Path), help="The manifest (CSV).")
@click.option("--split", default="val", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the report (Markdown, JSON) and its plots.")
@click.option("--force", is_flag=True, help="Overwrite an earlier report in --out.")
@click.option("--robustness", "with_robustness", is_flag=True, help="Also under recompression, resizing, blur and the like.")
@click.option("--faces", "with_faces", is_flag=True, help="Score pictures as scanning does, by their faces.")
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", default=1, show_default=True, type=click.IntRange(min=0), help="Processes that load pictures.")
@click.option("--clip-weights", type=click.Path(path_type=Path), help="OpenAI's CLIP ViT-B/32 as a safetensors file.")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def evaluate(
    settings: Settings,
    checkpoint: str,
    manifest_path: Path,
    split: str,
    out: Path | None,
    force: bool,
    with_robustness: bool,
    with_faces: bool,
    device: str,
    loaders: int,
    clip_weights: Path | None,
    as_json: bool,
) -> None:
    """Measure a checkpoint (a name or a file) on one split of a manifest."""
    import json
    from datetime import UTC, datetime

    from worker.detector.image.picture import prepare_pillow
    from worker.detector.imported.loading import load_network
    from worker.detector.inference.registry import find_checkpoint
    from worker.detector.weights.public_weights import backbone_files

    from ..data.manifest import read_manifest
    from ..loop.run_log import tenths
    from ..reports.report import Subject, evaluation_of, prepare_report, report_text, write_report

    if with_faces and with_robustness:
        raise click.UsageError("--robustness is measured on face crops as they are: leave --faces out")
    if out:
        prepare_report(out, replace=force)
    # The checkpoint first: a wrong one is known at once, and the manifest may be long.
    prepare_pillow()
    named_clip = Path(settings.clip_weights) if settings.clip_weights else None
    files = backbone_files(settings.data_dir, clip_weights or named_clip)
    path = Path(checkpoint) if Path(checkpoint).is_file() else find_checkpoint(checkpoint, settings.data_dir)
    predictor = load_network(path, device, files=files, micro_batch=64)
    manifest = read_manifest(manifest_path)
    rows = manifest.all_of_split(split)
    found = evaluation_of(
        predictor,
        rows,
        Subject(path, manifest_path, manifest.sha256, split),
        datetime.now(UTC),
        with_robustness=with_robustness,
        with_faces=with_faces,
        report=tenths(lambda done, of: click.echo(f"robustness: {done:,} of {of:,} images", err=True)),
        processes=loaders,
    )
    click.echo(json.dumps(found.document, indent=2, allow_nan=False) if as_json else report_text(found.document))
    if out:
        click.echo(f"written to {write_report(found, out, replace=force)}", err=True)
