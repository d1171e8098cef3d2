"""What a network is made of."""

from dataclasses import dataclass
from typing import Literal

from ..image.preprocess import Preprocessing

BranchName = Literal["clip-image", "clip-prompt", "resnet101", "efficientnet-lite2"]

# The static prompt of the `paper` recipe; its embedding is a constant vector in the checkpoint.
PROMPT = "a photo of a deepfake face"


@dataclass(frozen=True)
class Recipe:
    """Branches whose embeddings are concatenated, and the head: widths of its hidden layers, then one logit."""

    name: str
    branches: tuple[BranchName, ...]
    hidden: tuple[int, ...]
    dropout: float
    preprocessing: Preprocessing
