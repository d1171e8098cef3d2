"""What `dfscan explain --serve` answers, written by the worker and read by the window."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..base.documents import DocumentError, from_document, to_document


@dataclass(frozen=True)
class ExplainedInput:
    """One input of the network: its place in the upright picture (left, top, width, height in pixels), its score, 0..1, and the
    name of its heatmap's file."""

    box: tuple[int, int, int, int]
    score: float
    heatmap: str


@dataclass(frozen=True)
class ExplainAnswer:
    """An answer about the file `path`. Where it cannot be explained, `error` says why, and all else but `path` is None.

    `branches` are scores of the network's branches alone, or of the parts of a combination; None where it has one. `part` is the
    part whose inputs these are.
    """

    path: str | None
    sha256: str | None = None
    score: float | None = None
    label: str | None = None
    basis: str | None = None
    stable: bool | None = None
    branches: Mapping[str, float] | None = None
    inputs: tuple[ExplainedInput, ...] | None = None
    error: str | None = None
    part: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that is sent, and kept."""
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_json(cls, document: Any) -> "ExplainAnswer":
        """The inverse of `to_json`. Raises DocumentError."""
        answer = from_document(cls, document)
        if not answer.error and None in (answer.path, answer.sha256, answer.score, answer.inputs):
            raise DocumentError("neither an explanation nor a reason why there is none")
        return answer
