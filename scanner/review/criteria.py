"""What a person asks of the review queue: tab, order and filters. Written to and read from saved filters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..base.documents import DocumentError, from_document, to_document
from ..base.errors import KnownError


class CriteriaError(KnownError):
    """A saved filter that cannot be understood."""


class Tab(StrEnum):
    """The parts of the queue. What no person has decided on waits in the first; failed files are in the last."""

    TO_REVIEW = "to-review"
    FAKE = "fake"
    REAL = "real"
    UNSURE = "unsure"
    PROBLEMS = "problems"


def decision_in(tab: Tab) -> str:
    """What `Detection.decision` says of the files in a tab."""
    return "" if tab is Tab.TO_REVIEW else tab.value


class Order(StrEnum):
    """How the queue is sorted; ties by the file's id, so that a place in it is certain."""

    MOST_CERTAIN = "most-certain"  # highest score first
    LEAST_CERTAIN = "least-certain"
    NEWEST = "newest"  # by the time of the verdict
    OLDEST = "oldest"
    FOLDER = "folder"  # by path
    DISAGREEMENT = "disagreement"  # where the network's branches lie furthest apart first; what has no branches last


@dataclass(frozen=True)
class Criteria:
    """Filters that are empty or None do not count. `labels` empty: flagged ones in To review, any elsewhere.

    `since` and `until` bound the time of the verdict: [since, until). Scores are 0..1, both ends included. `evidence` is one of
    `scanner.domain.evidence.FILTERS`.
    """

    tab: Tab = Tab.TO_REVIEW
    order: Order = Order.MOST_CERTAIN
    text: str = ""
    folder: str = ""
    labels: tuple[str, ...] = ()
    model: str = ""
    score_from: float = 0.0
    score_to: float = 1.0
    since: datetime | None = None
    until: datetime | None = None
    evidence: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set, beside tab and order."""
        plain = Criteria(tab=self.tab, order=self.order)
        return self != plain

    def to_json(self) -> dict[str, Any]:
        """A saved filter; the tab is left out, since it serves on each."""
        document: dict[str, Any] = to_document(self)
        return {name: value for name, value in document.items() if name != "tab"}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], tab: Tab) -> "Criteria":
        """The inverse of `to_json`. Raises CriteriaError."""
        try:
            return from_document(cls, {**document, "tab": tab})
        except DocumentError as error:
            raise CriteriaError(f"the saved filter cannot be understood ({error}); delete it and save it anew") from None
