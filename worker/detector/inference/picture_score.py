"""From the logits of a picture's inputs to its score: the same for scanning, measuring, calibrating and explaining.

Within a frame everything is summed on logits, and calibrated once, at the end. Over the frames of a video scores are averaged,
calibrated ones: a mean of logits would follow a single frame of which the network is very sure. Imports no torch.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scanner.domain.prediction import Frame
from scanner.domain.states import Basis

from ..checkpoints.card import CheckpointCard, Combination
from ..faces.face import Input
from .scorer import Scorer, sigmoid

# The highest quarter of the frames of a video that are looked at counts, at least one.
TOP_SHARE = 4


@dataclass(frozen=True)
class InputAnswer:
    """What the network says of one input, as logits: its first head's, its head's for whole pictures, each branch's alone.

    `whole` is None in a network without that head. Logits are means over the input's views, and not calibrated.
    """

    logit: float
    whole: float | None = None
    branches: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PictureScore:
    """A picture's calibrated logit and what it rests on.

    `deciding` is the place of the input that decides, in the order of the inputs: what a heatmap leads with. `frames` are those
    of a video whose mean is its score, the highest first.
    """

    logit: float
    basis: Basis
    deciding: int
    frames: tuple[Frame, ...] | None = None

    @property
    def score(self) -> float:
        """P(fake), 0..1."""
        return calibrated_score(self.logit)


def answer_of(predictor: Scorer, answers_K: NDArray[np.float64]) -> InputAnswer:
    """One input's row of answers by name."""
    logit, *others = answers_K.tolist()
    whole = others.pop() if predictor.has_whole_head else None
    return InputAnswer(logit, whole, dict(zip(predictor.branches, others, strict=True)))


def calibrated_score(logit: float) -> float:
    """P(fake), 0..1, of a calibrated logit."""
    return float(sigmoid(np.asarray(logit)))


def input_score(card: CheckpointCard, item: Input, answer: InputAnswer) -> float:
    """The score, 0..1, of one input alone: a face by the first head, a whole picture by the head that is for it."""
    if item.face is None and answer.whole is not None:
        return calibrated_score(_combined(card, Basis.WHOLE, 0.0, answer.whole))
    return calibrated_score(card.calibration.slope * answer.logit + card.calibration.offset)


def score_picture(
    card: CheckpointCard, inputs: Sequence[Input], answers: Sequence[InputAnswer], *, is_video: bool = False
) -> PictureScore:
    """The score of a picture, an animation or a video from what the network says of its inputs, at least one.

    Of several frames the highest counts; of a video the mean of its top frames. Frames without a face count only where no frame
    has one.
    """
    frames = {item.frame for item in inputs if item.face is not None} or {item.frame for item in inputs}
    scored = [_score_frame(card, inputs, answers, frame) for frame in sorted(frames)]
    highest = max(scored, key=lambda found: found.logit)
    if not is_video:
        return highest
    best = sorted(scored, key=lambda found: -found.logit)[: _counting(len(scored))]
    shown = tuple(Frame(inputs[one.deciding].frame, inputs[one.deciding].seconds or 0.0, one.score) for one in best)
    mean = video_score([found.score for found in scored])
    inside = min(max(mean, 1e-12), 1 - 1e-12)
    return PictureScore(math.log(inside / (1 - inside)), highest.basis, highest.deciding, shown)


def video_score(scores: Sequence[float]) -> float:
    """The score of a video from those of its frames, at least one: the mean of the highest quarter."""
    count = _counting(len(scores))
    return sum(sorted(scores, reverse=True)[:count]) / count


def _counting(frames: int) -> int:
    return max(1, frames // TOP_SHARE)


def _score_frame(card: CheckpointCard, inputs: Sequence[Input], answers: Sequence[InputAnswer], frame: int) -> PictureScore:
    chosen = [number for number, item in enumerate(inputs) if item.frame == frame]
    faces = [number for number in chosen if inputs[number].face is not None]
    others = [number for number in chosen if inputs[number].face is None]
    deciding = max(faces or chosen, key=lambda number: answers[number].logit)
    if not card.combinations:
        # One head for all: the highest input counts.
        logit = card.calibration.slope * answers[deciding].logit + card.calibration.offset
        return PictureScore(logit, Basis.FACES if faces else Basis.WHOLE, deciding)
    if not faces:
        return PictureScore(_combined(card, Basis.WHOLE, 0.0, _whole(answers[chosen[0]])), Basis.WHOLE, chosen[0])
    of_faces = _mean_odds(inputs, answers, faces)
    # A picture that is the crop of a face is one input, on which both heads speak.
    basis = Basis.BOTH if others else Basis.FACES
    whole = _whole(answers[others[0] if others else faces[0]])
    return PictureScore(_combined(card, basis, of_faces, whole), basis, deciding)


def _mean_odds(inputs: Sequence[Input], answers: Sequence[InputAnswer], faces: Sequence[int]) -> float:
    """The logarithm of the faces' odds, averaged by their areas.

    One forged face among many stands out, as it does in a maximum; but many real ones do not add up to a false alarm.
    """
    areas = np.asarray([_area(inputs[number]) for number in faces])
    logits = np.asarray([answers[number].logit for number in faces])
    return float(np.logaddexp.reduce(logits + np.log(areas / areas.sum())))


def _area(item: Input) -> float:
    assert item.face is not None
    return float(max(1, item.face.box[2]) * max(1, item.face.box[3]))


def _whole(answer: InputAnswer) -> float:
    return 0.0 if answer.whole is None else answer.whole


def _combined(card: CheckpointCard, basis: Basis, faces: float, whole: float) -> float:
    weights = card.combinations.get(basis.value, Combination(card.calibration.slope, 0.0, card.calibration.offset))
    return weights.faces * faces + weights.whole * whole + weights.offset
