"""From decoded contents to scores and what they rest on: the same for a worker's batch and for an explanation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Label

from ..decoding.inputs import Ready
from ..detector.faces.face import Input
from ..detector.inference.picture_score import InputAnswer, answer_of, calibrated_score, input_score, score_picture
from ..detector.inference.scorer import Scorer
from .scoring import scored_inputs
from .stability import Tried, stabilities


@dataclass(frozen=True)
class Judged:
    """The score of a content (0..1), what it rests on, and what the network says of its inputs, in their order.

    `deciding` is the place of the input that decides.
    """

    score: float
    prediction: Prediction
    inputs: tuple[InputAnswer, ...]
    deciding: int = 0


def judge(predictor: Scorer, model: ActiveModel, contents: Sequence[Ready]) -> list[Judged | str]:
    """Score all inputs together; for a content of which the network fails on an input, the reason.

    What would be called fake is tried again under mild conditions: few contents are, so that this costs little.
    """
    rows = iter(scored_inputs(predictor.answers, [item.views for ready in contents for item in ready.inputs]))
    first = [_judged(predictor, ready, list(islice(rows, len(ready.inputs)))) for ready in contents]
    called = [_called_fake(predictor, ready, found, model) for ready, found in zip(contents, first, strict=True)]

    def still_fake(inputs: Sequence[Input], rows_IK: Sequence[NDArray[np.float64]]) -> bool:
        return score_picture(predictor.card, inputs, [answer_of(predictor, row) for row in rows_IK]).score >= model.threshold

    stable = stabilities(predictor.answers, called, still_fake)
    return [found if isinstance(found, str) else _with(found, held) for found, held in zip(first, stable, strict=True)]


def summed(predictor: Scorer, ready: Ready, answers: Sequence[InputAnswer]) -> Judged:
    """The score of a content from the answers to its inputs, and what it rests on. All faces are kept."""
    card = predictor.card
    found = score_picture(card, ready.inputs, answers, is_video=ready.is_video)
    faces = tuple(_scored_faces(predictor, ready, answers)) if ready.looked_for_faces else None
    prediction = Prediction(found.basis, faces, branches=_branches(predictor, answers[found.deciding]), frames=found.frames)
    return Judged(found.score, prediction, tuple(answers), found.deciding)


def _judged(predictor: Scorer, ready: Ready, rows: Sequence[NDArray[np.float64] | str]) -> Judged | str:
    answers: list[InputAnswer] = []
    for row in rows:
        if isinstance(row, str):
            return row
        answers.append(answer_of(predictor, row))
    return summed(predictor, ready, answers)


def _scored_faces(predictor: Scorer, ready: Ready, answers: Sequence[InputAnswer]) -> Iterator[Face]:
    for item, answer in zip(ready.inputs, answers, strict=True):
        if item.face is not None:
            yield replace(item.face, score=input_score(predictor.card, item, answer))
    yield from ready.unjudged


def _branches(predictor: Scorer, answer: InputAnswer) -> dict[str, float]:
    calibration = predictor.card.calibration
    return {name: calibrated_score(calibration.slope * logit + calibration.offset) for name, logit in answer.branches.items()}


def _called_fake(predictor: Scorer, ready: Ready, found: Judged | str, model: ActiveModel) -> Tried:
    """The inputs that made a content be called fake: of the highest face and frame, or all that are summed up with it."""
    if isinstance(found, str) or verdict(found.score, found.prediction, model) is not Label.FAKE:
        return []
    frame = ready.inputs[found.deciding].frame
    if predictor.card.combinations:
        return [item for item in ready.inputs if item.frame == frame]
    scored = zip(ready.inputs, found.inputs, strict=True)
    return [item for item, answer in scored if input_score(predictor.card, item, answer) >= model.threshold]


def _with(found: Judged, stable: bool | None) -> Judged:
    return replace(found, prediction=replace(found.prediction, stable=stable))
