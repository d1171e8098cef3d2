"""What a decoder process answers: a header in JSON and the bytes of its arrays. Whatever else comes back is refused.

A decoder that a hostile file has taken over can answer what it likes: nothing of an answer is run, and each value of it has the
type and the size that it may have.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanner.base.documents import DocumentError, demand_plain, from_strict_document, to_document
from scanner.domain.evidence import Evidence
from scanner.domain.prediction import Face

from ..detector.faces.face import Input
from ..detector.faces.places import Box
from ..detector.image.picture import PictureError
from .inputs import Ready

HEADER_BYTES = 8 << 20
_REASON, _TEXT = 2_000, 1 << 16
_PIXELS, _ENTRIES = 1 << 31, 100_000
_HASH = 1 << 63


class BadReply(Exception):
    """Not what a decoder answers."""


@dataclass(frozen=True)
class Reply:
    """What goes over the channel: a kind, a document in JSON, and blobs of bytes after it."""

    kind: str
    document: Any = None
    blobs: tuple[bytes | memoryview, ...] = ()

    def header(self) -> bytes:
        """All but the blobs, with their sizes."""
        return json.dumps({"kind": self.kind, "document": self.document, "blobs": [len(blob) for blob in self.blobs]}).encode()


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


def reply_of(work: Callable[[], Any]) -> Reply:
    """Do `work`: what it gives, or why it gives nothing."""
    try:
        return _encoded(work())
    except PictureError as error:
        return Reply("refused", str(error)[:_REASON])
    except MemoryError:
        return Reply("memory")
    except Exception as error:
        return Reply("failed", f"{type(error).__name__}: {error}"[:_REASON])


def _encoded(made: Any) -> Reply:
    if isinstance(made, Ready):
        places = [_Place(**_values(item, _PLACE), framings=len(item.framings)) for item in made.inputs]
        told = _Told(inputs=tuple(places), **_values(made, _TOLD))
        views = (np.ascontiguousarray(view) for item in made.inputs for view in item.views)
        return Reply("ready", to_document(told), tuple(view.data.cast("B") for view in views))
    if isinstance(made, bytes):
        return Reply("bytes", None, (made,))
    if isinstance(made, tuple) and all(isinstance(one, Evidence) for one in made):
        return Reply("evidence", to_document(made))
    return Reply("value", made)


def read_reply(receive: Callable[[int], bytes], *, kinds: tuple[str, ...], size: int, most: int) -> Any:
    """What a decoder made, read with `receive(most bytes)`. Its inputs are of `size` pixels, its answer has `most` bytes.

    Raises PictureError or MemoryError as the decoder did, and BadReply, also for a kind that is not among `kinds`.
    """
    header = _header(receive(HEADER_BYTES))
    kind, document, sizes = header["kind"], header["document"], header["blobs"]
    if kind == "memory":
        raise MemoryError
    if kind in ("refused", "failed"):
        reason = _text(document, _REASON)
        raise PictureError(reason if kind == "refused" else f"its decoder failed: {reason}")
    if kind not in kinds:
        raise BadReply(f"{kind!r} was not asked for")
    if sum(sizes) > most:
        raise BadReply(f"{sum(sizes):,} bytes are too many")
    if kind == "ready":
        return _ready(document, sizes, size, receive)
    if kind == "bytes":
        if len(sizes) != 1:
            raise BadReply("one blob was asked for")
        return _blob(receive, sizes[0])
    if sizes:
        raise BadReply("no blob was asked for")
    return _evidence(document) if kind == "evidence" else document


def _header(received: bytes) -> dict[str, Any]:
    try:
        header = json.loads(received)
        demand_plain(header)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"not understood: {error}") from None
    if not isinstance(header, dict) or set(header) != {"kind", "document", "blobs"} or not isinstance(header["kind"], str):
        raise BadReply("not a reply")
    sizes = header["blobs"]
    if not isinstance(sizes, list) or len(sizes) > _ENTRIES or not all(type(size) is int and size >= 0 for size in sizes):
        raise BadReply("no sizes of blobs")
    _demand_texts(header["document"])
    return header


def _demand_texts(document: Any) -> None:
    """Texts as a database takes them, and no more of anything than a picture can have."""
    if isinstance(document, str):
        _text(document, _TEXT)
    elif isinstance(document, dict | list):
        if len(document) > _ENTRIES:
            raise BadReply("too many entries")
        for part in document.values() if isinstance(document, dict) else document:
            _demand_texts(part)
    elif isinstance(document, int) and not -_HASH <= document < _HASH:
        raise BadReply("a number is out of range")


def _text(text: Any, most: int) -> str:
    if not isinstance(text, str) or len(text) > most or "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadReply("no text, or one with what is no letter")
    return text


def _ready(document: Any, sizes: list[int], size: int, receive: Callable[[int], bytes]) -> Ready:
    told: _Told = _structured(_Told, document)
    views = [1 + place.framings for place in told.inputs]
    if not views or min(views) < 1 or len(sizes) != sum(views):
        raise BadReply("not as many pictures as inputs")
    if any(one != size * size * 3 for one in sizes):
        raise BadReply(f"inputs that are not of {size} x {size} pixels")
    if not 0 < told.width < _PIXELS or not 0 < told.height < _PIXELS or not 0 < len(told.format) <= 32:
        raise BadReply("no picture has this size")

    def view() -> NDArray[np.uint8]:
        return np.frombuffer(_blob(receive, size * size * 3), np.uint8).reshape(size, size, 3)

    inputs = tuple(
        Input(view(), **_values(place, _PLACE), framings=tuple(view() for _ in range(place.framings))) for place in told.inputs
    )
    return Ready(inputs, **_values(told, _TOLD))


def _values(of: object, names: list[str]) -> dict[str, Any]:
    return {name: getattr(of, name) for name in names}


def _evidence(document: Any) -> tuple[Evidence, ...]:
    if not isinstance(document, list):
        raise BadReply("no evidence")
    return tuple(_structured(Evidence, one) for one in document)


def _blob(receive: Callable[[int], bytes], size: int) -> bytes:
    blob = receive(size)
    if len(blob) != size:
        raise BadReply("a blob of another size than was said")
    return blob


def _structured(kind: Any, document: Any) -> Any:
    try:
        return from_strict_document(kind, document)
    except DocumentError as error:
        raise BadReply(str(error)) from None
