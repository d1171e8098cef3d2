"""What a network is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..image.preprocess import Preprocessing

BranchName = Literal["clip-image", "clip-prompt", "resnet101", "efficientnet-lite2", "imported", "combined"]
# A network that was made elsewhere, and other models: each goes alone, and is not built here.
IMPORTED: BranchName = "imported"
COMBINED: BranchName = "combined"
# In which file of `backbones` each stands.
BACKBONES: Mapping[BranchName, str] = {
    "clip-image": "clip",
    "clip-prompt": "clip",
    "resnet101": "resnet",
    "efficientnet-lite2": "efficientnet_lite",
}
ClipName = Literal["vit-b-32", "vit-b-16"]
CLIP_BLOCKS = 12  # of both towers
Fusion = Literal["concatenated", "late", "gated"]
# A head is small; without these bounds a few digits in a file would ask for all of the memory.
MOST_LAYERS, WIDEST = 8, 16384

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

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be built."""
        if not self.branches or len(set(self.branches)) < len(self.branches):
            raise ValueError("branches needs at least one branch, and each once")
        for alone in (IMPORTED, COMBINED):
            if alone in self.branches and (len(self.branches) > 1 or self.hidden or self.whole):
                raise ValueError(f"the branch {alone} goes alone, and without a head")
        if not 0 <= self.dropout < 1 or not all(1 <= width <= WIDEST for width in self.hidden):
            raise ValueError(f"dropout must lie from 0 to below 1, and hidden widths from 1 to {WIDEST}")
        if len(self.hidden) > MOST_LAYERS:
            raise ValueError(f"hidden can have {MOST_LAYERS} layers at most")
        for name, named in (("whole", self.whole), ("inputs", self.inputs)):
            if not set(named) <= set(self.branches):
                raise ValueError(f"{name} names a branch that the network does not have")
        if len(set(self.clip_blocks)) < len(self.clip_blocks) or not all(1 <= block <= CLIP_BLOCKS for block in self.clip_blocks):
            raise ValueError(f"clip_blocks must lie from 1 to {CLIP_BLOCKS}, each once")
        if self.fusion != "concatenated" and self.batch_norm:
            raise ValueError(f'batch_norm goes with fusion = "concatenated" only, not with "{self.fusion}"; leave it out')
