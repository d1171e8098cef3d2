"""What runs the network: torch itself, or ONNX Runtime, which is quicker on processors. docs/speed.md has what was measured.

Shapes: B images, H rows, W columns, C = 3 colours, K answers: the logit, then that of each compared branch alone.
"""

import copy
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scanner.errors import KnownError

from .device import ChosenDevice
from .network import FusionDetector
from .normalise import normalise
from .preprocess import Preprocessing

# Uint8 images_BHWC to logits_BK.
Forward = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

# `torch-bf16` computes the branches in bfloat16: quicker where the processor can, but scores move (by up to 0.1 with `lite`).
RUNTIMES = ("torch", "torch-bf16", "onnxruntime")


class RuntimeUnavailable(KnownError):
    """The runtime that was asked for cannot run here."""


def choose_runtime(requested: str, device: ChosenDevice) -> str:
    """One of RUNTIMES: the quickest that keeps the scores for `auto`, else what was asked for. Raises RuntimeUnavailable."""
    if requested == "auto":
        return "onnxruntime" if device.name == "cpu" else "torch"
    if requested not in RUNTIMES:
        raise RuntimeUnavailable(f"runtime {requested!r} is not known; choose auto, {', '.join(RUNTIMES)} (setting runtime)")
    if requested == "onnxruntime" and device.name != "cpu":
        raise RuntimeUnavailable(f"onnxruntime runs on the CPU only, not {device.name}; choose auto or torch (setting runtime)")
    return requested


def forward_of(runtime: str, detector: FusionDetector, preprocessing: Preprocessing, device: ChosenDevice) -> Forward:
    """How `runtime` runs `detector`, a network in evaluation mode on `device`."""
    if runtime == "onnxruntime":
        from .onnx_runtime import compiled

        run = compiled(Answers(detector, preprocessing), preprocessing.size)
        return lambda images_BHWC: run(images_BHWC).astype(np.float64)
    answers = Answers(_narrow(detector) if runtime == "torch-bf16" else detector, preprocessing)
    place = torch.device(device.name)

    @torch.inference_mode()
    def forward(images_BHWC: NDArray[np.uint8]) -> NDArray[np.float64]:
        logits_BK: Tensor = answers(torch.from_numpy(images_BHWC).to(place))
        return logits_BK.double().cpu().numpy()

    return forward


class Answers(nn.Module):
    """From uint8 images_BHWC to logits_BK, normalisation included, so that pictures travel to the device as bytes."""

    def __init__(self, detector: FusionDetector, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.detector = detector
        self.preprocessing = preprocessing
        self.compares = bool(detector.compared)
        self.eval()  # exporting would otherwise leave the detector in training mode

    def forward(self, images_BHWC: Tensor) -> Tensor:
        images_BCHW = normalise(images_BHWC, self.preprocessing)
        embeddings_BD = self.detector.embeddings(images_BCHW)
        logits_B1 = self.detector.judge(embeddings_BD)[:, None]
        return torch.cat([logits_B1, self.detector.alone(embeddings_BD)], dim=1) if self.compares else logits_B1


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
