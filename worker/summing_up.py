"""From the scores of a content's inputs to the one that counts, and what it rests on."""

from collections.abc import Sequence
from dataclasses import replace

from scanner.database.models import Basis
from scanner.seen import Face, Seen

from .detector.faces import FoundFace
from .detector.looking import picture_score
from .inputs import Ready
from .video_score import mean_of_top


def sum_up(ready: Ready, scores: Sequence[float]) -> tuple[float, Seen]:
    """The highest score counts, of a video the mean of its top frames; all faces are kept. `scores` go with `ready.inputs`."""
    faces = [_face(item.face, score) for item, score in zip(ready.inputs, scores, strict=True) if item.face is not None]
    basis = Basis.FACES if faces else Basis.WHOLE
    faces += [_face(face, None) for face in ready.unjudged]
    seen = Seen(basis, tuple(faces) if ready.looked_for_faces else None)
    if ready.is_video:
        score, frames = mean_of_top(ready.inputs, scores)
        return score, replace(seen, frames=frames)
    return picture_score(scores), seen


def _face(face: FoundFace, score: float | None) -> Face:
    return Face(face.box, face.confidence, score, face.frame)
