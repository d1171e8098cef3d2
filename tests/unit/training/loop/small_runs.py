"""Runs of a network of a few dozen weights."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from training.config.hyperparameters import TrainingPlan
from training.data.manifest import Row
from training.loop.distributed import Team
from training.loop.loop import Trained, train
from training.loop.progress import Progress
from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.branch import Branch
from worker.detector.model.network import FusionDetector

PREPROCESSING = Preprocessing(16, (0.5,) * 3, (0.5,) * 3)
# 20 rows in batches of 8: 3 steps an epoch, the last of 4 images.
PLAN = TrainingPlan((16,), 2, 8, "adamw", 0.05, weight_decay=0.01, warmup_steps=2, cosine=True, clip_norm=1.0, ema_decay=0.9)
ALONE = Team(torch.device("cpu"))


class Patches(Branch):
    """Colour means of 2 x 2 patches, normalised and mixed: a branch with weights and running statistics."""

    width = 6

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(12, self.width)
        self.norm = nn.BatchNorm1d(self.width)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        means_BD = nn.functional.adaptive_avg_pool2d(images_BCHW, 2).flatten(1)
        mixed_BD: Tensor = self.norm(self.mix(means_BD))
        return mixed_BD


def detector(dropout: float = 0.0) -> FusionDetector:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FusionDetector({"patches": Patches()}, (8,), dropout)


def run(
    rows: Sequence[Row],
    folder: Path,
    plan: TrainingPlan = PLAN,
    *,
    dropout: float = 0.0,
    network: FusionDetector | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    measure: Callable[[int, FusionDetector], float] = lambda *_: 0.5,
) -> Trained:
    """`measure` gives the AUC; the DCF is what is missing to 1."""

    def figures(epoch: int, averaged: FusionDetector) -> dict[str, float]:
        auc = measure(epoch, averaged)
        return {"auc": auc, "dcf": 1 - auc}

    folder.mkdir(exist_ok=True)
    return train(
        network or detector(dropout),
        rows,
        plan,
        PREPROCESSING,
        folder=folder,
        team=ALONE,
        loader_processes=0,
        report=report,
        measure=figures,
    )


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    others = other.state_dict()
    return all(torch.equal(tensor, others[name]) for name, tensor in one.state_dict().items())


class Killed(Exception):
    """Stands for the end of the process."""


def kill_at(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Killed

    return report
