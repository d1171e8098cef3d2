"""Predictor: pictures in, scores out.

Shapes: B images, H = W = preprocessing size, C = 3, K answers: the whole network's, then that of each branch alone.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .backbones import BackboneFiles
from .checkpoint import CheckpointCard, load_checkpoint
from .device import ChosenDevice
from .micro_batches import MicroBatches
from .network import FusionDetector
from .normalise import normalise
from .runtimes import forward_of


class Predictor:
    """A detector on its device, with the card of the checkpoint it came from; `runtime` is one of RUNTIMES.

    `branches` are those whose scores alone can be compared; none where the network has only one.
    """

    def __init__(
        self, detector: FusionDetector, card: CheckpointCard, device: ChosenDevice, micro_batch: int, runtime: str = "torch"
    ) -> None:
        self.card = card
        self.device = device
        self.runtime = runtime
        self._place = torch.device(device.name)
        self.detector = detector.eval().to(self._place).to(memory_format=torch.channels_last)
        self.branches = self.detector.compared
        self.micro_batch = micro_batch
        self._network = MicroBatches(forward_of(runtime, self.detector, card.recipe.preprocessing, device), micro_batch)

    @property
    def ran_on(self) -> str:
        """Device and runtime, as every verdict keeps them."""
        return self.device.name if self.runtime == "torch" else f"{self.device.name}, {self.runtime}"

    def logits(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Uncalibrated logits_B of preprocessed uint8 images, in micro-batches of at most `micro_batch`."""
        logits_B: NDArray[np.float64] = self._logits(images_BHWC)[:, 0]
        return logits_B

    def scores(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """scores_B: calibrated P(fake), 0..1."""
        return self._calibrated(self.logits(images_BHWC))

    def scores_with_branches(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """scores_BK: the score, then that of each of `branches` alone (see FusionDetector.alone), from the same pass."""
        return self._calibrated(self._logits(images_BHWC))

    def on_device(self, images_BHWC: NDArray[np.uint8]) -> Tensor:
        """images_BCHW as `detector` takes them."""
        return normalise(torch.from_numpy(images_BHWC).to(self._place), self.card.recipe.preprocessing)

    def _logits(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        if not len(images_BHWC):
            return np.zeros((0, 1 + len(self.branches)))
        return self._network.logits(np.ascontiguousarray(images_BHWC))

    def _calibrated(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        calibration = self.card.calibration
        return sigmoid(calibration.slope * logits + calibration.offset)


def load_predictor(
    path: Path, device: ChosenDevice, *, files: BackboneFiles, micro_batch: int, runtime: str = "torch"
) -> Predictor:
    """Load the checkpoint at `path` onto `device`. Raises CheckpointError and BackboneMissing."""
    detector, card = load_checkpoint(path, files)
    return Predictor(detector, card, device, micro_batch, runtime)


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0, -logits))
