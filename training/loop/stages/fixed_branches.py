"""Branches that a first stage has trained, as they are: nothing changes in them any more.

Shapes: B images, C = 3, H x W pixels, D embedding width.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from worker.detector.checkpoints.checkpoint import tensors_sha256
from worker.detector.model.branch import Branch
from worker.detector.model.network import FusionDetector


class FixedBranch(Branch):
    """A branch that stays as it is: no gradients, in evaluation mode, so that batch normalisation counts nothing."""

    is_frozen = True

    def __init__(self, branch: Branch) -> None:
        super().__init__()
        self.branch = branch.requires_grad_(False).eval()
        self.width = branch.width
        self.input_size = branch.input_size

    def train(self, mode: bool = True) -> "FixedBranch":
        """Stays in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, images_BCHW: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.branch(images_BCHW)
        return embeddings_BD


@contextmanager
def fixed(detector: FusionDetector, names: Sequence[str]) -> Iterator[None]:
    """A block in which these branches of `detector` are fixed ones; after it they are ordinary ones, with the same weights."""
    ordinary = {name: detector.parts[name] for name in names}
    detector.branches.update({name: FixedBranch(branch) for name, branch in ordinary.items()})
    try:
        yield
    finally:
        detector.branches.update({name: branch.requires_grad_() for name, branch in ordinary.items()})


def branch_hashes(detector: FusionDetector, names: Sequence[str]) -> Mapping[str, str]:
    """The sha256 of the weights of these branches, statistics included."""
    weights = {name: detector.parts[name].state_dict() for name in names}
    return {name: tensors_sha256({key: tensor.cpu() for key, tensor in own.items()}) for name, own in weights.items()}
