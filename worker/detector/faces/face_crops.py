"""From a face's place to the network's input: a square with a margin, upright, resampled once. Imports no torch.

Shapes: H rows, W columns, C = 3 colours (RGB). Coordinates are pixels of the picture.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..image.preprocess import OWN_RESIZE, Resize, to_input
from .face import Located

# The square's side is this many times the longer side of the face's box: that of the crop that is shown to people.
MARGIN = 1.4
# A face is scored in each of these framings, a margin and whether it is mirrored, and its logit is their mean: data sets frame
# their faces each in its own way, and no single margin serves all of them (docs/faces.md). The first is the one that is shown.
FRAMINGS = ((MARGIN, False), (1.0, False), (1.3, True), (1.7, True))
# A face is turned upright when the line through its eyes is tilted more than this; less is how people hold their heads.
TILT_DEGREES = 20.0
# A picture is a face crop already when the square of the only large face in it fills this much of its shorter side. One not
# larger than ABOUT times the network's input holds no detail that cutting would bring out: there a central face suffices, if it
# takes this much of the shorter side, whoever stands beside it.
FILLS, TAKES, ABOUT = 0.8, 0.2, 1.5
# A face is central if its middle is no further from the picture's than this much of the shorter side.
CENTRAL = 0.25
# Faces at least this much as large as the largest are no background.
BESIDE = 0.5
# In a crowd the largest are judged.
MOST_FACES = 100


@dataclass(frozen=True)
class FaceInputs:
    """How a network is shown a picture and the faces in it; pinned in its checkpoint.

    Each face is shown in all `framings`: how many times as wide as its box, and whether mirrored; at most `most` faces are, the
    largest. With `beside` the picture as a whole is shown beside them, and only a picture that one face fills is taken for a crop
    of it. Without `looked_for` it is shown as a whole, and no faces are looked for. `resize` says how both come to the size of an
    input.
    """

    framings: tuple[tuple[float, bool], ...] = FRAMINGS
    most: int = MOST_FACES
    beside: bool = False
    looked_for: bool = True
    resize: Resize = OWN_RESIZE

    def __post_init__(self) -> None:
        """Raises ValueError for faces that cannot be cut."""
        if not 1 <= len(self.framings) <= 16 or not all(0.5 <= margin <= 10 for margin, _ in self.framings):
            raise ValueError("there must be 1 to 16 framings, with margins from 0.5 to 10")
        if not 1 <= self.most <= 1000:
            raise ValueError(f"most must lie from 1 to 1000 faces, not {self.most}")

    @property
    def tightest(self) -> float:
        """The smallest margin."""
        return min(margin for margin, _ in self.framings)

    @property
    def widest(self) -> float:
        """The largest margin."""
        return max(margin for margin, _ in self.framings)


@dataclass(frozen=True)
class Square:
    """A part of a picture: its left and top edge and its side."""

    left: float
    top: float
    side: float


def square_of(face: Located, picture: Image.Image, margin: float = MARGIN) -> Square:
    """The face's square with its margin, moved and at last shrunk so that it lies within the picture."""
    side = min(margin * face.side, *picture.size)
    x, y = face.middle
    left = min(max(0.0, x - side / 2), picture.width - side)
    top = min(max(0.0, y - side / 2), picture.height - side)
    return Square(left, top, side)


def tilt_of(face: Located) -> float:
    """How many degrees the line through the eyes is turned clockwise, -180..180; 0 while that is no clear tilt."""
    (x0, y0), (x1, y1) = face.eyes
    degrees = math.degrees(math.atan2(y1 - y0, x1 - x0))
    return degrees if abs(degrees) > TILT_DEGREES else 0.0


def subject_of(faces: Sequence[Located], picture: Image.Image, size: int, shown: FaceInputs) -> Located | None:
    """The face of which the picture is a crop already, fit for an input of `size`; None if it is no crop.

    `faces` are all in the picture, the largest first.
    """
    shorter = min(picture.size)
    central = [face for face in faces if _off_centre(face, picture) <= CENTRAL * shorter]
    if not central:
        return None
    if shown.beside:
        # What is around the face is seen by the head for whole pictures: cutting loses nothing, but where there is little to cut.
        return central[0] if shown.widest * central[0].side >= FILLS * shorter and not tilt_of(central[0]) else None
    if shorter <= ABOUT * size:
        return central[0] if central[0].side >= TAKES * shorter else None
    is_alone = len(faces) == 1 or faces[1].side < BESIDE * faces[0].side
    is_filled = MARGIN * central[0].side >= FILLS * shorter
    return central[0] if is_alone and is_filled and not tilt_of(central[0]) else None


def _off_centre(face: Located, picture: Image.Image) -> float:
    x, y = face.middle
    return max(abs(x - picture.width / 2), abs(y - picture.height / 2))


def crop_of(
    face: Located, picture: Image.Image, size: int, margin: float = MARGIN, resize: Resize = OWN_RESIZE
) -> NDArray[np.uint8]:
    """The face as the network's input: uint8 HWC of `size`. An upright face keeps its pixels but for one resize."""
    square = square_of(face, picture, margin)
    degrees = tilt_of(face)
    if degrees:
        return np.asarray(_turned(picture, face, square.side, degrees, size))
    box = (square.left, square.top, square.left + square.side, square.top + square.side)
    if resize == OWN_RESIZE:
        return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC, box=box))
    left, top, right, bottom = map(round, box)
    return to_input(picture.crop((left, top, right, bottom)), size, resize)


def framings_of(face: Located, picture: Image.Image, size: int, shown: FaceInputs) -> tuple[NDArray[np.uint8], ...]:
    """The face as the network's inputs in all framings of `shown`, uint8 HWC of `size` each."""
    crops = ((crop_of(face, picture, size, margin, shown.resize), is_mirrored) for margin, is_mirrored in shown.framings)
    return tuple(np.ascontiguousarray(crop_HWC[:, ::-1]) if is_mirrored else crop_HWC for crop_HWC, is_mirrored in crops)


def _turned(picture: Image.Image, face: Located, side: float, degrees: float, size: int) -> Image.Image:
    """The square around the face, turned by `degrees` counterclockwise; what lies beyond the picture repeats its edge."""
    x, y = face.middle
    reach = math.ceil(side * math.sqrt(0.5)) + 2
    left, top = math.floor(x) - reach, math.floor(y) - reach
    around = _with_edges_repeated(picture, left, top, 2 * reach)
    # An affine transform does not average: shrink by a whole factor first where the square is much larger than the input.
    factor = max(1, int(side / size))
    around = around.reduce(factor) if factor > 1 else around
    x, y, step = (x - left) / factor, (y - top) / factor, side / factor / size
    cosine, sine = step * math.cos(math.radians(degrees)), step * math.sin(math.radians(degrees))
    half = size / 2
    matrix = (cosine, -sine, x - half * cosine + half * sine, sine, cosine, y - half * sine - half * cosine)
    return around.transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)


def _with_edges_repeated(picture: Image.Image, left: int, top: int, side: int) -> Image.Image:
    right, bottom = left + side, top + side
    within = picture.crop((max(0, left), max(0, top), min(picture.width, right), min(picture.height, bottom)))
    beyond = ((max(0, -top), max(0, bottom - picture.height)), (max(0, -left), max(0, right - picture.width)), (0, 0))
    return Image.fromarray(np.pad(np.asarray(within), beyond, mode="edge"))
