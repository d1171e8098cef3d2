"""What the sieve is trained for: to say of each face, at some place near its middle, that there may be one.

Shapes: B pictures, H rows, W columns of an output, N faces.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# The longer sides of the faces that each output is to say, and of those for which it may: left out of what it must not say.
SAID = ((6.5, 26.0), (20.0, 60.0))
MAY_BE = ((4.0, 36.0), (14.0, 90.0))


def loss_of(said: tuple[Tensor, Tensor], boxes: Sequence[NDArray[np.float32]], strides: Sequence[int]) -> Tensor:
    """Each face's loss at the surest of the 3 x 3 places about its middle, and a focal loss wherever there is none."""
    total = said[0].new_zeros(())
    for odds_BHW, stride, (least, most), (at_least, at_most) in zip(said, strides, SAID, MAY_BE, strict=True):
        surest_BHW = nn.functional.max_pool2d(odds_BHW[:, None], 3, 1, 1)[:, 0]
        is_empty_BHW = torch.ones_like(odds_BHW, dtype=torch.bool)
        places: list[tuple[int, int, int]] = []
        for number, boxes_N4 in enumerate(boxes):
            for left, top, width, height in boxes_N4.tolist():
                side, x, y = max(width, height), (left + width / 2) / stride, (top + height / 2) / stride
                if at_least <= side <= at_most:
                    reach = max(1.5, 0.7 * side / stride)
                    rows = slice(max(0, int(y - reach)), int(y + reach) + 1)
                    is_empty_BHW[number, rows, max(0, int(x - reach)) : int(x + reach) + 1] = False
                if least <= side <= most and 0 <= int(y) < odds_BHW.shape[1] and 0 <= int(x) < odds_BHW.shape[2]:
                    places.append((number, int(y), int(x)))
        empty = odds_BHW[is_empty_BHW]
        chance = torch.sigmoid(empty)
        faces = 1 + len(places)
        total = total + (chance.detach() ** 1.5 * nn.functional.softplus(empty)).sum() / faces
        if places:
            picked = surest_BHW[tuple(torch.tensor(places).T)]
            total = total + 2 * nn.functional.softplus(-picked).sum() / faces
    return total
