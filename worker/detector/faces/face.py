"""Faces in pictures, as the finder, the cropping, the worker and training speak of them. Imports no torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanner.domain.prediction import Face

# Shapes: H rows, W columns, C colours.
Point = tuple[float, float]


@dataclass(frozen=True)
class Located:
    """Where the finder sees a face: `box` is left, top, width, height; `eyes` are left and right as one looks at them, x and y.

    All in pixels of the picture that was searched; `confidence` 0..1.
    """

    box: tuple[float, float, float, float]
    eyes: tuple[Point, Point]
    confidence: float

    @property
    def side(self) -> float:
        """The longer side of the box."""
        return max(self.box[2:])

    @property
    def middle(self) -> Point:
        """The middle of the box."""
        left, top, width, height = self.box
        return left + width / 2, top + height / 2

    def moved(self, right: float, down: float, scale: float = 1.0) -> "Located":
        """The same face in a picture of which the searched one is the part that begins at `right`, `down`, `scale` as large."""
        left, top, width, height = self.box
        (x0, y0), (x1, y1) = self.eyes
        return Located(
            (left * scale + right, top * scale + down, width * scale, height * scale),
            ((x0 * scale + right, y0 * scale + down), (x1 * scale + right, y1 * scale + down)),
            self.confidence,
        )


@dataclass(frozen=True)
class Input:
    """One input of the network, uint8 HWC; `face` is what it shows, None for a picture as a whole.

    `framings` are the same face with other margins: the mean of their logits and of its own is what counts.
    `box` is the square that it was cut from: left, top, width, height in pixels of the upright picture at full size, before it
    was `turned` counterclockwise by so many degrees about the square's middle. `frame` counts as in `Decoded`; `seconds` is the
    time of its frame in a video.
    """

    image_HWC: NDArray[np.uint8]
    box: tuple[int, int, int, int]
    face: Face | None = None
    turned: float = 0.0
    frame: int = 0
    seconds: float | None = None
    framings: tuple[NDArray[np.uint8], ...] = ()

    @property
    def views(self) -> tuple[NDArray[np.uint8], ...]:
        """All that the network is shown of it."""
        return (self.image_HWC, *self.framings)
