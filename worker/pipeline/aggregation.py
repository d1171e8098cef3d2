"""From the scores of a content's inputs to the one that counts, and what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from scanner.domain.prediction import Face, Seen
from scanner.domain.states import Basis

from ..decoding.inputs import Ready
from ..detector.faces.face import FoundFace
from ..detector.faces.input_selection import picture_score
from .video_score import mean_of_top


@dataclass(frozen=True)
class InputScore:
    """The score of one input, 0..1, and those of the network's branches alone."""

    score: float
    branches: Mapping[str, float] = field(default_factory=dict)


def sum_up(ready: Ready, scores: Sequence[InputScore]) -> tuple[float, Seen]:
    """The highest score counts, and its branches; of a video the mean of its top frames. All faces are kept.

    `scores` go with `ready.inputs`.
    """
    faces = [_face(item.face, found.score) for item, found in zip(ready.inputs, scores, strict=True) if item.face is not None]
    basis = Basis.FACES if faces else Basis.WHOLE
    faces += [_face(face, None) for face in ready.unjudged]
    numbers = [found.score for found in scores]
    highest = max(scores, key=lambda found: found.score)
    seen = Seen(basis, tuple(faces) if ready.looked_for_faces else None, branches=highest.branches)
    if ready.is_video:
        score, frames = mean_of_top(ready.inputs, numbers)
        return score, replace(seen, frames=frames)
    return picture_score(numbers), seen


def _face(face: FoundFace, score: float | None) -> Face:
    return Face(face.box, face.confidence, score, face.frame)
