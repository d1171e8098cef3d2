"""The network's input as one branch wants it: at its own size, normalised its own way. One input serves all branches so.

Shapes: B images, C = 3, H = W = the network's input size, h = w = the branch's.
"""

import torch
from torch import Tensor, nn

from ..image.preprocess import Preprocessing


class BranchInput(nn.Module):
    """Resizes and normalises anew. The resize is a product with a constant matrix on each side, which every runtime has.

    The matrices are those of bicubic interpolation with antialiasing (Keys 1981, a = -0.5), as `to_square` does it;
    but at hard edges values are not cut off at 0 and 255.
    """

    rows_hH: Tensor
    scale_C11: Tensor
    shift_C11: Tensor

    def __init__(self, network: Preprocessing, branch: Preprocessing) -> None:
        super().__init__()
        self.is_resized = network.size != branch.size
        self.register_buffer("rows_hH", _resize_matrix(network.size, branch.size), persistent=False)
        std, mean = torch.tensor(network.std), torch.tensor(network.mean)
        own_std, own_mean = torch.tensor(branch.std), torch.tensor(branch.mean)
        self.register_buffer("scale_C11", (std / own_std).view(3, 1, 1), persistent=False)
        self.register_buffer("shift_C11", ((mean - own_mean) / own_std).view(3, 1, 1), persistent=False)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        resized = self.rows_hH @ images_BCHW @ self.rows_hH.T if self.is_resized else images_BCHW
        return resized * self.scale_C11 + self.shift_C11


def _resize_matrix(size: int, to: int) -> Tensor:
    identity = torch.eye(size)[None, None]
    return nn.functional.interpolate(identity, (to, size), mode="bicubic", antialias=True)[0, 0]
