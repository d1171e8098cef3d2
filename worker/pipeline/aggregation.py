"""From decoded contents to the score that counts and what it rests on: the same for a worker's batch and for an explanation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from scanner.domain.labels import verdict
from scanner.domain.outcomes import ActiveModel
from scanner.domain.prediction import Frame, Prediction
from scanner.domain.states import Basis, Label

from ..decoding.inputs import Ready
from ..detector.faces.face import Input
from ..detector.faces.input_selection import picture_score
from ..detector.inference.scorer import Scorer
from .scoring import Views, scored_inputs
from .stability import stabilities

# The highest quarter of the frames looked at counts, at least one.
TOP_SHARE = 4


@dataclass(frozen=True)
class InputScore:
    """The score of one input, 0..1, and those of the network's branches alone."""

    score: float
    branches: Mapping[str, float] = field(default_factory=dict)


def sum_up(ready: Ready, scores: Sequence[InputScore]) -> tuple[float, Prediction]:
    """The highest score counts, and its branches; of a video the mean of its top frames. All faces are kept.

    `scores` go with `ready.inputs`.
    """
    scored = zip(ready.inputs, scores, strict=True)
    faces = [replace(item.face, score=found.score) for item, found in scored if item.face is not None]
    basis = Basis.FACES if faces else Basis.WHOLE
    faces += ready.unjudged
    numbers = [found.score for found in scores]
    highest = max(scores, key=lambda found: found.score)
    prediction = Prediction(basis, tuple(faces) if ready.looked_for_faces else None, branches=highest.branches)
    if ready.is_video:
        score, frames = mean_of_top(ready.inputs, numbers)
        return score, replace(prediction, frames=frames)
    return picture_score(numbers), prediction


def mean_of_top(inputs: Sequence[Input], scores: Sequence[float]) -> tuple[float, tuple[Frame, ...]]:
    """The mean of the top k frames' scores, k = max(1, frames // 4), and those frames, the highest first.

    A frame's score is that of its highest face. Frames without a face count only in a video that has no face at all.
    """
    with_face = any(item.face is not None for item in inputs)
    highest: dict[int, Frame] = {}
    for item, score in zip(inputs, scores, strict=True):
        if (item.face is not None) == with_face and (item.frame not in highest or score > highest[item.frame].score):
            highest[item.frame] = Frame(item.frame, item.seconds or 0.0, score)
    frames = sorted(highest.values(), key=lambda frame: -frame.score)[: max(1, len(highest) // TOP_SHARE)]
    return sum(frame.score for frame in frames) / len(frames), tuple(frames)


@dataclass(frozen=True)
class Judged:
    """The score of a content (0..1), what it rests on, and the scores of its inputs in their order."""

    score: float
    prediction: Prediction
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
    if isinstance(found, str) or verdict(found.score, found.prediction, model) is not Label.FAKE:
        return []
    scored = zip(ready.inputs, found.inputs, strict=True)
    return [item.views for item, own in scored if own.score >= model.threshold]


def _with(found: Judged, stable: bool | None) -> Judged:
    return replace(found, prediction=replace(found.prediction, stable=stable))
