"""One file in a report: its fields, and the columns that they are read from, by name.

A report's further column, if it is stored, is one field here.
"""

# ruff: noqa: RUF009  (_stored makes a field)

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row
from sqlalchemy.orm import InstrumentedAttribute

from ..base.documents import to_document
from ..database.models import Content, Detection, File, Model, Review
from ..database.queries import PREDICTION_COLUMNS, prediction_of
from ..domain.evidence import Evidence, evidence_from_json, is_damaged
from ..domain.prediction import Prediction
from ..results.part_verdicts import PartVerdict, disagree, part_verdicts

T = TypeVar("T")

_CSV, _REVIEW = {"csv": True}, {"review": True}


def _stored(column: InstrumentedAttribute[T], shown: Mapping[str, bool] = _CSV) -> T:
    """A field that is read from `column` as it is; mypy compares their types."""
    declared: T = field(metadata={"column": column, **shown})
    return declared


@dataclass(frozen=True, kw_only=True)
class ReportItem:
    """One file. `status` is its label when it is scored, else its state. `review` is the latest decision on its content.

    `reviewer`, `reviewed_at` and `note` belong to that decision. `prediction` is what the score rests on, None without one;
    `evidence` is what the file says of its origin, None where it was not looked for. Items of one `group` are copies or near
    copies of each other (`scanner.results.near_copies`). `parts` is what the models of a combination say alone.
    """

    path: str = _stored(File.path)
    sha256: str | None = _stored(Content.sha256)
    state: str = _stored(File.state)
    label: str | None = _stored(Detection.label)
    score: float | None = _stored(Detection.score)
    threshold: float | None = _stored(Detection.threshold)
    model: str | None = _stored(Model.name)
    scanned_at: datetime | None = _stored(File.finished_at)
    review: str | None = _stored(Review.decision)
    reviewer: str | None = _stored(Review.reviewer, _REVIEW)
    reviewed_at: datetime | None = _stored(Review.created_at, _REVIEW)
    note: str | None = _stored(Review.note, _REVIEW)
    error: str | None = _stored(File.error)
    prediction: Prediction | None = None
    evidence: tuple[Evidence, ...] | None = field(default=None, metadata=_CSV)
    group: str | None = field(default=None, metadata=_CSV)
    parts: tuple[PartVerdict, ...] | None = None

    @property
    def status(self) -> str:
        """What to filter and count by."""
        return self.label or self.state

    @property
    def remarks(self) -> list[str]:
        """What one has to know to read the score: a high one without a face is no contradiction to the label `real`."""
        damaged = ["damaged"] * is_damaged(self.evidence)
        if self.prediction is None:
            return damaged
        told = damaged + ["no face found"] * self.prediction.is_without_face + ["unstable"] * (self.prediction.stable is False)
        if self.parts and disagree(self.parts):
            told.append("parts disagree: " + ", ".join(f"{part.name} {part.score:.3f} {part.label}" for part in self.parts))
        return told

    def to_json(self, *, reviewers: bool) -> dict[str, Any]:
        """What a report prints of it; `reviewers` is whether REVIEW_COLUMNS are."""
        names = [name for name in _NAMES if name != "prediction" and (reviewers or name not in REVIEW_COLUMNS)]
        plain = {name: getattr(self, name) for name in names}
        rests_on = (self.prediction or Prediction()).to_json()
        times = {"scanned_at": iso(self.scanned_at)} | ({"reviewed_at": iso(self.reviewed_at)} if reviewers else {})
        return {
            **plain,
            **times,
            **(rests_on if self.prediction else dict.fromkeys(rests_on)),
            "parts": None if self.parts is None else to_document(self.parts),
            "evidence": None if self.evidence is None else to_document(self.evidence),
        }


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 to the second, with its zone."""
    return moment.isoformat(timespec="seconds") if moment else None


_NAMES = tuple(one.name for one in fields(ReportItem))
CSV_COLUMNS = tuple(one.name for one in fields(ReportItem) if one.metadata.get("csv"))
# What an export from the review queue adds.
REVIEW_COLUMNS = tuple(one.name for one in fields(ReportItem) if one.metadata.get("review"))
_STORED: dict[str, InstrumentedAttribute[Any]] = {
    one.name: one.metadata["column"] for one in fields(ReportItem) if "column" in one.metadata
}


def item_columns() -> tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...]:
    """What `item_of` reads of each file."""
    stored = (column.label(name) for name, column in _STORED.items())
    return (*stored, *PREDICTION_COLUMNS, Content.evidence, Detection.model_id)


def item_of(row: Row[*tuple[Any, ...]], combinations: Mapping[int, Mapping[str, Any]], group: str | None = None) -> ReportItem:
    """The item of a row that has `item_columns`. `combinations` are the cards of those models that are some, by their rows."""
    prediction = None if row.score is None else prediction_of(row)
    card = combinations.get(row.model_id)
    return ReportItem(
        **{name: getattr(row, name) for name in _STORED},
        prediction=prediction,
        evidence=evidence_from_json(row.evidence),
        group=group,
        parts=part_verdicts(card, prediction) if card and prediction else None,
    )
