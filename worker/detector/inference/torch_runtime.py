"""The network run by torch, on any device."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..image.preprocess import Preprocessing
from ..model.network import FusionDetector
from .answers import Answers
from .device import ChosenDevice
from .micro_batches import Forward


def forward_of(detector: FusionDetector, preprocessing: Preprocessing, device: ChosenDevice, *, in_bfloat16: bool) -> Forward:
    """How torch runs `detector`, a network in evaluation mode on `device`; with `in_bfloat16` a copy of it, in part."""
    answers = Answers(_narrow(detector) if in_bfloat16 else detector, preprocessing)
    place = torch.device(device.name)

    @torch.inference_mode()
    def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        logits_BK: Tensor = answers(torch.from_numpy(images_BHWC).to(place))
        return logits_BK.double().cpu().numpy()

    return forward


def _narrow(detector: FusionDetector) -> FusionDetector:
    """A copy whose branches compute in bfloat16; its head stays in float32, it is small and its errors are not averaged."""
    narrow = copy.deepcopy(detector)
    narrow.branches = nn.ModuleDict({name: _Narrow(branch) for name, branch in narrow.branches.items()})
    return narrow


class _Narrow(nn.Module):
    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch.bfloat16()

    def forward(self, images_BCHW: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.branch(images_BCHW.bfloat16())
        return embeddings_BD.float()
