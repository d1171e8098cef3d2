"""From images to scores, whatever runs the network. Imports no torch.

Shapes: B images, H = W = preprocessing size, C = 3, K answers: the network's logit, then that of each branch alone,
then that of the head for whole pictures, if it has one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..checkpoints.card import CheckpointCard
from ..faces.input_selection import Wanted
from .device import ChosenDevice
from .micro_batches import Forward, MicroBatches


class Scorer:
    """A network that runs on `device` by `runtime` (one of RUNTIMES), with the card of the checkpoint it came from.

    `branches` are those whose scores alone can be compared; none where the network has only one. It is quickest when
    `calls_at_once` threads ask it for scores.
    """

    def __init__(
        self,
        forward: Forward,
        branches: Sequence[str],
        card: CheckpointCard,
        device: ChosenDevice,
        *,
        runtime: str,
        micro_batch: int,
        calls_at_once: int = 1,
    ) -> None:
        self.card = card
        self.device = device
        self.runtime = runtime
        self.branches = tuple(branches)
        self.micro_batch = micro_batch
        self.calls_at_once = calls_at_once
        self._network = MicroBatches(forward, micro_batch)

    @property
    def ran_on(self) -> str:
        """Device and runtime, as every verdict keeps them."""
        return self.device.name if self.runtime == "torch" else f"{self.device.name}, {self.runtime}"

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """What it is shown of a picture."""
        return (Wanted(self.card.recipe.preprocessing.size, self.card.face_inputs),)

    def logits(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Uncalibrated logits_B of preprocessed uint8 images, in micro-batches of at most `micro_batch`."""
        logits_B: NDArray[np.float64] = self._logits(images_BHWC)[:, 0]
        return logits_B

    def scores(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """scores_B: calibrated P(fake), 0..1."""
        return self._calibrated(self.logits(images_BHWC))

    def answers(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Uncalibrated logits_BK: the network's, those of `branches` alone (see FusionDetector.alone), and the second head's."""
        return self._logits(images_BHWC)

    @property
    def has_whole_head(self) -> bool:
        """Whether the last of the answers is that of a head for whole pictures."""
        return bool(self.card.recipe.whole)

    def _logits(self, images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        if not len(images_BHWC):
            return np.zeros((0, 1 + len(self.branches) + self.has_whole_head))
        return self._network.logits(np.ascontiguousarray(images_BHWC))

    def _calibrated(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        calibration = self.card.calibration
        return sigmoid(calibration.slope * logits + calibration.offset)


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / (1 + exp(-x)), without overflow."""
    return np.exp(-np.logaddexp(0, -logits))
