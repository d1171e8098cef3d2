"""The sieve's network: convolutions at an eighth, a sixteenth and a 32nd of the picture, and what may be a face at the first two.

Shapes: B pictures, C colours or channels, H rows, W columns.
"""

import torch
from torch import Tensor, nn

from worker.detector.faces.sieve import MIDDLE

# Colours of 0..255 are given to the first layer less the middle, and divided by the spread: a power of two, which rounds nothing.
SPREAD = 64.0
# Pixels from one place of each output to the next.
STRIDES = (8, 16)


def _layer(inside: int, outside: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU(inplace=True))


class Sieve(nn.Module):
    """A picture (0..255) to two maps of log odds, a place of which is STRIDES pixels: smaller faces, and larger ones."""

    def __init__(self, narrow: int = 32, wide: int = 48) -> None:
        super().__init__()
        self.stem = _layer(3, 16, kernel=7, stride=4)
        self.eighth = nn.Sequential(_layer(16, narrow, stride=2), _layer(narrow, narrow))
        self.sixteenth = nn.Sequential(_layer(narrow, wide, stride=2), _layer(wide, wide))
        self.thirty_second = nn.Sequential(_layer(wide, wide, stride=2), _layer(wide, wide))
        self.to_sixteenth, self.to_eighth = nn.Conv2d(wide, wide, 1), nn.Conv2d(wide, narrow, 1)
        self.smaller = nn.Sequential(_layer(narrow, narrow), nn.Conv2d(narrow, 1, 1))
        self.larger = nn.Sequential(_layer(wide, wide, kernel=1), nn.Conv2d(wide, 1, 1))
        self.grown = nn.Upsample(scale_factor=2, mode="nearest")
        for name, values in self.named_parameters():
            if name in ("smaller.1.bias", "larger.1.bias"):
                nn.init.constant_(values, -4.0)  # faces are rare

    def forward(self, pictures_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Log odds, B x H/8 x W/8 and B x H/16 x W/16; H and W are multiples of 32."""
        return self.look((pictures_BCHW - MIDDLE) / SPREAD)

    def look(self, normal_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The same for a picture whose colours lie about 0."""
        eighth = self.eighth(self.stem(normal_BCHW))
        sixteenth = self.sixteenth(eighth)
        wide = torch.relu(sixteenth + self.grown(self.to_sixteenth(self.thirty_second(sixteenth))))
        narrow = torch.relu(eighth + self.grown(self.to_eighth(wide)))
        return self.smaller(narrow)[:, 0], self.larger(wide)[:, 0]
