"""From a picture to an input's pixels: training and scanning call the same functions. `normalise.py` has what follows.

Imports no torch, so that decoder processes stay small.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# No branch looks at larger inputs, and a batch of these takes gigabytes.
LARGEST_INPUT = 1024
# Divided by less, pixels leave what float32 can hold.
_LEAST_DEVIATION = 1e-6

ResizeRule = Literal["centre-square", "shorter-side", "squash"]
Rounding = Literal["down", "nearest"]
FilterName = Literal["bicubic", "bilinear", "lanczos", "box"]


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
        if not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) < _LEAST_DEVIATION:
            raise ValueError(f"mean and std must be finite, and std {_LEAST_DEVIATION:g} or more")


@dataclass(frozen=True)
class Resize:
    """How a picture, or the square around a face, is brought to the size of an input, by Pillow's antialiased resize.

    `centre-square` cuts and resizes in one step: the way of networks that are trained here. `shorter-side` first brings the
    shorter side to `shorter` pixels (0: the input's size) and then cuts the centre, as torchvision's `Resize` and `CenterCrop`
    do; the longer side is rounded `down` as there, or to the `nearest` pixel. `squash` resizes both sides, whatever that does to
    shapes.
    """

    rule: ResizeRule = "centre-square"
    shorter: int = 0
    rounding: Rounding = "down"
    filter: FilterName = "bicubic"

    def __post_init__(self) -> None:
        """Raises ValueError for what no picture can go through."""
        if not 0 <= self.shorter <= 2 * LARGEST_INPUT:
            raise ValueError(f"shorter must lie from 0 to {2 * LARGEST_INPUT} pixels, not {self.shorter}")
        if self.shorter and self.rule != "shorter-side":
            raise ValueError(f'shorter goes with rule = "shorter-side" only, not with "{self.rule}"; leave it out')


# As networks that are trained here are shown pictures.
OWN_RESIZE = Resize()


def to_input(picture: Image.Image, size: int, resize: Resize = OWN_RESIZE) -> NDArray[np.uint8]:
    """The picture as an input of `size` pixels, uint8 HWC. Raises ValueError unless it is RGB."""
    if resize == OWN_RESIZE:
        return to_square(picture, size)
    _demand_rgb(picture)
    resample = Image.Resampling[resize.filter.upper()]
    if resize.rule == "squash":
        return np.asarray(picture.resize((size, size), resample))
    if resize.rule == "centre-square":
        return np.asarray(picture.resize((size, size), resample, box=_centre(picture)))
    shorter = max(size, resize.shorter)
    scale, exact = shorter / min(picture.size), resize.rounding == "nearest"
    sides = [
        shorter if side == min(picture.size) else round(side * scale) if exact else int(side * scale) for side in picture.size
    ]
    # torchvision's CenterCrop rounds half of what is over, half to even; others cut it off.
    left, top = ((side - size) // 2 if exact else round((side - size) / 2) for side in sides)
    resized = picture.resize((sides[0], sides[1]), resample)
    return np.asarray(resized.crop((left, top, left + size, top + size)))


def to_square(picture: Image.Image, size: int) -> NDArray[np.uint8]:
    """Scale the shorter side to `size` (bicubic, antialiased) and cut the centre square: uint8, HWC.

    One call of `resize` with a box does both, so no intermediate rounding happens. Raises ValueError unless the picture is RGB.
    """
    _demand_rgb(picture)
    return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, box=_centre(picture)))


def _centre(picture: Image.Image) -> tuple[float, float, float, float]:
    """The edges of the centre square."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def _demand_rgb(picture: Image.Image) -> None:
    if picture.mode != "RGB":
        raise ValueError(f"an RGB picture is needed, not {picture.mode}")
