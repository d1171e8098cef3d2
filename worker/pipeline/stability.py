"""Whether what is called fake is still called so after mild recompression and resizing."""

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..detector.faces.face import Input
from ..detector.image.perturbations import mild_conditions, under
from .scoring import Answers, scored_inputs

# Shapes: I inputs of one content, K answers of one input, H rows, W columns, C colours.
Tried = Sequence[Input]
# Whether a content with these inputs and answers is called fake.
IsFake = Callable[[Sequence[Input], Sequence[NDArray[np.float64]]], bool]


def stabilities(
    answers: Answers, called_fake: Sequence[Tried], is_fake: IsFake, *, one_is_enough: bool = False
) -> list[bool | None]:
    """For each content, given its inputs that had it called fake: whether it still is under every condition.

    The very inputs (uint8 HWC) are changed, so that nothing is decoded again: for a large picture that is harsher than changing
    its file, as one JPEG block then covers more of it. With `one_is_enough` a content is fake as long as one of its inputs is,
    and the others are tried only where the first is fake no longer. None for a content without such inputs, or where the network
    fails on a changed one.
    """
    first = [inputs[:1] if one_is_enough else inputs for inputs in called_fake]
    conditions = range(len(mild_conditions()))
    every = [(number, condition) for number, inputs in enumerate(called_fake) if inputs for condition in conditions]
    held = dict(zip(every, _held(answers, [(condition, first[number]) for number, condition in every], is_fake), strict=True))
    others = [inputs[len(tried) :] for inputs, tried in zip(called_fake, first, strict=True)]
    left = [(number, condition) for number, condition in every if held[number, condition] is False and others[number]]
    held |= dict(zip(left, _held(answers, [(condition, others[number]) for number, condition in left], is_fake), strict=True))
    return [_in_all([held.get((number, condition)) for condition in conditions]) for number in range(len(called_fake))]


def _held(answers: Answers, tried: Sequence[tuple[int, Tried]], is_fake: IsFake) -> list[bool | None]:
    """Whether inputs are still fake under a condition, given by its number; None where the network fails on one."""
    conditions = mild_conditions()
    changed = ([under(conditions[number], image) for image in item.views] for number, inputs in tried for item in inputs)
    found = iter(scored_inputs(answers, changed))
    held: list[bool | None] = []
    for _, inputs in tried:
        rows_IK = [row_K for row_K in islice(found, len(inputs)) if not isinstance(row_K, str)]
        held.append(is_fake(inputs, rows_IK) if len(rows_IK) == len(inputs) else None)
    return held


def _in_all(held: Sequence[bool | None]) -> bool | None:
    return None if None in held else all(held)
