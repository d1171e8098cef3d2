"""One step: loss, gradient, update, average.

Shapes: B images, C = 3 channels, H = W pixels. Loss: binary cross-entropy on one logit.
"""

import copy
import math
from collections.abc import Mapping
from contextlib import nullcontext
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from worker.detector.checkpoints.checkpoint import stored_tensors
from worker.detector.model.network import FusionDetector

from ..config.hyperparameters import TrainingPlan


def training_step(
    called: nn.Module,
    optimiser: torch.optim.Optimizer,
    images_BCHW: Tensor,
    labels_B: Tensor,
    plan: TrainingPlan,
    fake_weight: float,
    rate: float,
    known: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """One step at learning rate `rate`; returns the loss before it, on its device.

    `known` are embeddings of frozen branches, by branch. With `plan.accumulate` the gradients of so many parts of the batch are
    added up, each weighed by its pictures: the mean over the batch, as without.
    """
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    weight, whole = torch.tensor(fake_weight, device=labels_B.device), torch.zeros((), device=labels_B.device)
    parts = parts_of(len(labels_B), plan.accumulate)
    for part in parts:
        # Several processes exchange their gradients once a step, with those of the last part.
        alone = part != parts[-1] and isinstance(called, DistributedDataParallel)
        with cast("DistributedDataParallel", called).no_sync() if alone else nullcontext():
            with torch.autocast(images_BCHW.device.type, torch.bfloat16, enabled=plan.autocast):
                logits_B = called(images_BCHW[part], known and {name: known_BD[part] for name, known_BD in known.items()})
            loss = nn.functional.binary_cross_entropy_with_logits(logits_B.float(), labels_B[part], pos_weight=weight)
            loss = loss * ((part.stop - part.start) / len(labels_B))
            loss.backward()
        whole += loss.detach()
    if plan.clip_norm:
        nn.utils.clip_grad_norm_(called.parameters(), plan.clip_norm)
    optimiser.step()
    return whole


def parts_of(count: int, parts: int) -> list[slice]:
    """The parts of a batch of `count` pictures, alike up to one picture.

    No part has a single picture, as batch normalisation has nothing to normalise it by; the last batch of an epoch may so have
    fewer parts.
    """
    parts = max(1, min(parts, count // 2))
    ends = [count * number // parts for number in range(parts + 1)]
    return [slice(first, last) for first, last in pairwise(ends)]


def optimiser_for(detector: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    """The plan's optimiser over what is not frozen."""
    learned = [parameter for parameter in detector.parameters() if parameter.requires_grad]
    if plan.optimiser == "adam":
        return torch.optim.Adam(learned, lr=plan.learning_rate, weight_decay=plan.weight_decay)
    # Norms and biases are vectors; decaying them only hurts.
    groups = [
        {"params": [parameter for parameter in learned if parameter.ndim > 1], "weight_decay": plan.weight_decay},
        {"params": [parameter for parameter in learned if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.learning_rate)


def learning_rate(plan: TrainingPlan, step: int, steps: int) -> float:
    """Linear warm-up, then constant or a cosine to 1 % (Loshchilov & Hutter 2017)."""
    warmup = min(plan.warmup_steps, steps // 4)  # a run on few images would end before it is warm
    if step < warmup:
        return plan.learning_rate * (step + 1) / warmup
    if not plan.cosine:
        return plan.learning_rate
    done = (step - warmup) / max(1, steps - warmup)
    return plan.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


@torch.no_grad()
def average_in(average: dict[str, Tensor], detector: nn.Module, decay: float, step: int) -> None:
    """Move `average` towards the present weights (exponential moving average); early steps forget the start more quickly."""
    decay = min(decay, (1 + step) / (10 + step))
    for name, tensor in stored_tensors(detector).items():
        if tensor.is_floating_point():
            average[name].lerp_(tensor, 1 - decay)
        else:
            average[name].copy_(tensor)


def with_own_weights(detector: FusionDetector) -> FusionDetector:
    """A copy whose weights may be changed; frozen branches, 350 MB in `paper`, are those of `detector` itself."""
    frozen = [branch for branch in detector.parts.values() if branch.is_frozen]
    return copy.deepcopy(detector, {id(branch): branch for branch in frozen})
