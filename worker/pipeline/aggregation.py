"""From decoded contents to scores and what they rest on: the same for a worker's batch and for an explanation."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.states import Label

from ..decoding.inputs import Ready
from ..detector.combined.scorer import AnyScorer, CombinedScorer
from ..detector.faces.face import Input
from ..detector.inference.picture_score import answer_of, input_score, score_picture
from ..detector.inference.scorer import Scorer
from .combining import judge_together
from .judged import Judged, judged_by_rows
from .scoring import scored_inputs
from .stability import Tried, stabilities


def judge(predictor: AnyScorer, model: ActiveModel, contents: Sequence[Ready]) -> list[Judged | str]:
    """Score all inputs together; for a content of which the network fails on an input, the reason.

    What would be called fake is tried again under mild conditions: few contents are, so that this costs little.
    """
    if isinstance(predictor, CombinedScorer):
        return [found if isinstance(found, str) else found.judged for found in judge_together(predictor, model, contents)]
    rows = iter(scored_inputs(predictor.answers, [item.views for ready in contents for item in ready.inputs]))
    first = [judged_by_rows(predictor, ready, list(islice(rows, len(ready.inputs)))) for ready in contents]
    called = [_called_fake(predictor, ready, found, model) for ready, found in zip(contents, first, strict=True)]

    def still_fake(inputs: Sequence[Input], rows_IK: Sequence[NDArray[np.float64]]) -> bool:
        return score_picture(predictor.card, inputs, [answer_of(predictor, row) for row in rows_IK]).score >= model.threshold

    # With one head the highest face decides.
    stable = stabilities(predictor.answers, called, still_fake, one_is_enough=not predictor.card.combinations)
    return [found if isinstance(found, str) else _with(found, held) for found, held in zip(first, stable, strict=True)]


def _called_fake(predictor: Scorer, ready: Ready, found: Judged | str, model: ActiveModel) -> Tried:
    """The inputs that made a content be called fake, the highest first; or all that are summed up with it, in their order."""
    if isinstance(found, str) or verdict(found.score, found.prediction, model) is not Label.FAKE:
        return []
    frame = ready.inputs[found.deciding].frame
    if predictor.card.combinations:
        return [item for item in ready.inputs if item.frame == frame]
    scored = [(input_score(predictor.card, item, answer), item) for item, answer in zip(ready.inputs, found.inputs, strict=True)]
    return [item for score, item in sorted(scored, key=lambda one: -one[0]) if score >= model.threshold]


def _with(found: Judged, stable: bool | None) -> Judged:
    return replace(found, prediction=replace(found.prediction, stable=stable))
