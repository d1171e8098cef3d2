"""How a recipe is trained: the hyperparameters of one run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..data.augmentation import Augmentation


@dataclass(frozen=True)
class TrainingPlan:
    """Hyperparameters of one run.

    `sizes` are the input sizes in pixels of the epochs, the last one repeated up to `epochs`. `batch_size` is over all processes.
    Weight decay (AdamW, Loshchilov & Hutter 2019) spares norms and biases. `clip_norm` bounds the length of the gradient, 0 does
    not. `ema_decay` averages weights over steps, 0 does not. `balance` weighs both labels alike. After `patience` epochs without
    a better AUC on `val` the run ends, and the best epoch's weights are kept; with 0, and where figures are reported of `val`,
    all epochs are trained and the last is kept. `warmup_steps` are at most a quarter of all. `repeat` shows the pictures of a
    source several times an epoch. `autocast` computes in bfloat16 where that is safe. With an augmentation each epoch shows
    pictures changed anew; with `draws` above 0 so many versions of each take turns, so that what frozen branches say of them can
    be kept.
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
    seed: int = 20261123

    def __post_init__(self) -> None:
        """Raises ValueError for what no run could follow."""
        if not self.sizes or min(self.sizes) < 8:
            raise ValueError("sizes needs at least one size of 8 pixels or more")
        if min(self.epochs, self.batch_size, *self.repeat.values()) < 1:
            raise ValueError("epochs, batch_size and repeat must be at least 1")
        if self.learning_rate <= 0 or not 0 <= self.ema_decay < 1:
            raise ValueError("learning_rate must be above 0, and ema_decay from 0 to below 1")
        if min(self.weight_decay, self.warmup_steps, self.clip_norm, self.patience, self.draws) < 0:
            raise ValueError("weight_decay, warmup_steps, clip_norm, patience and draws cannot be negative")

    def size_of(self, epoch: int) -> int:
        """Input size in pixels of epoch 0, 1, ..."""
        return self.sizes[min(epoch, len(self.sizes) - 1)]

    def draw_of(self, epoch: int) -> int:
        """Which version of each picture epoch 0, 1, ... shows."""
        return epoch % self.draws if self.draws else epoch

    @property
    def repeats_pictures(self) -> bool:
        """Whether epochs show the very same pictures, of one size, so that it pays to keep what frozen branches say of them."""
        return len({self.size_of(epoch) for epoch in range(self.epochs)}) == 1 and (self.augmentation is None or self.draws > 0)
