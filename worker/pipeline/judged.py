"""What the network's answers to the inputs of a content come to: its score, and what that rests on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scanner.domain.prediction import Face, Prediction

from ..decoding.inputs import Ready
from ..detector.inference.picture_score import InputAnswer, answer_of, calibrated_score, input_score, score_picture
from ..detector.inference.scorer import Scorer


@dataclass(frozen=True)
class Judged:
    """The score of a content (0..1), its calibrated `logit`, what they rest on, and the answers to its inputs, in their order.

    `deciding` is the place of the input that decides. Where several models score together, inputs and `deciding` are those of the
    part whose faces are shown.
    """

    score: float
    prediction: Prediction
    inputs: tuple[InputAnswer, ...]
    deciding: int = 0
    logit: float = 0.0


def summed(predictor: Scorer, ready: Ready, answers: Sequence[InputAnswer]) -> Judged:
    """The score of a content from the answers to its inputs, and what it rests on. All faces are kept."""
    card = predictor.card
    found = score_picture(card, ready.inputs, answers, is_video=ready.is_video)
    faces = tuple(_scored_faces(predictor, ready, answers)) if ready.looked_for_faces else None
    prediction = Prediction(found.basis, faces, branches=_branches(predictor, answers[found.deciding]), frames=found.frames)
    return Judged(found.score, prediction, tuple(answers), found.deciding, found.logit)


def judged_by_rows(predictor: Scorer, ready: Ready, rows: Sequence[NDArray[np.float64] | str]) -> Judged | str:
    """The same from the rows of answers to its inputs; where one is a reason why there is none, that reason."""
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
