"""What the figures of the epochs so far decide: which epoch is best, when a run ends, how far the learning rate has fallen.

All of it follows from the plan and these figures alone: a run that goes on decides as one that was never interrupted.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..config.hyperparameters import TrainingPlan

# What was measured after an epoch, by name; `auc` and `dcf` are among them.
EpochFigures = Mapping[str, float]


def watched(plan: TrainingPlan, history: Sequence[EpochFigures]) -> list[float]:
    """What the plan looks at, of each epoch; higher is better."""
    sign = 1 if plan.watched == "auc" else -1
    return [sign * figures[plan.watched] for figures in history]


def best_epoch(plan: TrainingPlan, history: Sequence[EpochFigures]) -> int:
    """The epoch (0, 1, ...) that was best; of several alike the first."""
    return int(np.argmax(watched(plan, history)))


def is_over(plan: TrainingPlan, history: Sequence[EpochFigures]) -> bool:
    """Whether the last `patience` epochs brought nothing better than an earlier one."""
    return bool(plan.patience and history) and len(history) - 1 - best_epoch(plan, history) >= plan.patience


def epoch_rate(plan: TrainingPlan, history: Sequence[EpochFigures]) -> float:
    """The learning rate after the epochs of `history`, before warm-up and cosine: the plan's, or what a plateau left of it."""
    if plan.plateau is None:
        return plan.learning_rate
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=plan.learning_rate)
    schedule = ReduceLROnPlateau(
        optimiser,
        "max" if plan.watched == "auc" else "min",
        factor=plan.plateau.factor,
        patience=plan.plateau.patience,
        threshold=plan.plateau.threshold,
    )
    for figures in history:
        schedule.step(figures[plan.watched])
    return float(optimiser.param_groups[0]["lr"])
