"""Whether what is called fake is still called so after mild recompression and resizing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..detector.image.perturbations import mild_conditions, under
from .scoring import Scores, Views, scored_inputs

# Shapes: M mild conditions, I inputs of one content, H rows, W columns, C colours.


def stabilities(scores: Scores, called_fake: Sequence[Sequence[Views]], threshold: float) -> list[bool | None]:
    """For each content, given its inputs that were called fake: whether under every condition one of them still is.

    The very inputs (uint8 HWC) are changed, so that nothing is decoded again: for a large picture that is harsher than changing
    its file, as one JPEG block then covers more of it. None for a content without such inputs, or where the network fails on a
    changed one.
    """
    changed = [
        [under(condition, image) for image in views]
        for inputs in called_fake
        for condition in mild_conditions()
        for views in inputs
    ]
    found = iter(scored_inputs(scores, changed))
    return [_holds([[next(found) for _ in inputs] for _ in mild_conditions()], threshold) for inputs in called_fake]


def _holds(scores_MI: Sequence[Sequence[NDArray[np.float64] | str]], threshold: float) -> bool | None:
    numbers = [[float(score[0]) for score in row if not isinstance(score, str)] for row in scores_MI]
    if any(not kept or len(kept) < len(row) for kept, row in zip(numbers, scores_MI, strict=True)):
        return None
    return all(max(kept) >= threshold for kept in numbers)
