"""Predictor: a scorer whose network is at hand, for training, measuring and explaining.

Shapes: B images, H = W = preprocessing size, C = 3.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..checkpoints.card import CheckpointCard
from ..checkpoints.checkpoint import load_checkpoint
from ..image.normalise import normalise
from ..model.network import FusionDetector
from ..weights.public_weights import BackboneFiles
from .device import ChosenDevice
from .scorer import Scorer
from .torch_runtime import forward_of, tensor_of

# What lies between the layers of more images takes memory, and a CPU runs them no quicker.
MOST_ON_CPU = 32


class Predictor(Scorer):
    """A detector on its device, with the card of the checkpoint it came from; `runtime` is `torch` or `torch-bf16`."""

    def __init__(
        self, detector: FusionDetector, card: CheckpointCard, device: ChosenDevice, micro_batch: int, runtime: str = "torch"
    ) -> None:
        self._place = torch.device(device.name)
        self.detector = detector.eval().to(self._place).to(memory_format=torch.channels_last)
        forward = forward_of(self.detector, card.recipe.preprocessing, device, in_bfloat16=runtime == "torch-bf16")
        super().__init__(forward, self.detector.compared, card, device, runtime=runtime, micro_batch=micro_batch)

    def on_device(self, images_BHWC: NDArray[np.uint8]) -> Tensor:
        """images_BCHW as `detector` takes them."""
        return normalise(tensor_of(images_BHWC).to(self._place), self.card.recipe.preprocessing)


def load_predictor(
    path: Path, device: ChosenDevice, *, files: BackboneFiles, micro_batch: int, runtime: str = "torch"
) -> Predictor:
    """Load the checkpoint at `path` onto `device`, for `micro_batch` images at once, on a CPU at most MOST_ON_CPU.

    Raises CheckpointError and BackboneMissing.
    """
    detector, card = load_checkpoint(path, files)
    at_once = min(micro_batch, MOST_ON_CPU) if device.name == "cpu" else micro_batch
    return Predictor(detector, card, device, at_once, runtime)
