"""What a run is asked to do, and what must be there before it begins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from scanner.base.errors import KnownError
from scanner.base.files import try_writing
from worker.detector.checkpoints.card import CheckpointError
from worker.detector.checkpoints.checkpoint import load_checkpoint
from worker.detector.model.assembly import build_detector, find_backbone_files
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles

from ...config.recipes.reader import TrainingRecipe
from ...data.manifest import Manifest
from ..distributed import Team
from ..run_state import FILE, FIRST, holds_run


class UnfinishedRun(KnownError):
    """The folder holds a run, maybe unfinished, and nobody said that it shall go on; or it cannot be made."""


@dataclass(frozen=True)
class Weights:
    """What a network starts from: public files, or a checkpoint of its own kind."""

    files: BackboneFiles
    start: Path | None = None


@dataclass(frozen=True)
class Run:
    """Everything that a run is made of.

    In `cache`, where there is one, embeddings of frozen branches are kept, and in `decoded_cache` decoded pictures, as many as go
    into `decoded_limit` bytes. Without `loader_processes` as many load as keep up.
    """

    recipe: TrainingRecipe
    manifest: Manifest
    folder: Path
    team: Team
    weights: Weights
    loader_processes: int | None
    cache: Path | None = None
    decoded_cache: Path | None = None
    decoded_limit: float | None = None


def start_weights(network: Recipe, files: BackboneFiles, start: Path | None) -> Weights:
    """Find everything that `network` starts from. Raises BackboneMissing and CheckpointError."""
    if start is None:
        found = find_backbone_files(network, files)
        with torch.random.fork_rng():
            build_detector(network, found)  # a file of something else is found now, and not after an hour of reading pictures
        return Weights(found)
    _, card = load_checkpoint(start, files)
    # Name, dropout and what the network is shown may differ: they leave its tensors as they are.
    own = replace(
        card.recipe, name=network.name, dropout=network.dropout, preprocessing=network.preprocessing, prompt=network.prompt
    )
    if own != network:
        raise CheckpointError(f"{start} holds another network than recipe {network.name}; choose the recipe {card.recipe.name}")
    return Weights(find_backbone_files(network, files, only_frozen=True), start)


def prepare_folder(folder: Path, *, resume: bool) -> None:
    """Make the folder of a run. Raises UnfinishedRun when it holds one that is not to be resumed."""
    if holds_run(folder) and not resume:
        raise UnfinishedRun(f"{folder} holds a run; go on with it by --resume if it is unfinished, or choose another --out")
    try:
        try_writing(folder)
    except OSError as error:
        raise UnfinishedRun(f"{folder} cannot be written: {error.strerror}; choose another --out") from None


def as_begun(run: Run, say: Callable[[str], None]) -> Run:
    """The run as it began in its folder: one whose recipe had no first stage then goes on without."""
    plan = run.recipe.plan
    if plan.first is None or not (run.folder / FILE).exists() or (run.folder / FIRST / FILE).exists():
        return run
    say(f"{run.folder} holds a run that trains all branches and the head together, and goes on so")
    return replace(run, recipe=replace(run.recipe, plan=replace(plan, first=None)))
