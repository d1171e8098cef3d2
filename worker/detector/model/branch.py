"""What a branch of a FusionDetector is.

Shapes: B images, C = 3, H x W pixels, D embedding width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from ..weights.public_weights import PublicWeights
from .recipes import Recipe


class Branch(nn.Module):
    """Turns images_BCHW into embeddings_BD with D = `width`. One that `is_constant` looks at no image.

    One that `is_frozen` is a public backbone as it is, which checkpoints name and do not copy.
    `input_size` is the one size of inputs (pixels) that it takes; None if it takes any.
    `explained_by` says how a heatmap reads the layers in `explained`.
    """

    width: int
    is_constant = False
    is_frozen = False
    input_size: int | None = None
    explained_by: Literal["attention", "convolution"] = "convolution"

    @property
    def explained(self) -> tuple[nn.Module, ...]:
        """The layers in which a heatmap looks for what the branch saw where, in the order they run."""
        return ()

    def embed(self, images_BCHW: Tensor) -> Tensor:
        """What `forward` gives, but gradients pass to the images even through a frozen branch."""
        embeddings_BD: Tensor = self(images_BCHW)
        return embeddings_BD


@dataclass(frozen=True)
class BranchKind:
    """A kind of branch: its public weights, where libraries keep them, how it is built, whether it is frozen, or constant.

    What is frozen is not copied into checkpoints, but named there by the sha256 of its file.
    """

    weights: Callable[[Recipe], PublicWeights]
    kept_at: Callable[[PublicWeights], Path | None]
    build: Callable[[Recipe, Path | None, bool], Branch]
    is_frozen: bool = False
    is_constant: bool = False
