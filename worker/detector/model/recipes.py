"""What a network is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..image.preprocess import Preprocessing

BranchName = Literal["clip-image", "clip-prompt", "resnet101", "efficientnet-lite2"]
ClipName = Literal["vit-b-32", "vit-b-16"]
CLIP_BLOCKS = 12  # of both towers
Fusion = Literal["concatenated", "late", "gated"]

# The static prompt of the paper (section III.A), verbatim.
PROMPT = (
    "Analyze the image for signs of authenticity or manipulation, focusing on natural textures, consistent lighting, facial "
    "feature alignment, realistic backgrounds, and potential artifacts such as mismatched reflections, abrupt edge transitions, "
    "or other unnatural elements."
)


@dataclass(frozen=True)
class Recipe:
    """Branches whose embeddings are concatenated, and the head: widths of its hidden layers, then one logit.

    `clip` is the tower of the CLIP branches, `clip_blocks` the blocks (from 1) whose class tokens stand beside its image
    embedding, `prompt` the sentence of the branch `clip-prompt`. `batch_norm` puts batch normalisation behind each hidden
    layer. `inputs` are for branches that see the network's input at another size, or normalised in another way. `fusion`
    says how branches come together: `concatenated` embeddings under one head; `late`, a head for each branch and a weighted sum
    of their logits; `gated`, such a sum in which the first branch says how much the others count. `whole` are the branches that a
    second head sees, which scores pictures as a whole; without any there is none.
    """

    name: str
    branches: tuple[BranchName, ...]
    hidden: tuple[int, ...]
    dropout: float
    preprocessing: Preprocessing
    clip: ClipName = "vit-b-32"
    clip_blocks: tuple[int, ...] = ()
    prompt: str = PROMPT
    batch_norm: bool = False
    inputs: Mapping[str, Preprocessing] = field(default_factory=dict)
    fusion: Fusion = "concatenated"
    whole: tuple[BranchName, ...] = ()
