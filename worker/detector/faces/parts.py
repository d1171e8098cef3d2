"""Which parts of a picture are worth a look, and at which scale. Imports no torch. Coordinates are pixels."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image

from .sieve import Proposal

# The largest face that a part is to show, in its own pixels: a part of a larger one is shrunk by a power of two.
SHOWN = 41
# A part reaches so many times the size of the largest possible face from where its middle may be.
REACH = 0.7
# A part's sides are multiples of this, as far as the picture reaches: what the network takes.
GRID = 32


Box = tuple[int, int, int, int]


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

    def cut(self, pictures: Sequence[Image.Image]) -> Image.Image:
        """The part of the picture, as if all of it had been shrunk; `pictures` are the same, each smaller than the last."""
        picture = next((one for one in reversed(pictures) if one.width >= self.width and one.height >= self.height), pictures[0])
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


def parts_of(proposals: Iterable[Proposal], size: tuple[int, int], scale: float) -> list[Part]:
    """Parts of a picture of `size` that hold all proposals, each at `scale` or less."""
    of_scale: dict[float, list[Box]] = {}
    for proposal in proposals:
        power = max(0, math.ceil(math.log2(proposal.largest * scale / SHOWN)))
        factor = scale / 2**power
        width, height = _shrunk(size, factor)
        x, y, reach = proposal.x * width / size[0], proposal.y * height / size[1], REACH * proposal.largest * factor
        box = max(0, math.floor(x - reach)), max(0, math.floor(y - reach)), math.ceil(x + reach), math.ceil(y + reach)
        of_scale.setdefault(factor, []).append((*box[:2], min(width, box[2]), min(height, box[3])))
    parts = []
    for factor, boxes in of_scale.items():
        width, height = _shrunk(size, factor)
        for left, top, right, bottom in joined(boxes):
            left, right = _grown(left, right, width)
            top, bottom = _grown(top, bottom, height)
            parts.append(Part(width, height, left, top, right, bottom))
    return parts


def joined(boxes: Iterable[Box]) -> list[Box]:
    """Boxes (left, top, right, bottom) that hold the same, joined where one around two is no larger than both."""
    kept: list[Box] = []
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


def _area(box: Box) -> int:
    """Of the part that the box becomes."""
    return _on_grid(box[2] - box[0]) * _on_grid(box[3] - box[1])


def _on_grid(side: int) -> int:
    return -(-side // GRID) * GRID


def _grown(begin: int, end: int, most: int) -> tuple[int, int]:
    """The same as long as the network takes it, within 0 and `most`."""
    side = min(most, _on_grid(end - begin))
    begin = min(max(0, (begin + end - side) // 2), most - side)
    return begin, begin + side


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
