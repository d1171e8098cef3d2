"""Runs of two stages, of a network of a few dozen weights: a frozen branch, and one with statistics that is trained first."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor, nn

from training.config.hyperparameters import FirstStage, TrainingPlan
from training.config.recipes.reader import TrainingRecipe
from training.data.manifest import Manifest, Row
from training.loop import run as training_run
from training.loop.distributed import Team
from training.loop.epochs import EpochFigures
from training.loop.loop import Trained
from training.loop.progress import Progress
from training.loop.stages import stage
from training.loop.stages.request import Run, Weights
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.branch import Branch
from worker.detector.model.network import FusionDetector
from worker.detector.model.recipes import Recipe
from worker.detector.weights.public_weights import BackboneFiles

CNN = "efficientnet-lite2"
NETWORK = Recipe("tiny", ("clip-image", CNN), (8,), 0.2, Preprocessing(16, (0.5,) * 3, (0.5,) * 3), batch_norm=True)
# 14 rows in batches of 8: 2 steps an epoch.
PLAN = TrainingPlan((16,), 3, 8, "adam", 0.02, autocast=False, first=FirstStage((CNN,), 2))
FIRST_STEPS, STEPS = 4, 6
ALONE = Team(torch.device("cpu"))


class Frozen(Branch):
    """Means of 2 x 2 patches through fixed weights; counts the pictures it was shown."""

    width = 5
    is_frozen = True

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(12, self.width).requires_grad_(False)
        self.shown = 0

    @torch.no_grad()
    def forward(self, images_BCHW: Tensor) -> Tensor:
        self.shown += len(images_BCHW)
        mixed_BD: Tensor = self.mix(nn.functional.adaptive_avg_pool2d(images_BCHW, 2).flatten(1))
        return mixed_BD


class Learned(Branch):
    """The same with weights that are learned, and batch normalisation."""

    width = 6

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(12, self.width)
        self.norm = nn.BatchNorm1d(self.width)
        self.shown = 0

    def forward(self, images_BCHW: Tensor) -> Tensor:
        self.shown += len(images_BCHW)
        mixed_BD: Tensor = self.norm(self.mix(nn.functional.adaptive_avg_pool2d(images_BCHW, 2).flatten(1)))
        return mixed_BD


def detector(*, batch_norm: bool = True) -> FusionDetector:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FusionDetector({"clip-image": Frozen(), CNN: Learned()}, NETWORK.hidden, NETWORK.dropout, batch_norm=batch_norm)


def asked(rows: Sequence[Row], folder: Path, plan: TrainingPlan = PLAN, *, cache: Path | None = None, team: Team = ALONE) -> Run:
    folder.mkdir(exist_ok=True)
    manifest = Manifest(tuple(rows), "f" * 64)
    return Run(TrainingRecipe(NETWORK, plan), manifest, folder, team, Weights(BackboneFiles()), 0, cache)


def trained(
    run: Run,
    *,
    network: FusionDetector | None = None,
    show: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
    note: Callable[[int, EpochFigures], None] = lambda *_: None,
    note_first: Callable[[int, EpochFigures], None] = lambda *_: None,
) -> list[Trained]:
    """What the stages came to, the first one last; the checkpoint is left out, as it would have the network of the recipe."""
    found: list[Trained] = []

    def finished(_run: Run, last: Trained, first: Trained | None, *_: object) -> Path:
        found.extend([last, *([first] if first else [])])
        return Path("none")

    start = network or detector()
    unlogged = patch.object(stage, "tensorboard_log", lambda _: nullcontext(lambda *_: None))
    with unlogged, patch.object(training_run, "finish", finished), patch.object(training_run, "_start", lambda *_: start):
        training_run.run_training(run, show=show, say=say, note=note, note_first=note_first)
    return found


class Killed(Exception):
    """Stands for the end of the process."""


def kill_at(name: str, step: int) -> Callable[[Progress], None]:
    def show(now: Progress) -> None:
        if (now.stage, now.step) == (name, step):
            raise Killed

    return show


def together(plan: TrainingPlan = PLAN) -> TrainingPlan:
    """The plan without its first stage."""
    return replace(plan, first=None)
