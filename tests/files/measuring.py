"""A branch whose embedding is known beforehand, for networks that are functions of ours."""

import torch

from worker.detector.model.branch import Branch


class Measuring(Branch):
    """One number per image; with `fine` the contrast of neighbouring pixels, else the brightness, both 0..1."""

    width = 1

    def __init__(self, fine: bool) -> None:
        super().__init__()
        self.fine = fine

    def forward(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        if self.fine:
            return (images_BCHW - images_BCHW.mean(dim=(1, 2, 3), keepdim=True)).abs().mean(dim=(1, 2, 3))[:, None] * 2
        return images_BCHW.mean(dim=(1, 2, 3))[:, None]
