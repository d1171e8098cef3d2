"""The training loop, in plain PyTorch.

Shapes: B images, C = 3, H = W = the epoch's size. Loss: binary cross-entropy on one logit (the paper's table says
"CrossEntropyLoss" with one output unit, which is this).
"""

import copy
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from scanner.errors import KnownError
from worker.detector.network import FusionDetector
from worker.detector.preprocess import Preprocessing, normalise

from .dataset import Pictures, epoch_order
from .manifest import Row
from .plan import TrainingPlan

SAVE_EVERY = 100


class AnotherRun(KnownError):
    """The folder holds an unfinished run that this one cannot go on from."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands; `loss` is averaged over the last steps."""

    epoch: int
    step: int
    steps: int
    loss: float
    images_per_second: float


def train(
    detector: FusionDetector,
    rows: Sequence[Row],
    plan: TrainingPlan,
    preprocessing: Preprocessing,
    *,
    resume_file: Path,
    device: torch.device,
    loader_processes: int,
    report: Callable[[Progress], None],
    after_epoch: Callable[[int, FusionDetector], None],
) -> FusionDetector:
    """Train `detector` in place and return it with the averaged weights.

    The state is written to `resume_file` every `SAVE_EVERY` steps; when that file exists, the run goes on from it. Raises
    AnotherRun when that file belongs to another plan or network.
    """
    detector.to(device).to(memory_format=torch.channels_last)
    torch.manual_seed(plan.seed)
    optimiser = _optimiser(detector, plan)
    average = {name: tensor.clone() for name, tensor in detector.state_dict().items()}
    orders = [epoch_order(rows, plan.repeat, f"{plan.seed}/{epoch}") for epoch in range(len(plan.sizes))]
    starts = np.cumsum([0, *(math.ceil(len(order) / plan.batch_size) for order in orders)]).tolist()
    steps, step = starts[-1], 0
    if resume_file.exists():
        step = _restore(resume_file, plan, detector, optimiser, average)
    recent: list[float] = []
    for epoch, size in enumerate(plan.sizes):
        if step >= starts[epoch + 1]:
            continue
        left = orders[epoch][(step - starts[epoch]) * plan.batch_size :]
        began, first = time.monotonic(), step
        detector.train()
        for images_BHWC, labels_B in _batches(rows, left, plan, size, epoch, loader_processes):
            rate = _learning_rate(plan, step, steps)
            for group in optimiser.param_groups:
                group["lr"] = rate
            images_BCHW = torch.from_numpy(normalise(images_BHWC, replace(preprocessing, size=size)))
            loss = _step(detector, optimiser, images_BCHW.to(device, memory_format=torch.channels_last), labels_B.to(device))
            step += 1
            _average_in(average, detector, min(plan.ema_decay, (1 + step) / (10 + step)) if plan.ema_decay else 0.0)
            recent = [*recent[-49:], loss]
            if step % SAVE_EVERY == 0:
                _save(resume_file, plan, step, detector, optimiser, average)
                speed = (step - first) * plan.batch_size / (time.monotonic() - began)
                report(Progress(epoch, step, steps, sum(recent) / len(recent), speed))
        _save(resume_file, plan, step, detector, optimiser, average)
        after_epoch(epoch, _with(detector, average))
    detector.load_state_dict(average)
    return detector.eval()


def _step(detector: nn.Module, optimiser: torch.optim.Optimizer, images_BCHW: Tensor, labels_B: Tensor) -> float:
    with torch.autocast(images_BCHW.device.type, torch.bfloat16):
        logits_B = detector(images_BCHW)
    loss = nn.functional.binary_cross_entropy_with_logits(logits_B.float(), labels_B)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(detector.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def _batches(
    rows: Sequence[Row], order: list[int], plan: TrainingPlan, size: int, epoch: int, processes: int
) -> Iterable[tuple[NDArray[np.uint8], Tensor]]:
    pictures = Pictures(rows, size, augment_seed=f"{plan.seed}/{epoch}" if plan.augment else None)
    # A generator of its own: drawing from the global one would change dropout after a resume.
    own = torch.Generator()
    return DataLoader(pictures, plan.batch_size, sampler=order, num_workers=processes, collate_fn=_collate, generator=own)


def _collate(samples: list[tuple[NDArray[np.uint8], int]]) -> tuple[NDArray[np.uint8], Tensor]:
    images, labels = zip(*samples, strict=True)
    return np.stack(images), torch.tensor(labels, dtype=torch.float32)


def _optimiser(detector: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    learned = [parameter for parameter in detector.parameters() if parameter.requires_grad]
    if plan.optimiser == "adam":
        return torch.optim.Adam(learned, lr=plan.learning_rate)
    # Norms and biases are vectors; decaying them only hurts (Loshchilov & Hutter 2019 decay weights).
    groups = [
        {"params": [parameter for parameter in learned if parameter.ndim > 1], "weight_decay": plan.weight_decay},
        {"params": [parameter for parameter in learned if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.learning_rate)


def _learning_rate(plan: TrainingPlan, step: int, steps: int) -> float:
    if step < plan.warmup_steps:
        return plan.learning_rate * (step + 1) / plan.warmup_steps
    if not plan.cosine:
        return plan.learning_rate
    done = (step - plan.warmup_steps) / max(1, steps - plan.warmup_steps)
    return plan.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


@torch.no_grad()
def _average_in(average: dict[str, Tensor], detector: nn.Module, decay: float) -> None:
    for name, tensor in detector.state_dict().items():
        if tensor.is_floating_point():
            average[name].lerp_(tensor, 1 - decay)
        else:
            average[name].copy_(tensor)


def _with(detector: FusionDetector, average: dict[str, Tensor]) -> FusionDetector:
    """A copy of `detector` that carries the averaged weights."""
    averaged = copy.deepcopy(detector)
    averaged.load_state_dict(average)
    return averaged.eval()


def _save(
    resume_file: Path,
    plan: TrainingPlan,
    step: int,
    detector: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor],
) -> None:
    state: dict[str, Any] = {
        "plan": json.dumps(asdict(plan)),
        "step": step,
        "detector": detector.state_dict(),
        "optimiser": optimiser.state_dict(),
        "average": average,
        "rng": torch.get_rng_state(),
    }
    partial = resume_file.with_name(resume_file.name + ".partial")
    torch.save(state, partial)
    partial.replace(resume_file)


def _restore(
    resume_file: Path, plan: TrainingPlan, detector: nn.Module, optimiser: torch.optim.Optimizer, average: dict[str, Tensor]
) -> int:
    state = torch.load(resume_file, weights_only=True)  # our own file of the same run; still nothing but tensors and text
    if state.get("plan") != json.dumps(asdict(plan)) or list(state["detector"]) != list(detector.state_dict()):
        raise AnotherRun(f"{resume_file} belongs to a run with another recipe or plan; choose another folder, or remove it")
    detector.load_state_dict(state["detector"])
    optimiser.load_state_dict(state["optimiser"])
    average.update(state["average"])
    torch.set_rng_state(state["rng"])
    return int(state["step"])
