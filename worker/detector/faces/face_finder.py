"""Finds faces: a sieve says where in a large picture one may be, CenterFace looks there, and again at what it holds possible.

The networks' files lie beside this one (`centerface.md`, `sieve.md`). Imports no torch. Coordinates are pixels.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scanner.base.errors import KnownError

from .face import Located
from .networks import CenterFace
from .parts import SHOWN, Part, parts_of
from .sieve import Sieve, scales_of

# A picture is searched at this many pixels at most: a face of 60 pixels in one of 12 megapixels is 20 then (docs/faces.md).
SEARCHED_PIXELS = 1344 * 1008
# A smaller picture is searched as a whole, which takes no longer; one with more proposals, and one of whose pixels more than this
# share would be looked at in parts, too.
SIEVED_FROM, MOST_PROPOSALS, MOST_IN_PARTS = 640 * 480, 250, 0.9
# A face's middle is no nearer than this to the edge of the part that it is seen in: there is no telling what it is there.
EDGE = 8
# Parts of one size are looked at together, so many pixels at once: what the network makes of more leaves the processor's cache.
TOGETHER = 4 * 64 * 64
# What may be a face at the first look is looked at again, enlarged or shrunk so that its surroundings fill SECOND_LOOK pixels.
# Of a part in which nothing reaches the first confidence the surest is, from WEAK_CONFIDENCE on.
FIRST_CONFIDENCE, WEAK_CONFIDENCE, CONFIDENCE = 0.1, 0.05, 0.4
SECOND_LOOK = 128
# It is cut from a smaller picture that shows it with so many times as many pixels.
CUT_FROM = 1.5
# What was seen in a part, so surely at least, and not the second time is looked at once more, with so much more around it.
SURE, WIDER = 0.3, 1.4
# Where parts show so many faces that surely, the sieve does not name all: the picture is looked at as a whole instead.
CROWD = 8
# Pixels: a larger square is not cut out at its full size. A side that is thinner when searched shows no face: the network's input
# is padded, so that a line of a million pixels would cost gigabytes.
_LARGE_PATCH, THINNEST = 4096, 8
# Boxes that share more than this (intersection over union) are of one face. A box is a part of a face, seen at too fine a scale,
# when so much of it lies in a surer one, which is at most so many times as large.
OVERLAP, PART_OF, MOST_PARTS = 0.3, 0.7, 4.0
# More candidates than this are noise: the surest are looked at again.
MOST = 400
_PACKAGES = ("onnxruntime", "onnx")


class FaceFinderMissing(KnownError):
    """A package that finding faces needs is not installed."""


class FaceFinder:
    """CenterFace and the sieve, loaded; without being `sieved`, it looks at each picture as a whole. Raises FaceFinderMissing."""

    def __init__(self, *, sieved: bool = True) -> None:
        require_face_finder()
        self._network = CenterFace()
        self._sieve = Sieve() if sieved else None

    def find(self, picture: Image.Image) -> list[Located]:
        """The faces in an RGB picture, largest first. Raises PictureError when a network fails on it."""
        scale = min(1.0, math.sqrt(SEARCHED_PIXELS / (picture.width * picture.height)))
        pictures, first = self._seen_in_parts(picture, scale) or ([picture], None)
        if first is None or sum(face.confidence >= SURE for face in first) >= CROWD:
            again = [self._look_again(pictures, face) for face in self._look(picture, scale, FIRST_CONFIDENCE)[:MOST]]
        else:
            again = [self._look_again(pictures, face) or self._look_wider(pictures, face) for face in first[:MOST]]
        found = _apart([face for face in again if face is not None])
        return sorted(_whole_faces(found), key=lambda face: -face.side)

    def _seen_in_parts(self, picture: Image.Image, scale: float) -> tuple[list[Image.Image], list[Located]] | None:
        """The picture and smaller ones, and what may be faces in the parts worth a look; None: all of it is, at no more cost."""
        pixels = picture.width * picture.height
        if self._sieve is None or pixels < SIEVED_FROM or min(picture.size) * scale < THINNEST:
            return None
        scales = scales_of(picture)
        proposals = self._sieve.proposals(scales, picture.size)
        if len(proposals) > MOST_PROPOSALS:
            return None
        parts = parts_of(proposals, picture.size, scale)
        if sum(part.pixels for part in parts) > MOST_IN_PARTS * pixels * scale**2:
            return None
        pictures = [picture, *scales]
        return pictures, self._first_look(pictures, parts)

    def _first_look(self, pictures: Sequence[Image.Image], parts: Sequence[Part]) -> list[Located]:
        """What may be faces in parts of a picture, the surest first."""
        # What two parts show is taken from the finer one, unless it is too large for it.
        seen = [(part.width, face) for part, face in self._look_in(pictures, parts)]
        seen.sort(key=lambda one: (one[1].side * one[0] > SHOWN * pictures[0].width, -one[0], -one[1].confidence))
        return _whole_faces(sorted(_distinct(face for _, face in seen), key=lambda face: -face.confidence))

    def _look_in(self, pictures: Sequence[Image.Image], parts: Sequence[Part]) -> Iterator[tuple[Part, Located]]:
        """What may be faces in parts of a picture, which `pictures` show at several scales: those of one size at once."""
        of_size: dict[tuple[int, int], list[Part]] = {}
        for part in parts:
            of_size.setdefault((part.right - part.left, part.bottom - part.top), []).append(part)
        for alike in of_size.values():
            at_once = max(1, TOGETHER // alike[0].pixels)
            for start in range(0, len(alike), at_once):
                batch = alike[start : start + at_once]
                found = self._network.faces([np.asarray(part.cut(pictures)) for part in batch], WEAK_CONFIDENCE)
                for part, faces in zip(batch, found, strict=True):
                    within = [face for face in faces if part.has_within(*face.middle, EDGE)]
                    for face in [face for face in within if face.confidence >= FIRST_CONFIDENCE] or within[:1]:
                        yield part, face.moved(part.left, part.top).moved(0, 0, pictures[0].width / part.width)

    def _look(self, picture: Image.Image, scale: float, least: float) -> list[Located]:
        """What may be faces in the whole picture, shrunk by `scale` if that is below 1; the surest first."""
        scale = min(1.0, scale)
        width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        if min(width, height) < THINNEST:
            return []
        searched = picture.resize((width, height), Image.Resampling.BILINEAR) if scale < 1 else picture
        found = self._run(np.asarray(searched), least)
        return _apart([located.moved(0, 0, picture.width / width) for located in found])

    def _look_again(self, pictures: Sequence[Image.Image], located: Located) -> Located | None:
        """The face at the middle of a square twice as large as `located`, or None if there is none after all.

        `pictures` show the same, each smaller than the last: the smallest that shows enough is quickest to cut from.
        """
        if not located.side < 2 * max(pictures[0].size):  # nor if it is not a number
            return None
        enough = CUT_FROM * SECOND_LOOK * pictures[0].width / (2 * located.side)
        picture = next((one for one in reversed(pictures) if one.width >= enough), pictures[0])
        found = self._look_at_middle(picture, located.moved(0, 0, picture.width / pictures[0].width))
        return found.moved(0, 0, pictures[0].width / picture.width) if found else None

    def _look_at_middle(self, picture: Image.Image, located: Located) -> Located | None:
        """The same in one picture."""
        (x, y), side = located.middle, max(2 * located.side, 8.0)
        left, top = math.floor(x - side / 2), math.floor(y - side / 2)
        scale = round(side) / SECOND_LOOK
        found = self._run(np.asarray(_patch(picture, left, top, round(side))), CONFIDENCE)
        middle = SECOND_LOOK / 2
        central = [face for face in found if math.dist(face.middle, (middle, middle)) < SECOND_LOOK / 8]
        return max(central, key=lambda face: face.confidence).moved(left, top, scale) if central else None

    def _look_wider(self, pictures: Sequence[Image.Image], located: Located) -> Located | None:
        """The same, with more around it, if the first look was sure."""
        if located.confidence < SURE:
            return None
        left, top, width, height = located.box
        more = WIDER - 1
        box = (left - more * width / 2, top - more * height / 2, WIDER * width, WIDER * height)
        return self._look_again(pictures, replace(located, box=box))

    def _run(self, picture_HWC: NDArray[np.uint8], least: float) -> list[Located]:
        [found] = self._network.faces([picture_HWC], least)
        return found


def require_face_finder() -> None:
    """Raises FaceFinderMissing, with the next step, unless everything that finding faces needs is installed."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise FaceFinderMissing(
            f"faces cannot be found: {', '.join(missing)} is not installed; pip install 'dfscan[worker]' brings it, "
            "or go without (--no-faces, setting faces = false): whole pictures are scored then"
        )


@cache
def process_face_finder() -> FaceFinder:
    """The one finder of this process, loaded when first asked for. Raises FaceFinderMissing."""
    return FaceFinder()


def _patch(picture: Image.Image, left: int, top: int, side: int) -> Image.Image:
    """A square of the picture, scaled to SECOND_LOOK; black beyond the edges. A large one is scaled before it is framed."""
    size = (SECOND_LOOK, SECOND_LOOK)
    if side <= _LARGE_PATCH:
        patch = picture.crop((left, top, left + side, top + side))
        return patch.resize(size, Image.Resampling.BILINEAR)
    within = max(0, left), max(0, top), min(picture.width, left + side), min(picture.height, top + side)
    patch = Image.new("RGB", size)
    if within[0] < within[2] and within[1] < within[3]:
        first, last = (
            [round((at - start) * SECOND_LOOK / side) for at, start in zip(ends, (left, top), strict=True)]
            for ends in (within[:2], within[2:])
        )
        shown = max(1, last[0] - first[0]), max(1, last[1] - first[1])
        patch.paste(picture.resize(shown, Image.Resampling.BILINEAR, box=within), (first[0], first[1]))
    return patch


def _apart(found: list[Located]) -> list[Located]:
    """One box per face, the surest first (non-maximum suppression)."""
    return _distinct(sorted(found, key=lambda face: -face.confidence))


def _distinct(found: Iterable[Located]) -> list[Located]:
    """One box per face, the first of those that share too much."""
    kept: list[Located] = []
    for located in found:
        if all(_shared(located.box, other.box) <= OVERLAP for other in kept):
            kept.append(located)
    return kept


def _whole_faces(found: list[Located]) -> list[Located]:
    """Those that are no part of a surer and larger one, which was seen at another scale; the surest come first."""
    kept: list[Located] = []
    for face in found:
        if not any(_within(face.box, other.box) > PART_OF and other.side < MOST_PARTS * face.side for other in kept):
            kept.append(face)
    return kept


def _within(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """How much of `one` lies in `other`."""
    return _common(one, other) / (one[2] * one[3])


def _shared(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    common = _common(one, other)
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def _common(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
