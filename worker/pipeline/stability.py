"""Whether what is called fake is still called so after mild recompression and resizing."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..detector.faces.face import Input
from ..detector.image.perturbations import mild_conditions, under
from .scoring import Answers, scored_inputs

# Shapes: M mild conditions, I inputs of one content, K answers of one input, H rows, W columns, C colours.
Tried = Sequence[Input]
# Whether a content with these inputs and answers is called fake.
IsFake = Callable[[Sequence[Input], Sequence[NDArray[np.float64]]], bool]


def stabilities(answers: Answers, called_fake: Sequence[Tried], is_fake: IsFake) -> list[bool | None]:
    """For each content, given its inputs that had it called fake: whether it still is under every condition.

    The very inputs (uint8 HWC) are changed, so that nothing is decoded again: for a large picture that is harsher than changing
    its file, as one JPEG block then covers more of it. None for a content without such inputs, or where the network fails on a
    changed one.
    """
    changed = [
        [under(condition, image) for image in item.views]
        for inputs in called_fake
        for condition in mild_conditions()
        for item in inputs
    ]
    found = iter(scored_inputs(answers, changed))
    return [_holds(inputs, [[next(found) for _ in inputs] for _ in mild_conditions()], is_fake) for inputs in called_fake]


def _holds(inputs: Tried, rows_MI: Sequence[Sequence[NDArray[np.float64] | str]], is_fake: IsFake) -> bool | None:
    numbers = [[row_K for row_K in row if not isinstance(row_K, str)] for row in rows_MI]
    if any(not kept or len(kept) < len(row) for kept, row in zip(numbers, rows_MI, strict=True)):
        return None
    return all(is_fake(inputs, kept) for kept in numbers)
