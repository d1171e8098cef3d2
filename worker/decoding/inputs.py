"""What one content becomes on its way to the network: made by a decoder process, scored by the worker. Imports no torch."""

from dataclasses import dataclass

from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Face

from ..detector.faces.face import Input


@dataclass(frozen=True)
class Ready:
    """A decoded content. There is at least one input: its faces, or its frames as a whole.

    `unjudged` are faces that the network is not shown: too small, or beside the one that the picture is a crop of.
    `looked_for_faces` is false where each picture is taken as it is. `format`, `width` and `height` (pixels) are as stored.
    With `is_signed` there is a signed record, which is not in `evidence` yet.
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
