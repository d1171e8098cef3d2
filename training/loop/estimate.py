"""How long a run will take, measured before it starts."""

import copy
import time
from collections.abc import Sequence

import torch

from worker.detector.image.preprocess import Preprocessing
from worker.detector.model.network import FusionDetector

from ..config.hyperparameters import TrainingPlan
from ..data.manifest import Row
from .distributed import Team
from .frozen_embeddings import FrozenEmbeddings
from .optimiser import optimiser_for, training_step
from .schedule import Schedule, batches

_TIMED_STEPS = 2


def seconds_for(
    detector: FusionDetector,
    rows: Sequence[Row],
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    schedule: Schedule,
    team: Team,
    loader_processes: int,
    frozen: FrozenEmbeddings | None = None,
) -> float:
    """Seconds of the training steps, from a few on a copy of `detector` at each input size; measuring after epochs not counted.

    Loading overlaps with computing when there are `loader_processes`; the slower of the two counts. Embeddings that are missing
    in `frozen` are computed once.
    """
    total = 0.0
    with torch.random.fork_rng():
        for size in sorted(set(map(plan.size_of, range(plan.epochs)))):
            first = next(epoch for epoch in range(plan.epochs) if plan.size_of(epoch) == size)
            per_step, per_embedding = _step_seconds(
                detector, rows, plan, preprocessing, schedule, first, team, loader_processes, frozen
            )
            epochs = [epoch for epoch in range(plan.epochs) if plan.size_of(epoch) == size]
            total += per_step * sum(schedule.starts[epoch + 1] - schedule.starts[epoch] for epoch in epochs)
            if frozen:
                total += per_embedding * (len(frozen.numbers) - frozen.known) / team.size
    return total


def _step_seconds(
    detector: FusionDetector,
    rows: Sequence[Row],
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    schedule: Schedule,
    epoch: int,
    team: Team,
    loader_processes: int,
    frozen: FrozenEmbeddings | None,
) -> tuple[float, float]:
    """Of a step, and of one embedding that is computed for `frozen`."""
    began = time.monotonic()
    batch = next(batches(rows, schedule, plan, preprocessing, step=schedule.starts[epoch], team=team, processes=0))
    loading = (time.monotonic() - began) / max(1, loader_processes)
    trial = copy.deepcopy(detector).to(team.device).to(memory_format=torch.channels_last).train()
    optimiser = optimiser_for(trial, plan)
    images_BCHW, labels_B, known, embedding = batch.images_BCHW, batch.labels_B, None, 0.0
    if frozen:
        frozen.computed(trial, images_BCHW)
        began = time.monotonic()
        known = {name: found_BD.float() for name, found_BD in frozen.computed(trial, images_BCHW).items()}
        embedding = (time.monotonic() - began) / len(labels_B)
    training_step(trial, optimiser, images_BCHW, labels_B, plan, 1.0, 0.0, known)  # the first is slow everywhere
    began = time.monotonic()
    for _ in range(_TIMED_STEPS):
        training_step(trial, optimiser, images_BCHW, labels_B, plan, 1.0, 0.0, known)
    computing = (time.monotonic() - began) / _TIMED_STEPS
    return (max(loading, computing) if loader_processes else loading + computing), embedding
