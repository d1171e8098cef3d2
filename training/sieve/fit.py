"""Fits the sieve to scenes that are made as it goes.

Shapes: B scenes, C colours, H rows, W columns.
"""

import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset

from scanner.base.logs import print_text

from .known_faces import Known
from .loss import loss_of
from .network import STRIDES, Sieve
from .scenes import mirrored, scene


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn; half of each batch are scenes that were shown before, out of the last `kept`, mirrored."""

    steps: int = 2450
    batch: int = 16
    rate: float = 3e-3
    seed: int = 1
    loaders: int = 2
    kept: int = 1000


class _Scenes(IterableDataset[Known]):
    def __init__(self, crops: Sequence[Known], pictures: Sequence[Known], seed: int) -> None:
        self._crops, self._pictures, self._seed = crops, pictures, seed

    def __iter__(self) -> Iterator[Known]:
        worker = torch.utils.data.get_worker_info()
        rng = random.Random(self._seed * 1000 + (worker.id if worker else 0))  # noqa: S311  (not for secrets)
        while True:
            yield scene(rng, self._crops, self._pictures)


def fit(crops: Sequence[Known], pictures: Sequence[Known], plan: Plan) -> Sieve:
    """Train the network on scenes of `crops` and `pictures`."""
    torch.manual_seed(plan.seed)
    sieve = Sieve().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(sieve.parameters(), lr=plan.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, total_steps=plan.steps, pct_start=0.1)
    scenes = DataLoader(_Scenes(crops, pictures, plan.seed), plan.batch // 2, num_workers=plan.loaders, collate_fn=list)
    rng, mean = random.Random(plan.seed), math.nan  # noqa: S311  (not for secrets)
    shown: deque[Known] = deque(maxlen=plan.kept)
    for step, new in zip(range(plan.steps), scenes, strict=False):
        shown.extend(new)
        made = [*new, *(mirrored(rng.choice(shown)) for _ in new)]
        pictures_BCHW = torch.from_numpy(np.stack([one.image_HWC for one in made])).permute(0, 3, 1, 2).float()
        with torch.autocast("cpu", torch.bfloat16):
            smaller, larger = sieve(pictures_BCHW)
        loss = loss_of((smaller.float(), larger.float()), [one.boxes_N4 for one in made], STRIDES)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(sieve.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        mean = loss.item() if math.isnan(mean) else 0.98 * mean + 0.02 * loss.item()
        if step % 100 == 99:
            print_text(f"step {step + 1} of {plan.steps}: loss {mean:.3f}")
    return sieve
