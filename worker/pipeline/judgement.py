"""From decoded contents to scores and what they rest on: the same for a worker's batch and for an explanation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Seen
from scanner.domain.states import Label

from ..decoding.inputs import Ready
from ..detector.inference.scorer import Scorer
from .aggregation import InputScore, sum_up
from .scoring import Views, scored_inputs
from .stability import stabilities


@dataclass(frozen=True)
class Judged:
    """The score of a content (0..1), what it rests on, and the scores of its inputs in their order."""

    score: float
    seen: Seen
    inputs: tuple[InputScore, ...]


def judge(predictor: Scorer, model: ActiveModel, contents: Sequence[Ready]) -> list[Judged | str]:
    """Score all inputs together; for a content of which the network fails on an input, the reason.

    What would be called fake is tried again under mild conditions: few contents are, so that this costs little.
    """
    rows = iter(scored_inputs(predictor.scores_with_branches, [item.views for ready in contents for item in ready.inputs]))
    first = [_summed(predictor, ready, list(islice(rows, len(ready.inputs)))) for ready in contents]
    called = [_called_fake(ready, found, model) for ready, found in zip(contents, first, strict=True)]
    stable = stabilities(predictor.scores, called, model.threshold)
    return [found if isinstance(found, str) else _with(found, held) for found, held in zip(first, stable, strict=True)]


def _summed(predictor: Scorer, ready: Ready, rows: Sequence[NDArray[np.float64] | str]) -> Judged | str:
    inputs: list[InputScore] = []
    for row in rows:
        if isinstance(row, str):
            return row
        score, *alone = row.tolist()
        inputs.append(InputScore(score, dict(zip(predictor.branches, alone, strict=True))))
    return Judged(*sum_up(ready, inputs), tuple(inputs))


def _called_fake(ready: Ready, found: Judged | str, model: ActiveModel) -> list[Views]:
    if isinstance(found, str) or verdict(found.score, found.seen, model) is not Label.FAKE:
        return []
    scored = zip(ready.inputs, found.inputs, strict=True)
    return [item.views for item, own in scored if own.score >= model.threshold]


def _with(found: Judged, stable: bool | None) -> Judged:
    return replace(found, seen=replace(found.seen, stable=stable))
