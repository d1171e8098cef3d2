"""The network run by torch, on any device."""

import copy
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..image.preprocess import Preprocessing
from ..model.answers import Answers
from ..model.branch import Branch
from ..model.network import FusionDetector
from .device import ChosenDevice
from .micro_batches import Forward


def forward_of(detector: FusionDetector, preprocessing: Preprocessing, device: ChosenDevice, *, in_bfloat16: bool) -> Forward:
    """How torch runs `detector`, a network in evaluation mode on `device`; with `in_bfloat16` a copy of it, in part.

    Of a network with frozen branches those alone compute in bfloat16: they take nearly all the time, and a fine-tuned CNN
    changes its answers more.
    """
    frozen = [name for name, branch in detector.parts.items() if branch.is_frozen]
    answers = Answers(narrowed(detector, frozen or detector.parts) if in_bfloat16 else detector, preprocessing)
    place = torch.device(device.name)

    @torch.inference_mode()
    def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        logits_BK: Tensor = answers(tensor_of(images_BHWC).to(place))
        return logits_BK.double().cpu().numpy()

    return forward


def tensor_of(images_BHWC: NDArray[np.uint8]) -> Tensor:
    """The same memory as a tensor; a copy of what must not be written, as bytes of a decoder are: torch has no such tensors."""
    return torch.from_numpy(images_BHWC if images_BHWC.flags.writeable else images_BHWC.copy())


def narrowed(detector: FusionDetector, names: Iterable[str]) -> FusionDetector:
    """A copy whose branches of these names compute in bfloat16.

    Its heads stay in float32: they are small, and their errors are not averaged.
    """
    narrow = copy.deepcopy(detector)
    for name in names:
        narrow.branches[name] = _Narrow(narrow.parts[name])
    return narrow


class _Narrow(nn.Module):
    def __init__(self, branch: Branch) -> None:
        super().__init__()
        self.branch = branch.bfloat16()
        self.width = branch.width

    def forward(self, images_BCHW: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.branch(images_BCHW.bfloat16())
        return embeddings_BD.float()
