"""`dfscan train` for recipes whose heads are fitted on frozen branches, and what is measured of a source that was left out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.base.logs import print_text
from scanner.base.settings import Settings

if TYPE_CHECKING:
    from worker.detector.inference.device import ChosenDevice
    from worker.detector.weights.public_weights import BackboneFiles

    from ..config.recipes.reader import HeadsRecipe
    from ..data.manifest import Row
    from ..evaluation.left_out import LeftOut


@dataclass(frozen=True)
class HeadsRequest:
    """What was asked for on the command line."""

    recipe: "HeadsRecipe"
    out: Path
    start: Path
    files: "BackboneFiles"
    cache: Path | None
    device: "ChosenDevice"
    loaders: int
    left_out: "LeftOut | None"
    leaves_each_out: bool
    in_bfloat16: bool


def train_heads(settings: Settings, request: HeadsRequest, manifest_path: Path | None, *, from_reviews: bool) -> None:
    """Fit heads and print the path of the checkpoint."""
    import torch

    from worker.detector.image.picture import prepare_pillow

    from ..evaluation.left_out import without
    from ..heads.run import HeadsRun, heads_files, run_heads
    from ..loop.distributed import Team
    from ..loop.stages.request import UnfinishedRun, prepare_folder
    from .notes import notes_of
    from .training_set import checked, gathered

    def say(line: str) -> None:
        print_text(line, err=True)

    files = heads_files(request.recipe, request.files, request.start)
    made = request.out / f"{request.recipe.network.name}.safetensors"
    if made.exists():
        raise UnfinishedRun(f"{made} is there already; choose another --out")
    prepare_pillow()
    prepare_folder(request.out, resume=False)
    found = gathered(settings, manifest_path, from_reviews=from_reviews, say=say, out=request.left_out)
    manifest = checked(found, request.out, request.loaders, Team(torch.device(request.device.name)), say)
    # Heads leave out a source by themselves: it is embedded with the others. Of a generator nothing is embedded.
    generator = request.left_out if request.left_out and request.left_out.kind == "generator" else None
    manifest, fakes = without(manifest, generator) if generator else (manifest, ())
    run = HeadsRun(
        request.recipe,
        manifest,
        request.out,
        files,
        request.start,
        request.cache or settings.cache / "embeddings",
        request.device,
        request.loaders,
        request.left_out.name if request.left_out and not generator else None,
        request.leaves_each_out,
        request.in_bfloat16,
    )
    notes = notes_of(
        request.recipe,
        manifest,
        request.out,
        named=manifest_path,
        start=request.start,
        device=request.device.name,
        left_out=request.left_out.name if request.left_out else "",
    )
    notes.begin()
    path = run_heads(run, say)
    if generator:
        measure_left_out(path, files, generator, fakes, manifest.of_split("val"), request.loaders, say, as_scanned=True)
    notes.finish(path)
    print_text(str(path))


def measure_left_out(
    path: Path,
    files: "BackboneFiles",
    left_out: "LeftOut",
    rows: "Sequence[Row]",
    beside: "Sequence[Row]",
    processes: int,
    say: Callable[[str], None],
    *,
    as_scanned: bool = False,
) -> None:
    """Measure the checkpoint at `path` on the `rows` of what was left out, say it, and keep it in the card (`left_out`).

    Each picture is a face crop; `as_scanned` it is scored by the faces in it, and as a whole.
    """
    from worker.detector.checkpoints.checkpoint import load_checkpoint, save_with_card
    from worker.detector.inference.device import choose_device
    from worker.detector.inference.predictor import Predictor

    from ..evaluation.calibration import calibrated
    from ..evaluation.left_out import left_out_figures, left_out_line
    from ..evaluation.logits import logits_of, scanned_scores_of

    detector, card = load_checkpoint(path, files)
    predictor = Predictor(detector, card, choose_device("cpu"), 64)
    own, others = (
        scanned_scores_of(predictor, of, processes=processes).scores
        if as_scanned
        else calibrated(card.calibration, logits_of(predictor, of, processes=processes))
        for of in (rows, beside)
    )
    found = left_out_figures(left_out, rows, own, beside, others, (card.threshold, card.band_low))
    say(left_out_line(found))
    save_with_card(path, path, replace(card, metrics={**card.metrics, "left_out": found}))
