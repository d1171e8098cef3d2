"""How a decoded picture is told by its process: a document in JSON, and the pixels of its inputs as blobs; each is checked."""

from collections.abc import Sequence
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
from .inputs import Ready, Shown

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
class _Shown:
    """A `Shown` without its pictures."""

    inputs: tuple[_Place, ...]
    looked_for_faces: bool
    unjudged: tuple[Face, ...]


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
    others: tuple[_Shown, ...]


_PLACE = [field.name for field in fields(_Place) if field.name != "framings"]
_TOLD = [field.name for field in fields(_Told) if field.name not in ("inputs", "others")]


@dataclass(frozen=True)
class _Record:
    evidence: tuple[Evidence, ...]


def tell_ready(ready: Ready) -> Made:
    """A decoded picture, as it is told."""
    others = tuple(_Shown(_places(one.inputs), one.looked_for_faces, one.unjudged) for one in ready.others)
    told = _Told(inputs=_places(ready.inputs), others=others, **_values(ready, _TOLD))
    shown = (item for inputs in (ready.inputs, *(one.inputs for one in ready.others)) for item in inputs)
    views = (np.ascontiguousarray(view) for item in shown for view in item.views)
    return Made(to_document(told), tuple(view.data.cast("B") for view in views))


def read_ready(answer: Answer, *, size: int, others: Sequence[int] = ()) -> Ready:
    """A decoded picture whose inputs are of `size` pixels, and those for other networks as `others` say. Raises BadReply."""
    told = answer.structured(_Told)
    if len(told.others) != len(others):
        raise BadReply("not as many sets of inputs as networks")
    sets = [(told.inputs, size), *zip((one.inputs for one in told.others), others, strict=True)]
    if not all(places and min(place.framings for place in places) >= 0 for places, _ in sets):
        raise BadReply("not as many pictures as inputs")
    wanted = [side for places, side in sets for place in places for _ in range(1 + place.framings)]
    if len(answer.sizes) != len(wanted):
        raise BadReply("not as many pictures as inputs")
    if wrong := next((side for one, side in zip(answer.sizes, wanted, strict=True) if one != side * side * 3), None):
        raise BadReply(f"inputs that are not of {wrong} x {wrong} pixels")
    if not 0 < told.width < _PIXELS or not 0 < told.height < _PIXELS or not 0 < len(told.format) <= 32:
        raise BadReply("no picture has this size")

    def read(places: Sequence[_Place], side: int) -> tuple[Input, ...]:
        def view() -> NDArray[np.uint8]:
            return np.frombuffer(answer.blob(side * side * 3), np.uint8).reshape(side, side, 3)

        return tuple(
            Input(view(), **_values(place, _PLACE), framings=tuple(view() for _ in range(place.framings))) for place in places
        )

    inputs, *further = [read(places, side) for places, side in sets]
    shown = (Shown(items, one.looked_for_faces, one.unjudged) for items, one in zip(further, told.others, strict=True))
    return Ready(inputs, others=tuple(shown), **_values(told, _TOLD))


def _places(inputs: Sequence[Input]) -> tuple[_Place, ...]:
    return tuple(_Place(**_values(item, _PLACE), framings=len(item.framings)) for item in inputs)


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
