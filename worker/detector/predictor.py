"""Predictor: pictures in, scores out.

Shapes: B images, H = W = preprocessing size, C = 3.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .backbones import BackboneFiles
from .checkpoint import CheckpointCard, load_checkpoint
from .device import ChosenDevice
from .network import FusionDetector
from .preprocess import normalise


class Predictor:
    """A detector on its device, with the card of the checkpoint it came from.

    `branches` are those whose scores alone can be compared; none where the network has only one.
    """

    def __init__(self, detector: FusionDetector, card: CheckpointCard, device: ChosenDevice, micro_batch: int) -> None:
        self.card = card
        self.device = device
        self._device = torch.device(device.name)
        self.detector = detector.eval().to(self._device).to(memory_format=torch.channels_last)
        self.micro_batch = micro_batch
        self.branches = self.detector.compared

    def logits(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Uncalibrated logits_B of preprocessed uint8 images, in micro-batches of at most `micro_batch`."""
        parts = [
            self._forward(images_BHWC[start : start + self.micro_batch]) for start in range(0, len(images_BHWC), self.micro_batch)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def scores(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """scores_B: calibrated P(fake), 0..1."""
        return self._calibrated(self.logits(images_BHWC))

    def scores_with_branches(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """scores_BK: the score, then that of each of `branches` alone (see FusionDetector.alone), from the same pass."""
        if not self.branches:
            return self.scores(images_BHWC)[:, None]
        starts = range(0, len(images_BHWC), self.micro_batch)
        parts = [self._forward_with_branches(images_BHWC[start : start + self.micro_batch]) for start in starts]
        return self._calibrated(np.concatenate(parts) if parts else np.zeros((0, 1 + len(self.branches))))

    def on_device(self, images_BHWC: NDArray[np.uint8]) -> Tensor:
        """images_BCHW as the network takes them."""
        ready = torch.from_numpy(normalise(images_BHWC, self.card.recipe.preprocessing))
        return ready.to(self._device, memory_format=torch.channels_last)

    def _calibrated(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        calibration = self.card.calibration
        return sigmoid(calibration.slope * logits + calibration.offset)

    @torch.inference_mode()
    def _forward(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        logits_B: Tensor = self.detector(self.on_device(images_BHWC))
        return logits_B.double().cpu().numpy()

    @torch.inference_mode()
    def _forward_with_branches(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        embeddings_BD = self.detector.embeddings(self.on_device(images_BHWC))
        logits_B1 = self.detector.judge(embeddings_BD)[:, None]
        return torch.cat([logits_B1, self.detector.alone(embeddings_BD)], dim=1).double().cpu().numpy()


def load_predictor(path: Path, device: ChosenDevice, *, files: BackboneFiles, micro_batch: int) -> Predictor:
    """Load the checkpoint at `path` onto `device`. Raises CheckpointError and BackboneMissing."""
    detector, card = load_checkpoint(path, files)
    return Predictor(detector, card, device, micro_batch)


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0, -logits))
