"""What a limited process answers: a header in JSON and blobs of bytes after it. Whatever else comes back is refused.

A process that a hostile file has taken over can answer what it likes: nothing of an answer is run, and its size is bounded.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..base.documents import DocumentError, demand_plain, from_strict_document, to_document

T = TypeVar("T")
HEADER_BYTES = 8 << 20
_REASON, _TEXT, _ENTRIES = 2_000, 1 << 16, 100_000
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1


class BadReply(Exception):
    """Not what a limited process answers."""


class Refused(Exception):
    """What a work raises that cannot be done, for no fault of its process. The text is the reason, in a user's words."""


@dataclass(frozen=True)
class Made:
    """What a work has made, as it is told: a document in JSON, and blobs."""

    document: Any = None
    blobs: tuple[bytes | memoryview, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What goes over the channel. `kind`: made, refused or failed (the document is the reason), memory."""

    kind: str
    document: Any = None
    blobs: tuple[bytes | memoryview, ...] = ()

    def header(self) -> bytes:
        """All but the blobs, with their sizes."""
        return json.dumps({"kind": self.kind, "document": self.document, "blobs": [len(blob) for blob in self.blobs]}).encode()


@dataclass(frozen=True)
class Answer:
    """What was made, as it came: the document, and how to get its blobs, which are of these `sizes`, in their order."""

    document: Any
    sizes: Sequence[int]
    receive: Callable[[int], bytes]

    def blob(self, size: int) -> bytes:
        """The next one, which must be of this size. Raises BadReply."""
        blob = self.receive(size)
        if len(blob) != size:
            raise BadReply("a blob of another size than was said")
        return blob

    def structured(self, kind: type[T]) -> T:
        """The document as a dataclass, strictly. Raises BadReply."""
        try:
            return from_strict_document(kind, self.document)
        except DocumentError as error:
            raise BadReply(str(error)) from None


def tell_plainly(made: Any) -> Made:
    """Bytes, plain values and dataclasses of such."""
    return Made(None, (made,)) if isinstance(made, bytes) else Made(to_document(made))


def read_plainly(answer: Answer) -> Any:
    """The inverse; dataclasses stay dicts, and tuples are lists."""
    if not answer.sizes:
        return answer.document
    if len(answer.sizes) > 1 or answer.document is not None:
        raise BadReply("one blob, or none, was asked for")
    return answer.blob(answer.sizes[0])


def reply_of(work: Callable[[], Any], tell: Callable[[Any], Made]) -> Reply:
    """Do `work`: what it gives, or why it gives nothing."""
    try:
        made = tell(work())
        return Reply("made", made.document, made.blobs)
    except MemoryError:  # be it refused for that
        return Reply("memory")
    except Refused as error:
        return Reply("refused", str(error)[:_REASON])
    except Exception as error:
        return Reply("failed", f"{type(error).__name__}: {error}"[:_REASON])


def read_reply(receive: Callable[[int], bytes], *, most: int, blobs: Callable[[int], bytes] | None = None) -> Answer:
    """What a process made, read with `receive(most bytes)` and, of that size, `blobs`; these have at most `most` bytes together.

    Raises Refused, MemoryError and BadReply.
    """
    header = _header(receive(HEADER_BYTES))
    if sum(header["blobs"]) > most:
        raise BadReply(f"{sum(header['blobs']):,} bytes are too many")
    return answer_of(header["kind"], header["document"], header["blobs"], blobs or receive)


def answer_of(kind: str, document: Any, sizes: Sequence[int], receive: Callable[[int], bytes]) -> Answer:
    """What was made, by the parts of a header. Raises Refused, MemoryError and BadReply."""
    if kind == "memory":
        raise MemoryError
    if kind in ("refused", "failed"):
        reason = _text(document, _REASON)
        raise Refused(reason if kind == "refused" else f"its decoder failed: {reason}")
    if kind != "made":
        raise BadReply("neither made nor refused")
    return Answer(document, sizes, receive)


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
    _demand_bounds(header["document"])
    return header


def _demand_bounds(document: Any) -> None:
    """Texts and numbers as a database takes them, and not endlessly many."""
    if isinstance(document, str):
        _text(document, _TEXT)
    elif isinstance(document, dict | list):
        if len(document) > _ENTRIES:
            raise BadReply("too many entries")
        for part in (*document, *document.values()) if isinstance(document, dict) else document:
            _demand_bounds(part)
    elif isinstance(document, int) and not _SMALLEST <= document <= _LARGEST:
        raise BadReply("a number is out of range")


def _text(text: Any, most: int) -> str:
    if not isinstance(text, str) or len(text) > most or "\0" in text or _has_surrogates(text):
        raise BadReply("no text, or one with what is no letter")
    return text


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)
