"""Which parts of a picture are worth a look, and at which scale. Imports no torch. Coordinates are pixels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image

from .sieve import Suspect

# The largest face that a part is to show, in its own pixels: a part of a larger one is shrunk by a power of two.
SHOWN = 81
# A part reaches so many times the size of the largest possible face from where its middle may be.
REACH = 0.7
# A part's sides are multiples of this and begin at one, so that the network's grid lies in it as in the picture as a whole.
GRID = 32


@dataclass(frozen=True)
class Part:
    """A rectangle of the picture after it was shrunk to `width` x `height`."""

    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> int:
        """How many there are in it."""
        return (self.right - self.left) * (self.bottom - self.top)

    def cut(self, picture: Image.Image) -> Image.Image:
        """The part of the picture, as if all of it had been shrunk before."""
        if (self.width, self.height) == picture.size:
            return picture.crop((self.left, self.top, self.right, self.bottom))
        across, down = picture.width / self.width, picture.height / self.height
        box = (
            self.left * across,
            self.top * down,
            min(picture.width, self.right * across),
            min(picture.height, self.bottom * down),
        )
        return picture.resize((self.right - self.left, self.bottom - self.top), Image.Resampling.BILINEAR, box=box)

    def has_within(self, x: float, y: float, edge: float) -> bool:
        """Whether a place of the part lies `edge` from all of its sides that are not the picture's."""
        return (
            (self.left == 0 or x >= edge)
            and (self.top == 0 or y >= edge)
            and (self.right == self.width or x < self.right - self.left - edge)
            and (self.bottom == self.height or y < self.bottom - self.top - edge)
        )


def parts_of(suspects: Iterable[Suspect], size: tuple[int, int], scale: float) -> list[Part]:
    """Parts of a picture of `size` that hold all suspects, each at `scale` or less."""
    of_scale: dict[float, list[tuple[int, int, int, int]]] = {}
    for suspect in suspects:
        power = max(0, math.ceil(math.log2(suspect.largest * scale / SHOWN)))
        factor = scale / 2**power
        width, height = _shrunk(size, factor)
        x, y, reach = suspect.x * width / size[0], suspect.y * height / size[1], REACH * suspect.largest * factor
        of_scale.setdefault(factor, []).append(
            (
                max(0, math.floor((x - reach) / GRID)),
                max(0, math.floor((y - reach) / GRID)),
                min(math.ceil(width / GRID), math.ceil((x + reach) / GRID)),
                min(math.ceil(height / GRID), math.ceil((y + reach) / GRID)),
            )
        )
    parts = []
    for factor, boxes in of_scale.items():
        width, height = _shrunk(size, factor)
        for left, top, right, bottom in joined(boxes):
            parts.append(Part(width, height, left * GRID, top * GRID, min(width, right * GRID), min(height, bottom * GRID)))
    return parts


def joined(boxes: Iterable[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) that hold the same, joined where one around two is no larger than both."""
    kept: list[tuple[int, int, int, int]] = []
    for box in sorted(set(boxes)):
        while True:
            other = next((one for one in kept if _area(_around(one, box)) <= _area(one) + _area(box)), None)
            if other is None:
                break
            kept.remove(other)
            box = _around(other, box)
        kept.append(box)
    return kept


def _shrunk(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _area(box: tuple[int, int, int, int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _around(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
