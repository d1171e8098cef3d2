"""How a network that was made elsewhere takes pictures, and what it answers. Imports no torch."""

import math
from dataclasses import dataclass
from typing import Literal

Layout = Literal["NCHW", "NHWC"]
Channels = Literal["RGB", "BGR"]
PixelRange = Literal["0..1", "0..255"]
OutputKind = Literal["logit", "probability", "softmax", "embedding"]
# An output, or an embedding, is a short vector; this many values are a wrong file.
WIDEST_OUTPUT = 100_000


@dataclass(frozen=True)
class LinearHead:
    """A linear classifier: logit = weights * embedding + bias; `normalised` divides the embedding by its length first."""

    weights: tuple[float, ...]
    bias: float = 0.0
    normalised: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for what gives no logit."""
        if not 1 <= len(self.weights) <= WIDEST_OUTPUT or not all(map(math.isfinite, (*self.weights, self.bias))):
            raise ValueError(f"a head has 1 to {WIDEST_OUTPUT} weights, and all must be finite")
        if not any(self.weights):
            raise ValueError("all weights of the head are 0: every picture would have the same score")


@dataclass(frozen=True)
class ImportedNetwork:
    """An ONNX network that runs as it is: (pixel - mean) / std of the recipe's preprocessing, of pixels in `pixel_range`.

    Mean and std are in the order of `channels`. `output` names the tensor that counts ("" for the first). Of its last axis,
    `index` is that of `fake`; what stands there is a `logit`, a `probability`, or one of the values that a `softmax` over all
    makes probabilities of. An `embedding` goes through `head`. `inverted`: the logit or probability is that of `real`.
    """

    layout: Layout = "NCHW"
    channels: Channels = "RGB"
    pixel_range: PixelRange = "0..1"
    kind: OutputKind = "logit"
    output: str = ""
    index: int = 0
    head: LinearHead | None = None
    inverted: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot go together."""
        if (self.kind == "embedding") != (self.head is not None):
            raise ValueError('a head goes with kind = "embedding", and that needs one')
        if self.inverted and self.kind not in ("logit", "probability"):
            raise ValueError(f'of = "real" is for a logit or a probability; for kind = "{self.kind}" say which class is fake')
        if not 0 <= self.index < WIDEST_OUTPUT:
            raise ValueError(f"index must lie from 0 to {WIDEST_OUTPUT - 1}, not {self.index}")
