"""How a decoded picture is told by its process: a document in JSON, and the pixels of its inputs as blobs; each is checked."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanner.base.documents import to_document
from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Face
from scanner.processes.replies import Answer, BadReply, Made

from ..detector.faces.face import Input
from ..detector.faces.places import Box
from .inputs import Ready

_PIXELS = 1 << 31


@dataclass(frozen=True)
class _Place:
    """An `Input` without its pictures; `framings` is how many it has beside the first."""

    box: Box
    face: Face | None
    turned: float
    frame: int
    seconds: float | None
    framings: int


@dataclass(frozen=True)
class _Told:
    """A `Ready` without its pictures."""

    inputs: tuple[_Place, ...]
    format: str
    width: int
    height: int
    looked_for_faces: bool
    unjudged: tuple[Face, ...]
    evidence: tuple[Evidence, ...] | None
    fingerprint: int | None
    is_video: bool
    is_signed: bool


_PLACE = [field.name for field in fields(_Place) if field.name != "framings"]
_TOLD = [field.name for field in fields(_Told) if field.name != "inputs"]


@dataclass(frozen=True)
class _Record:
    evidence: tuple[Evidence, ...]


def tell_ready(ready: Ready) -> Made:
    """A decoded picture, as it is told."""
    places = [_Place(**_values(item, _PLACE), framings=len(item.framings)) for item in ready.inputs]
    told = _Told(inputs=tuple(places), **_values(ready, _TOLD))
    views = (np.ascontiguousarray(view) for item in ready.inputs for view in item.views)
    return Made(to_document(told), tuple(view.data.cast("B") for view in views))


def read_ready(answer: Answer, *, size: int) -> Ready:
    """A decoded picture whose inputs are of `size` pixels. Raises BadReply."""
    told = answer.structured(_Told)
    views = [1 + place.framings for place in told.inputs]
    if not views or min(views) < 1 or len(answer.sizes) != sum(views):
        raise BadReply("not as many pictures as inputs")
    if any(one != size * size * 3 for one in answer.sizes):
        raise BadReply(f"inputs that are not of {size} x {size} pixels")
    if not 0 < told.width < _PIXELS or not 0 < told.height < _PIXELS or not 0 < len(told.format) <= 32:
        raise BadReply("no picture has this size")

    def view() -> NDArray[np.uint8]:
        return np.frombuffer(answer.blob(size * size * 3), np.uint8).reshape(size, size, 3)

    inputs = tuple(
        Input(view(), **_values(place, _PLACE), framings=tuple(view() for _ in range(place.framings))) for place in told.inputs
    )
    return Ready(inputs, **_values(told, _TOLD))


def tell_evidence(evidence: tuple[Evidence, ...]) -> Made:
    """Evidence, as it is told."""
    return Made(to_document(_Record(evidence)))


def read_evidence(answer: Answer) -> tuple[Evidence, ...]:
    """Evidence. Raises BadReply."""
    if answer.sizes:
        raise BadReply("evidence has no blobs")
    return answer.structured(_Record).evidence


def _values(of: object, names: list[str]) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}
