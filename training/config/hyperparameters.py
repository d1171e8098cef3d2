"""How a recipe is trained: the hyperparameters of one run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from worker.detector.model.recipes import BranchName

from ..data.augmentation import Augmentation

# More steps, or more pictures in one, than any run has: a slip of the finger, which would take all memory or never end.
MOST_EPOCHS, LARGEST_BATCH, LARGEST_SIZE = 10_000, 65_536, 1024
LARGEST_SEED = 2**53  # what JSON keeps exactly; torch takes more


@dataclass(frozen=True)
class Plateau:
    """The learning rate is multiplied by `factor` after `patience` epochs that were not better: torch's ReduceLROnPlateau.

    An epoch is better when its figure is by the share `threshold` better than the best so far.
    """

    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4

    def __post_init__(self) -> None:
        """Raises ValueError for what would leave the rate as it is, or change it in every epoch."""
        if not 0 < self.factor < 1 or self.patience < 0 or not 0 <= self.threshold < 1:
            raise ValueError("factor must lie between 0 and 1, threshold from 0 to below 1, and patience cannot be negative")


@dataclass(frozen=True)
class FirstStage:
    """What is trained before the network: its `branches` alone, with a head of their own, for so many `epochs`.

    After that they stay as they are, and the network's head is trained on all branches. Everything else is the plan's.
    """

    branches: tuple[BranchName, ...]
    epochs: int

    def __post_init__(self) -> None:
        """Raises ValueError for what no run could follow."""
        if not self.branches or len(set(self.branches)) < len(self.branches):
            raise ValueError("branches needs at least one branch, and each once")
        if not 1 <= self.epochs <= MOST_EPOCHS:
            raise ValueError(f"epochs must lie from 1 to {MOST_EPOCHS:,}")


@dataclass(frozen=True)
class TrainingPlan:
    """Hyperparameters of one run.

    `sizes` are the input sizes in pixels of the epochs, the last one repeated up to `epochs`. `batch_size` is over all processes;
    with `accumulate` each of them computes its share in so many parts, one after the other, which takes less memory.
    Weight decay (AdamW, Loshchilov & Hutter 2019) spares norms and biases. `clip_norm` bounds the length of the gradient, 0 does
    not. `ema_decay` averages weights over steps, 0 does not. `balance` weighs both labels alike. `warmup_steps` are at most a
    quarter of all. `repeat` shows the pictures of a source several times an epoch. `autocast` computes in bfloat16 where that is
    safe. With an augmentation each epoch shows pictures changed anew; with `draws` above 0 so many versions of each take turns,
    so that what frozen branches say of them can be kept.

    After `patience` epochs that were not better the run ends, and the best epoch's weights are kept; with 0 all epochs are
    trained and the last is kept. `plateau` lowers the rate where epochs get no better. `watched` is the figure that says which
    epoch is better. It is measured on `val`, or on the share `held_back` of the groups of `train`, which are then not trained on.
    Where neither these nor a split `test` are there, `val` is what is reported, and nothing is chosen on it.

    With `first` the run has two stages, and all of this holds for each of them; without it all is trained together.
    """

    sizes: tuple[int, ...]
    epochs: int
    batch_size: int
    optimiser: Literal["adam", "adamw"]
    learning_rate: float
    weight_decay: float = 0.0
    warmup_steps: int = 0
    cosine: bool = False
    clip_norm: float = 0.0
    ema_decay: float = 0.0
    balance: bool = False
    patience: int = 0
    repeat: Mapping[str, int] = field(default_factory=dict)
    augmentation: Augmentation | None = None
    autocast: bool = True
    draws: int = 0
    plateau: Plateau | None = None
    watched: Literal["auc", "dcf"] = "auc"
    held_back: float = 0.0
    accumulate: int = 1
    seed: int = 20261123
    first: FirstStage | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for what no run could follow."""
        if not self.sizes or not all(8 <= size <= LARGEST_SIZE for size in self.sizes):
            raise ValueError(f"sizes needs at least one size, each from 8 to {LARGEST_SIZE} pixels")
        if min(self.epochs, self.batch_size, *self.repeat.values()) < 1:
            raise ValueError("epochs, batch_size and repeat must be at least 1")
        if self.batch_size < 2:
            raise ValueError("batch_size must be 2 or more: batch normalisation has nothing to normalise a single picture by")
        if not 1 <= self.accumulate <= self.batch_size // 2:
            raise ValueError(f"accumulate must lie from 1 to {self.batch_size // 2}: each part of a batch needs two pictures")
        if self.epochs > MOST_EPOCHS or self.batch_size > LARGEST_BATCH:
            raise ValueError(f"epochs can be {MOST_EPOCHS:,} at most, and batch_size {LARGEST_BATCH:,}")
        # Written so that what is no number fails, too.
        if not 0 < self.learning_rate < math.inf or not 0 <= self.ema_decay < 1:
            raise ValueError("learning_rate must be a number above 0, and ema_decay from 0 to below 1")
        if not all(0 <= number < math.inf for number in (self.weight_decay, self.clip_norm)):
            raise ValueError("weight_decay and clip_norm must be numbers, and cannot be negative")
        if min(self.warmup_steps, self.patience, self.draws) < 0:
            raise ValueError("warmup_steps, patience and draws cannot be negative")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"seed must lie from 0 to {LARGEST_SEED}")
        self._refuse_choices()

    def _refuse_choices(self) -> None:
        """Raises ValueError for ways to choose epochs and rates that do not go together."""
        if self.plateau and self.cosine:
            raise ValueError("the learning rate falls by cosine or by plateau, not by both")
        if not 0 <= self.held_back <= 0.5:
            raise ValueError("held_back is a share of the groups of train, from 0 to 0.5")
        if self.held_back and not self.patience and not self.plateau:
            raise ValueError("held_back is what patience and plateau look at, and the plan has neither")

    def size_of(self, epoch: int) -> int:
        """Input size in pixels of epoch 0, 1, ..."""
        return self.sizes[min(epoch, len(self.sizes) - 1)]

    def lasting(self, epochs: int) -> "TrainingPlan":
        """The same for so many epochs. Fewer leave out the first, which are smaller."""
        return replace(self, epochs=epochs, sizes=self.sizes[: self.epochs][-epochs:])

    def draw_of(self, epoch: int) -> int:
        """Which version of each picture epoch 0, 1, ... shows."""
        return epoch % self.draws if self.draws else epoch

    @property
    def repeats_pictures(self) -> bool:
        """Whether epochs show the very same pictures, of one size, so that it pays to keep what frozen branches say of them."""
        return len({self.size_of(epoch) for epoch in range(self.epochs)}) == 1 and (self.augmentation is None or self.draws > 0)

    @property
    def decoded_side(self) -> tuple[int, bool]:
        """How large decoded pictures are kept, in pixels, and whether that is exactly what is shown: it is without augmentation,
        at one size. Else there is room to cut, as much as is usual (256 pixels for inputs of 224).
        """
        sizes = {self.size_of(epoch) for epoch in range(self.epochs)}
        if self.augmentation is None and len(sizes) == 1:
            return max(sizes), True
        return math.ceil(max(sizes) * 8 / 7), False
