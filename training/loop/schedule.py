"""Which pictures are shown when."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scanner.base.errors import KnownError
from worker.detector.image.normalise import normalise
from worker.detector.image.preprocess import Preprocessing

from ..config.hyperparameters import TrainingPlan
from ..data.dataset import Pictures, epoch_order
from ..data.loading import loader_of
from ..data.manifest import Row
from .distributed import Team


class UnevenTeam(KnownError):
    """A batch that cannot be divided among the processes."""


@dataclass(frozen=True)
class Batch:
    """Pictures of one step of one process, on its device: images_BCHW, labels_B, and the place of each among `Pictures`."""

    images_BCHW: Tensor
    labels_B: Tensor
    indices_B: tuple[int, ...]


@dataclass(frozen=True)
class Schedule:
    """Which samples are seen when: the order of each epoch, and the step at which it starts."""

    orders: list[list[int]]
    starts: list[int]

    @property
    def steps(self) -> int:
        return self.starts[-1]


def schedule_of(rows: Sequence[Row], plan: TrainingPlan, team: Team) -> Schedule:
    """All epochs of a run. Of each the last few pictures are left out where processes would get unequally many of them, or a
    single one: batch normalisation has nothing to normalise by. The order is another one in each epoch.

    Raises UnevenTeam.
    """
    if plan.batch_size % team.size:
        raise UnevenTeam(f"a batch of {plan.batch_size} cannot be divided among {team.size} processes; change one of them")
    orders = [epoch_order(rows, plan.repeat, f"{plan.seed}/{epoch}") for epoch in range(plan.epochs)]
    orders = [_even(order, plan.batch_size, team.size) for order in orders]
    starts = np.cumsum([0, *(math.ceil(len(order) / plan.batch_size) for order in orders)]).tolist()
    return Schedule(orders, starts)


def _even(order: list[int], batch_size: int, processes: int) -> list[int]:
    last = len(order) % batch_size
    alone = last < 2 * processes <= batch_size and last < len(order)
    return order[: len(order) - (last if alone else last % processes)]


def fake_weight(rows: Sequence[Row], schedule: Schedule, plan: TrainingPlan) -> float:
    """Weight of a fake in the loss: real over fake images of an epoch where the plan balances, else 1."""
    if not plan.balance:
        return 1.0
    order = schedule.orders[0]
    fakes = sum(rows[index % len(rows)].label for index in order)
    reals = len(order) - fakes
    forgeries = reals * plan.augmentation.forge if plan.augmentation else 0.0
    return (reals - forgeries) / (fakes + forgeries)


def batches(
    rows: Sequence[Row],
    schedule: Schedule,
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    *,
    epoch: int,
    step: int,
    team: Team,
    processes: int,
) -> Iterator[Batch]:
    """What is left of `epoch` after `step` steps of the run, for this process."""
    size, order = plan.size_of(epoch), schedule.orders[epoch]
    firsts = range((step - schedule.starts[epoch]) * plan.batch_size, len(order), plan.batch_size)
    parts = [order[first : first + plan.batch_size][team.rank :: team.size] for first in firsts]
    pictures = Pictures(rows, size, augmentation=plan.augmentation, seed=f"{plan.seed}/{plan.draw_of(epoch)}")
    loader = loader_of(pictures, batches=parts, processes=processes, collate=_collate)
    for (images_BHWC, labels_B), indices_B in zip(loader, parts, strict=True):
        images_BCHW = normalise(images_BHWC.to(team.device), replace(preprocessing, size=size))
        yield Batch(images_BCHW, labels_B.to(team.device), tuple(indices_B))


def _collate(samples: list[tuple[NDArray[np.uint8], int]]) -> tuple[Tensor, Tensor]:
    """Tensors: they travel between processes in shared memory, arrays through a pipe."""
    images, labels = zip(*samples, strict=True)
    return torch.from_numpy(np.stack(images)), torch.tensor(labels, dtype=torch.float32)
