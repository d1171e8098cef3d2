"""An item of the review queue, and the orders that the queue can be in: in the database, and outside it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, tuple_

from ..database.models import Detection, File
from .criteria import Order


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One scored file. `decision` is what counts now on its content; `scanned_at` when the file got its verdict.

    `is_judged` is false of a picture that is labelled real only because there was no face to judge, whatever its score.
    `says_generated`: the file itself says that a machine made it or a part of it.
    `fingerprint` is the content's perceptual hash, None where the picture is flat or has none.
    `disagreement` is how far the scores of the network's branches lie apart, 0..1; None where it has no branches.
    """

    file_id: int
    content_id: int
    path: str
    score: float
    label: str
    decision: str | None
    scanned_at: datetime
    disagreement: float | None = None
    is_judged: bool = True
    says_generated: bool = False
    fingerprint: int | None = None


def sort_key(order: Order, item: QueueItem) -> tuple[Any, ...]:
    """What the database sorts by, for keeping items in the same order outside it."""
    match order:
        case Order.MOST_CERTAIN:
            return (-item.score, -item.file_id)
        case Order.LEAST_CERTAIN:
            return (item.score, item.file_id)
        case Order.NEWEST:
            return (-item.scanned_at.timestamp(), -item.file_id)
        case Order.OLDEST:
            return (item.scanned_at.timestamp(), item.file_id)
        case Order.FOLDER:
            return (item.path.encode("utf-8", "surrogatepass"), item.file_id)
        case Order.DISAGREEMENT:
            return (1.0 if item.disagreement is None else -item.disagreement, -item.file_id)


# What each order sorts by, and whether downwards.
COLUMN = {
    Order.MOST_CERTAIN: (Detection.score, True),
    Order.LEAST_CERTAIN: (Detection.score, False),
    Order.NEWEST: (File.finished_at, True),
    Order.OLDEST: (File.finished_at, False),
    Order.FOLDER: (File.path, False),
    Order.DISAGREEMENT: (Detection.disagreement, True),
}


def ordering(order: Order) -> tuple[ColumnElement[Any], ...]:
    """What a query of files and their detections is sorted by."""
    column, descending = COLUMN[order]
    return (column.desc(), File.id.desc()) if descending else (column.asc(), File.id.asc())


def behind(order: Order, item: QueueItem) -> ColumnElement[bool]:
    """That a row comes after `item` in an order."""
    column, descending = COLUMN[order]
    values = {
        Detection.score: item.score,
        File.finished_at: item.scanned_at,
        File.path: item.path,
        Detection.disagreement: item.disagreement,
    }
    value: Any = values[column]
    here = tuple_(column, File.id)
    there = tuple_(value, item.file_id, types=[column.type, File.id.type])
    # The plain comparison is for the index; the pair decides among equals.
    plain = column <= value if descending else column >= value
    return and_(plain, here < there if descending else here > there)
