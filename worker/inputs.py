"""What one content becomes on its way to the network: made by a decoder process, scored by the worker. Imports no torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scanner.evidence import Evidence

# Shapes: H rows, W columns, C colours.


@dataclass(frozen=True)
class FoundFace:
    """A face in frame `frame`: `box` is left, top, width, height in pixels of the upright picture; `confidence` 0..1."""

    box: tuple[int, int, int, int]
    confidence: float
    frame: int = 0


@dataclass(frozen=True)
class Input:
    """One input of the network, uint8 HWC; `face` is what it shows, None for a picture as a whole."""

    image_HWC: NDArray[np.uint8]
    face: FoundFace | None = None
    frame: int = 0


@dataclass(frozen=True)
class Ready:
    """A decoded content. There is at least one input: its faces, or its frames as a whole.

    `small` are faces too small to judge. `looked_for_faces` is false where the picture is taken for a crop as it is. `format`,
    `width` and `height` (pixels) are as stored.
    """

    inputs: tuple[Input, ...]
    format: str
    width: int
    height: int
    looked_for_faces: bool = False
    small: tuple[FoundFace, ...] = ()
    evidence: tuple[Evidence, ...] | None = None
    fingerprint: int | None = None
