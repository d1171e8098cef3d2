"""What one content becomes on its way to the network: made by a decoder process, scored by the worker. Imports no torch."""

from dataclasses import dataclass, replace

from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Face

from ..detector.faces.face import Input


@dataclass(frozen=True)
class Shown:
    """What a further network is shown of a content; as `Ready` has it."""

    inputs: tuple[Input, ...]
    looked_for_faces: bool = False
    unjudged: tuple[Face, ...] = ()


@dataclass(frozen=True)
class Ready:
    """A decoded content. There is at least one input: its faces, or its frames as a whole.

    `unjudged` are faces that the network is not shown: too small, or beside the one that the picture is a crop of.
    `looked_for_faces` is false where each picture is taken as it is. `format`, `width` and `height` (pixels) are as stored.
    With `is_signed` there is a signed record, which is not in `evidence` yet. Where several networks score it, `inputs` are those
    of the first, and `others` what the others are shown.
    """

    inputs: tuple[Input, ...]
    format: str
    width: int
    height: int
    looked_for_faces: bool = False
    unjudged: tuple[Face, ...] = ()
    evidence: tuple[Evidence, ...] | None = None
    fingerprint: int | None = None
    is_video: bool = False
    is_signed: bool = False
    others: tuple[Shown, ...] = ()

    @property
    def nbytes(self) -> int:
        """The bytes of all its inputs."""
        shown = (self.inputs, *(one.inputs for one in self.others))
        return sum(view.nbytes for inputs in shown for item in inputs for view in item.views)

    @property
    def parts(self) -> "tuple[Ready, ...]":
        """The content as each of the networks that score it is shown it."""
        others = (
            replace(self, inputs=one.inputs, looked_for_faces=one.looked_for_faces, unjudged=one.unjudged, others=())
            for one in self.others
        )
        return (replace(self, others=()), *others)
