"""What a model looked at in one content, and what it saw there, beside the score that counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..base.documents import from_document, to_document
from .states import Basis

# A face whose longer side has fewer pixels than this in the picture as stored is not judged.
SMALLEST_FACE = 40


@dataclass(frozen=True)
class Face:
    """A face that was found.

    `box` is left, top, width, height in pixels of the upright picture; `confidence` the face finder's, 0..1; `score` the model's
    P(fake), 0..1, None where the face is not judged (yet): too small, or beside the one that the picture is a crop of; `frame`
    counts the frames of an animation, pages or video from 0.
    """

    box: tuple[int, int, int, int]
    confidence: float
    score: float | None = None
    frame: int = 0


@dataclass(frozen=True)
class Frame:
    """A frame of a video that made its score: its number from 0, its time in seconds, and the model's P(fake) for it, 0..1."""

    frame: int
    seconds: float
    score: float


@dataclass(frozen=True)
class Prediction:
    """What a score rests on.

    `faces` is None where none were looked for (the picture was taken for a face crop as it is). `stable` says whether the label
    stays under mild recompression and resizing; None: not tried. `branches` maps branches of the network to scores of their own.
    `frames` are those of a video whose mean is its score, the highest first; None of what is no video.
    """

    basis: Basis = Basis.WHOLE
    faces: tuple[Face, ...] | None = None
    stable: bool | None = None
    branches: Mapping[str, float] = field(default_factory=dict)
    frames: tuple[Frame, ...] | None = None

    @property
    def disagreement(self) -> float | None:
        """How far the branches' scores lie apart, 0..1; None with fewer than two."""
        scores = self.branches.values()
        return max(scores) - min(scores) if len(scores) > 1 else None

    @property
    def deciding_face(self) -> Face | None:
        """The judged face with the highest score, on which the picture's score rests most; None where none is judged."""
        return max(
            (face for face in self.faces or () if face.score is not None), key=lambda face: face.score or 0.0, default=None
        )

    @property
    def deciding_frame(self) -> int:
        """The frame on which the score rests most: of a video, the one with the highest score; else that of the deciding face."""
        if self.frames:
            return self.frames[0].frame
        face = self.deciding_face
        return face.frame if face is not None else 0

    def why_unjudged(self, face: Face) -> str:
        """In a few words, why `face` has no score."""
        if max(face.box[2:]) < SMALLEST_FACE:
            return "too small"
        judged = sum(other.score is not None and other.frame == face.frame for other in self.faces or ())
        if judged > 1:
            return f"not among the {judged} largest"
        return "beside the main face" if judged else "not judged"

    @property
    def is_without_face(self) -> bool:
        """Whether faces were looked for in vain, so that the score is of the whole picture for want of one."""
        return self.basis is Basis.WHOLE and self.faces is not None

    def to_json(self) -> dict[str, Any]:
        """What reports and `dfscan explain` print, and what a detection's columns hold, by the same names."""
        document: dict[str, Any] = to_document(self)
        return document | {"branches": dict(self.branches) or None, "disagreement": self.disagreement}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Prediction":
        """The inverse of `to_json`; what is not of it is left alone. Raises DocumentError."""
        return from_document(cls, {**document, "branches": document.get("branches") or {}})
