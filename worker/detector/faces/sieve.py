"""Says where in a large picture a face may be: a small network of our own (`sieve.md`). Imports no torch.

It looks at the picture at three scales, each a quarter of the one before, so that each face is 6 to 60 pixels large in one of
them. Shapes: H rows, W columns.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .networks import Network, Places

# Pixels of the largest of the three, and how many times smaller each is in width than the one before.
SIEVED_PIXELS, STEP, SCALES = 1000 * 750, 4, 3
# Whole factors are quickest to shrink by, so the sides may be this much longer or shorter for their sake.
NEARLY = 1.03
# What the network is given is less than the picture's colours by this.
MIDDLE = 127.5
_NETWORK = Path(__file__).with_name("sieve.onnx")


@dataclass(frozen=True)
class Output:
    """One of the network's outputs: pixels from place to place, the largest face that it tells of, and what it must say."""

    stride: int
    largest: int
    least: float


OUTPUTS = (Output(8, 26, 0.45), Output(16, 60, 0.42))


@dataclass(frozen=True)
class Proposal:
    """A place where a face may be: its middle, and the largest that it may be, in pixels of the picture."""

    x: float
    y: float
    largest: float


class Sieve:
    """The sieve, loaded."""

    def __init__(self) -> None:
        self._network = Network(_NETWORK.read_bytes(), MIDDLE)

    def proposals(self, sieved: Sequence[Image.Image], size: tuple[int, int]) -> list[Proposal]:
        """Where faces may be in an RGB picture of `size`, of which `sieved` are the scales. Raises PictureError."""
        found = list[Proposal]()
        for picture in sieved:
            across, down = size[0] / picture.width, size[1] / picture.height
            for output, [chances_HW] in zip(OUTPUTS, self._network.run([np.asarray(picture)]), strict=True):
                within_HW = chances_HW[: -(-picture.height // output.stride), : -(-picture.width // output.stride)]
                rows, columns = peaks(within_HW, output.least)
                found += [
                    Proposal((column + 0.5) * output.stride * across, (row + 0.5) * output.stride * down, output.largest * across)
                    for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
                ]
        return found


def scales_of(picture: Image.Image) -> list[Image.Image]:
    """What the sieve looks at of a picture, the largest first."""
    scales = [shrunk(picture, SIEVED_PIXELS)]
    while len(scales) < SCALES:
        scales.append(scales[-1].reduce(STEP))
    return scales


def shrunk(picture: Image.Image, pixels: int) -> Image.Image:
    """The picture with so many pixels or a few more: by whole factors first, which is quickest."""
    factor = math.floor(NEARLY * math.sqrt(picture.width * picture.height / pixels))
    picture = picture.reduce(factor) if factor > 1 else picture
    scale = math.sqrt(pixels / (picture.width * picture.height))
    if NEARLY * scale >= 1:
        return picture
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.BILINEAR)


def peaks(chances_HW: NDArray[np.float32], least: float) -> tuple[Places, Places]:
    """Rows and columns of the places that say `least` and no less than the eight about them."""
    rows, columns = np.nonzero(chances_HW >= least)
    around_HW = np.pad(chances_HW, 1)
    highest = np.max([around_HW[rows + down, columns + across] for down in range(3) for across in range(3)], axis=0)
    is_peak = chances_HW[rows, columns] >= highest
    return rows[is_peak], columns[is_peak]
