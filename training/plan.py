"""How a recipe is trained: the hyperparameters, by the recipe's name."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrainingPlan:
    """Hyperparameters of one run.

    `sizes` is the input size in pixels of each epoch (its length is the number of epochs): smaller first epochs cost
    less and lose little (progressive resizing, Tan & Le 2021). `repeat` oversamples a source, so that sources that hold one
    label only do not teach their own look. `ema_decay` averages weights over steps; 0 switches it off.
    """

    sizes: tuple[int, ...]
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_steps: int
    ema_decay: float
    optimiser: str = "adamw"
    cosine: bool = True
    augment: bool = True
    repeat: Mapping[str, int] = field(default_factory=dict)
    seed: int = 20261123


def plan_for(recipe: str) -> TrainingPlan:
    """The plan of a recipe; the `paper` family follows the published table (batch 64, Adam 1e-4, 30 epochs)."""
    if recipe == "lite":
        return TrainingPlan((128, 160, 160), 32, 5e-4, 0.02, 300, 0.998, repeat={"ffhq_realorfake": 3})
    return TrainingPlan((224,) * 30, 64, 1e-4, 0.0, 0, 0.0, optimiser="adam", cosine=False, augment=False)
