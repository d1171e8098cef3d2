"""The only resize of the project: training and scanning call the same function. `normalise.py` has what follows.

Imports no torch, so that decoder processes stay small.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# No branch looks at larger inputs, and a batch of these takes gigabytes.
LARGEST_INPUT = 1024


@dataclass(frozen=True)
class Preprocessing:
    """How a decoded picture becomes the network's input; pinned in every checkpoint.

    `size` is in pixels (the input is size x size); `mean` and `std` are per RGB channel on the 0..1 scale.
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Raises ValueError for what no picture can go through."""
        if not 1 <= self.size <= LARGEST_INPUT:
            raise ValueError(f"size must lie from 1 to {LARGEST_INPUT} pixels, not {self.size}")
        if not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) <= 0:
            raise ValueError("mean and std must be finite, and std above 0")


def to_square(picture: Image.Image, size: int) -> NDArray[np.uint8]:
    """Scale the shorter side to `size` (bicubic, antialiased) and cut the centre square: uint8, HWC.

    One call of `resize` with a box does both, so no intermediate rounding happens. Raises ValueError unless the picture is RGB.
    """
    if picture.mode != "RGB":
        raise ValueError(f"an RGB picture is needed, not {picture.mode}")
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    square = picture.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    return np.asarray(square)
