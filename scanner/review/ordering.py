"""An item of the review queue, and the orders that the queue can be in: in the database, and outside it."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, literal_column, select, tuple_

from ..base.addresses.stored_paths import encode_path
from ..database.models import Detection, File
from ..database.queries import ends_below, unindexed
from .criteria import Criteria, Order, decision_in


class QueueItem(NamedTuple):
    """One scored file; a tuple, as a queue has a hundred thousand of them.

    `decision` is what counts now on its content; `scanned_at` when the file got its verdict.
    `is_judged` is false of a picture that is labelled real only because there was no face to judge, whatever its score.
    `says_generated`: the file itself says that a machine made it or a part of it.
    `fingerprint` is the content's perceptual hash, None where the picture is flat or has none.
    `disagreement` is how far the scores of the network's branches lie apart, 0..1; None where it has no branches, and in every
    other order than that by it.
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


def along_index(files: Select[*tuple[int]], order: Order, limit: int) -> Select[*tuple[int]]:
    """The first of `files` (ids, joined to their detections) along the index of their order."""
    column, descending = COLUMN[order]
    return files.order_by(*_directed(descending, column, File.id)).limit(limit)


def read_and_sorted(files: Select[*tuple[int]], order: Order, limit: int) -> Select[*tuple[int]]:
    """The same where they are few: all are read, and then sorted."""
    column, descending = COLUMN[order]
    return first_in(files, column, descending=descending, limit=limit)


def first_in(files: Select[*tuple[int]], column: Any, *, descending: bool, limit: int) -> Select[*tuple[int]]:
    """The first of `files` by a column of theirs and their id, found before they are sorted.

    They are a query of their own, which OFFSET 0 keeps by itself. Otherwise Postgres would go along the index of the order, for
    the sake of `limit`, and past millions of others.
    """
    found = files.with_only_columns(File.id, column.label("sorted_by")).offset(literal_column("0")).subquery()
    by, file_id = found.c.sorted_by, found.c.id
    return select(file_id).order_by(*_directed(descending, by, file_id)).limit(limit)


def _directed(descending: bool, *columns: Any) -> list[ColumnElement[Any]]:
    return [column.desc() if descending else column.asc() for column in columns]


def value_of(order: Order, item: QueueItem) -> Any:
    """What `item` has in the column of an order."""
    return {
        Detection.score: item.score,
        File.finished_at: item.scanned_at,
        File.path: item.path,
        Detection.disagreement: item.disagreement,
    }[COLUMN[order][0]]


def behind(order: Order, item: QueueItem) -> ColumnElement[bool]:
    """That a row comes after `item` in an order. It only decides: `bounds` say where the index begins."""
    column, descending = COLUMN[order]
    here = tuple_(unindexed(column), File.id)
    there = tuple_(value_of(order, item), item.file_id, types=[column.type, File.id.type])
    return here < there if descending else here > there


def bounds(order: Order, criteria: Criteria, after: QueueItem | None, known: tuple[Any, Any]) -> list[ColumnElement[bool]]:
    """The stretch of the order's index that a page may come from: by the tab, by the filters on its column, by what is before
    the page, and by what is `known` of the labels (lowest and highest, or None).

    One bound for each end: of two SQLite takes the first for the index, and steps over everything up to the other.
    """
    column, descending = COLUMN[order]
    lows, highs = [known[0]], [known[1]]
    if column is File.finished_at:
        lows, highs = [criteria.since], [criteria.until]
    elif column is Detection.score:
        lows.append(criteria.score_from if criteria.score_from > 0 else None)
        highs.append(criteria.score_to if criteria.score_to < 1 else None)
    elif column is File.path and criteria.folder:
        lows, highs = [criteria.folder], [ends_below(criteria.folder)[1]]
    if after is not None:
        (highs if descending else lows).append(value_of(order, after))
    low = max((value for value in lows if value is not None), key=_sorted_as(order), default=None)
    high = min((value for value in highs if value is not None), key=_sorted_as(order), default=None)
    tab = [Detection.decision == decision_in(criteria.tab)] if column.class_ is Detection else []
    return [*tab, *([column >= low] if low is not None else []), *([column <= high] if high is not None else [])]


def _sorted_as(order: Order) -> Any:
    return encode_path if COLUMN[order][0] is File.path else None
