"""The review queue as frozen snapshots: pages by keyset, counts, and what has changed since a last look."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, null, select, true, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..database.columns import Interned
from ..database.engine import Database
from ..database.models import Content, Detection, EvidenceWord, File, Removal, Review
from ..database.queries import checked, unindexed
from ..domain.evidence import Word
from ..domain.states import FLAGGED, Label, State
from .access_path import AccessPath, Filter, access_path, checks_only, keep_to, path_to_all
from .counting import HAS_VERDICT, count_by_decision
from .criteria import Criteria, Order, Tab, decision_in
from .ordering import COLUMN, QueueItem, along_index, behind, bounds, first_in, read_and_sorted

# Transactions become visible a little later than the times and ids they carry.
_OVERLAP = timedelta(seconds=10)
_OVERLAP_IDS = 50
_as_item = partial(tuple.__new__, QueueItem)  # as `QueueItem._make`, without a call in Python for each


@dataclass(frozen=True)
class Counts:
    """How many files each tab has, without filters."""

    to_review: int
    fake: int
    real: int
    unsure: int
    problems: int


@dataclass(frozen=True)
class ChangeMarks:
    """Marks that move when anything changes; two equal ones mean that nothing did. Cheap to take."""

    taken_at: datetime = field(compare=False)
    detection: int
    review: int
    finished_at: datetime | None
    pending_since: datetime | None
    removal: int
    pending: int

    def is_all_finished(self, later: "ChangeMarks") -> bool:
        """Whether all that had been finished by then was visible by then, and nothing was finished until `later`."""
        if self.finished_at is None or (self.finished_at, self.detection) != (later.finished_at, later.detection):
            return False
        return self.taken_at - self.finished_at > _OVERLAP


def queue_page(database: Database, criteria: Criteria, *, after: QueueItem | None, limit: int) -> tuple[QueueItem, ...]:
    """The next `limit` items of the queue behind `after`, or from its beginning. Not for the tab Problems."""
    with database.read() as session:
        path = access_path(session, criteria, _labels(criteria), COLUMN[criteria.order][0])
        if criteria.order is not Order.DISAGREEMENT:
            return _page(session, criteria, path, after, limit, _where_labels_end(session, criteria))
        # Two parts, so that each has an index to go along: databases do not agree where nulls belong.
        items: tuple[QueueItem, ...] = ()
        if after is None or after.disagreement is not None:
            items = _page(session, criteria, path, after, limit, (0.0, None))
            after = None
        if len(items) < limit:
            items += _without_branches(session, criteria, path, after, limit - len(items))
        return items


def _page(
    session: Session, criteria: Criteria, path: AccessPath, after: QueueItem | None, limit: int, known: tuple[Any, Any]
) -> tuple[QueueItem, ...]:
    order = criteria.order
    query = _found(criteria, path)
    if after is not None:
        query = query.where(behind(order, after))
    if not path.is_few:
        query = query.where(*bounds(order, criteria, after, known))
    elif order is Order.DISAGREEMENT:
        query = query.where(checked(unindexed(Detection.disagreement) >= 0))
    query = (read_and_sorted if path.is_few else along_index)(query, order, limit)
    keep_to(session, path)
    return _items(session, query, criteria, sorted_first=path.is_few)


def _without_branches(
    session: Session, criteria: Criteria, path: AccessPath, after: QueueItem | None, limit: int
) -> tuple[QueueItem, ...]:
    """Along the files, where those without branches are many: most databases hold nothing else. `path` leads to those with."""
    leading = and_(Detection.decision == decision_in(criteria.tab), Detection.disagreement.is_(None))
    nulls = select(Detection.id).where(leading)
    if session.scalar(nulls.limit(1)) is None:
        return ()
    is_null = func.coalesce(Detection.disagreement, -1.0) < 0
    if path.are_known:
        query = _found(criteria, path).where(checked(is_null))
    else:
        path = access_path(session, criteria, _labels(criteria), File.id, Filter((), nulls, leading, is_null))
        query = _found(criteria, path)
    if after is not None:
        query = query.where((unindexed(File.id) if path.is_few else File.id) < after.file_id)
    by_id = first_in(query, File.id, descending=True, limit=limit) if path.is_few else query.order_by(File.id.desc()).limit(limit)
    keep_to(session, path)
    return _items(session, by_id, criteria, sorted_first=path.is_few)


def items_among(database: Database, criteria: Criteria, file_ids: Sequence[int]) -> tuple[QueueItem, ...]:
    """Those of `file_ids` (at most some thousands) that belong to what `criteria` ask for, in no order."""
    items: list[QueueItem] = []
    with database.read() as session:
        for start in range(0, len(file_ids), 500):
            chunk = File.id.in_(file_ids[start : start + 500])
            found = _found(criteria, checks_only(session, criteria, _labels(criteria))).where(chunk)
            items += _items(session, found, criteria, sorted_first=False)
    return tuple(items)


def tab_of(database: Database, file_id: int) -> Tab | None:
    """The tab that a file is in when no filter narrows it; None when it is in none."""
    every = tuple(label.value for label in Label)
    asked = (Criteria(tab, labels=() if tab is Tab.TO_REVIEW else every) for tab in Tab if tab is not Tab.PROBLEMS)
    return next((criteria.tab for criteria in asked if items_among(database, criteria, [file_id])), None)


def count_matching(database: Database, criteria: Criteria) -> int:
    """How many items there are in all."""
    with database.read() as session:
        return _count(session, criteria)


def matching_elsewhere(database: Database, criteria: Criteria) -> tuple[tuple[Tab, int], ...]:
    """How many items the same filters find in each of the other tabs."""
    others = [tab for tab in Tab if tab not in (criteria.tab, Tab.PROBLEMS)]
    return tuple((tab, count_matching(database, replace(criteria, tab=tab))) for tab in others)


def count_tabs(database: Database) -> Counts:
    """Counted from the rows, so that it cannot drift from the truth."""
    with database.read() as session:
        counted = count_by_decision(session)
        problems = session.scalar(select(func.count()).select_from(File).where(File.state.in_((State.FAILED, State.SKIPPED))))
    to_review, fake, real, unsure = (counted.get(decision_in(tab), 0) for tab in (Tab.TO_REVIEW, Tab.FAKE, Tab.REAL, Tab.UNSURE))
    return Counts(to_review, fake, real, unsure, problems or 0)


def take_pulse(database: Database) -> ChangeMarks:
    """One look at the marks; every one is the end of an index."""
    taken_at = database.now()
    with database.read() as session:
        marks = select(
            select(func.coalesce(func.max(Detection.id), 0)).scalar_subquery(),
            select(func.coalesce(func.max(Review.id), 0)).scalar_subquery(),
            select(func.max(File.finished_at)).scalar_subquery(),
            select(func.max(File.pending_since)).where(File.state == State.PENDING).scalar_subquery(),
            select(func.coalesce(func.max(Removal.id), 0)).scalar_subquery(),
            select(func.count()).select_from(File).where(File.state == State.PENDING).scalar_subquery(),
        )
        return ChangeMarks(taken_at, *session.execute(marks).one())


def changed_since(database: Database, pulse: ChangeMarks, found: ChangeMarks, limit: int) -> tuple[int, ...] | None:
    """Ids of files whose place in the queue may have changed from `pulse` to `found`; None when there are more than `limit`.

    A little more than that is named, never less: what two transactions wrote at the same time may come late.
    """
    reviewed = select(Review.content_id).where(Review.id > pulse.review - _OVERLAP_IDS)
    touched: list[ColumnElement[bool]] = [File.content_id.in_(reviewed)]
    if pulse.finished_at is None:
        touched.append(File.finished_at.is_not(None))
    elif not pulse.is_all_finished(found):  # a decision must not name all that was scanned last
        touched.append(File.finished_at >= pulse.finished_at - _OVERLAP)
    if pulse.pending_since is not None:
        touched.append(and_(File.state == State.PENDING, File.pending_since >= pulse.pending_since - _OVERLAP))
    else:
        touched.append(File.state == State.PENDING)
    ids: set[int] = set()
    with database.read() as session:
        for condition in touched:  # one after the other: each has its index
            ids.update(session.scalars(select(File.id).where(condition).limit(limit + 1)))
    return tuple(ids) if len(ids) <= limit else None


def _labels(criteria: Criteria) -> tuple[str, ...]:
    """The labels that count; () for any."""
    return criteria.labels or (FLAGGED if criteria.tab is Tab.TO_REVIEW else ())


def _where_labels_end(session: Session, criteria: Criteria) -> tuple[Any, Any]:
    """The lowest and the highest score that the labels asked for have, for an order by score; None where that is not asked.

    No page must begin, or go on, among the scores of other labels.
    """
    labels = _labels(criteria)
    if COLUMN[criteria.order][0] is not Detection.score or not labels:
        return None, None
    tab = Detection.decision == decision_in(criteria.tab)
    ends = (select(end(Detection.score)).where(Detection.label == label, tab) for end in (func.min, func.max) for label in labels)
    scores = [score for score in session.execute(select(*(one.scalar_subquery() for one in ends))).one() if score is not None]
    return (min(scores), max(scores)) if scores else (2.0, None)  # above every score: no file has such a label


def _found(criteria: Criteria, path: AccessPath) -> Select[*tuple[int]]:
    """The ids of what is asked for."""
    query = select(File.id).join(Detection, File.detection_id == Detection.id).where(HAS_VERDICT, *path.conditions)
    return query.where(File.path.icontains(criteria.text, autoescape=True)) if criteria.text else query


def _count(session: Session, criteria: Criteria) -> int:
    path = path_to_all(session, criteria, _labels(criteria))
    return session.scalar(select(func.count()).select_from(_found(criteria, path).subquery())) or 0


# No EXISTS: Postgres would read all such words for one page.
_GENERATED = (
    select(EvidenceWord.id)
    .where(EvidenceWord.word == Word.GENERATED.value, EvidenceWord.content_id == File.content_id)
    .limit(1)
    .correlate(File)
    .scalar_subquery()
    .is_not(None)
)
_FINGERPRINT = select(Content.fingerprint).where(Content.id == File.content_id).correlate(File).scalar_subquery()


def _items(session: Session, ids: Select[*tuple[int]], criteria: Criteria, *, sorted_first: bool) -> tuple[QueueItem, ...]:
    """The items of a page. Where many files are `sorted_first`, what is shown of each is read only for those of the page."""
    shown = _shown(criteria)
    if not sorted_first:
        return tuple(map(_as_item, _rows(session, ids.with_only_columns(*shown))))
    wanted = session.scalars(ids).all()
    query = select(*shown).join(Detection, File.detection_id == Detection.id)
    chunks = (query.where(File.id.in_(wanted[start : start + 500])) for start in range(0, len(wanted), 500))
    by_id = {row[0]: row for chunk in chunks for row in _rows(session, chunk)}
    return tuple(_as_item(by_id[one]) for one in wanted if one in by_id)


def _rows(session: Session, query: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
    return session.connection().execute(query).all()  # not through the mapper, which has nothing to map here


def _shown(criteria: Criteria) -> tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...]:
    """What a QueueItem is made of, in its order."""
    # Of a flagged verdict an index knows the rest, so its row is not looked at, unless the order asks for more.
    decision = func.nullif(Detection.decision, "")
    apart = Detection.disagreement if criteria.order is Order.DISAGREEMENT else null()
    is_judged = case((Detection.label != Label.REAL, true()), else_=Detection.score < Detection.band_low)
    label = type_coerce(Detection.label, Interned)
    told = (File.id, File.content_id, File.path, Detection.score, label, decision.label("decision"), File.finished_at)
    return (*told, apart.label("disagreement"), is_judged, _GENERATED, _FINGERPRINT)
