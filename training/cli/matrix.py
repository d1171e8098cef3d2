"""`dfscan matrix`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.base.addresses.parameters import USER_FILE
from scanner.base.logs import print_text
from scanner.base.settings import Settings

from .context import pass_settings

if TYPE_CHECKING:
    from ..reports.matrix import By
    from ..reports.predictions import Predictions

# As in `reports.matrix`, which is not imported for a help text.
_MEASURES = {"auc": "auc", "eer": "equal_error_rate", "ap": "average_precision", "accuracy": "accuracy_raw"}


@click.command()
@click.argument("detectors", nargs=-1, required=True, metavar="DETECTOR...")
@click.option("--data", "manifests", multiple=True, type=USER_FILE, help="A manifest (CSV) to measure checkpoints on.")
@click.option("--split", default="val", show_default=True)
@click.option("--by", type=click.Choice(["source", "generator"]), default="source", show_default=True, help="The columns.")
@click.option("--measure", type=click.Choice(list(_MEASURES)), default="auc", show_default=True, help="What the matrix shows.")
@click.option("--out", type=USER_FILE, help="Folder for the matrix (Markdown, CSV, JSON, picture) and new predictions.")
@click.option("--force", is_flag=True, help="Overwrite an earlier matrix in --out.")
@click.option("--faces", "with_faces", is_flag=True, help="Score pictures as scanning does, by their faces.")
@click.option("--device", default="auto", show_default=True)
@click.option("--loaders", default=1, show_default=True, type=click.IntRange(min=0), help="Processes that load pictures.")
@click.option("--clip-weights", type=USER_FILE, help="OpenAI's CLIP ViT-B/32 as a safetensors file.")
@click.option("--json", "as_json", is_flag=True)
@pass_settings
def matrix(
    settings: Settings,
    detectors: tuple[str, ...],
    manifests: tuple[Path, ...],
    split: str,
    by: "By",
    measure: str,
    out: Path | None,
    force: bool,
    with_faces: bool,
    device: str,
    loaders: int,
    clip_weights: Path | None,
    as_json: bool,
) -> None:
    """Set detectors against sets: trained on x, tested on y, per frame and per video, with mean and deviation over seeds.

    A DETECTOR is a file of predictions (.csv, .parquet), from which nothing is scored anew; or a checkpoint (a name or a file),
    or the folder of one run or of several seeds, which are measured on --data.
    """
    import json

    from ..reports.matrix import matrix_of
    from ..reports.matrix_text import matrix_text, prepare_matrix, write_matrix
    from ..reports.predictions import read_predictions

    files = [Path(named) for named in detectors if _is_predictions(named)]
    checkpoints = [path for named in detectors if not _is_predictions(named) for path in _checkpoints(settings, named)]
    if checkpoints and not manifests:
        raise click.UsageError(f"{checkpoints[0]} is a checkpoint: name what to measure it on with --data")
    if manifests and not checkpoints:
        raise click.UsageError("--data is for checkpoints, and of predictions nothing is scored: leave it out")
    if out:
        prepare_matrix(out, by, replace=force)
    found = [read_predictions(path) for path in files]
    for path in checkpoints:
        new = measured(settings, path, manifests, split, clip_weights, device, loaders, with_faces=with_faces, out=out)
        found += new
    document = matrix_of(found, by)
    if out:
        print_text(f"written to {write_matrix(document, out, _MEASURES[measure])}", err=True)
    if as_json:
        click.echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        print_text(matrix_text(document, _MEASURES[measure]))


def measured(
    settings: Settings,
    checkpoint: Path,
    manifests: Sequence[Path],
    split: str,
    clip_weights: Path | None,
    device: str,
    loaders: int,
    *,
    with_faces: bool,
    out: Path | None,
) -> "list[Predictions]":
    """What the checkpoint says of the split of each manifest.

    Where a folder `out` is named it is kept there, as Parquet in `predictions`, and what is there already is not scored again.
    """
    from worker.detector.checkpoints.card import file_sha256
    from worker.detector.image.picture import prepare_pillow

    from ..data.manifest import read_manifest
    from ..reports.predictions import read_predictions, write_predictions
    from ..reports.scoring import Subject, predictions_of
    from .scoring import loaded

    prepare_pillow()
    predictor, sha256, found = None, file_sha256(checkpoint), []
    for path in manifests:
        read = read_manifest(path)
        how = "-faces" if with_faces else ""
        name = f"{checkpoint.stem}-{sha256[:12]}-{path.stem}-{read.sha256[:12]}-{split}{how}.parquet"
        kept = out / "predictions" / name if out else None
        if kept and kept.is_file():
            found.append(read_predictions(kept))
            continue
        predictor = predictor or loaded(settings, checkpoint, clip_weights, device)
        subject = Subject(checkpoint, path, read.sha256, split)
        new = predictions_of(predictor, read.all_of_split(split), subject, with_faces=with_faces, processes=loaders)
        found.append(new)
        print_text(f"{checkpoint.name} on {path.name}: {len(new.rows):,} pictures scored", err=True)
        if kept:
            kept.parent.mkdir(exist_ok=True)
            write_predictions(kept, new)
    return found


def _is_predictions(named: str) -> bool:
    return Path(named).suffix.lower() in (".csv", ".parquet")


def _checkpoints(settings: Settings, named: str) -> list[Path]:
    """One, or those of a run or of seeds where a folder is named. Raises CheckpointError."""
    from worker.detector.checkpoints.card import CheckpointError

    from .scoring import checkpoint_file

    folder = Path(named)
    if not folder.is_dir():
        return [checkpoint_file(settings, named)]
    if found := sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*/*.safetensors")):
        return found
    raise CheckpointError(f"{folder} holds no checkpoint, and its folders hold none; name a run that is finished")
