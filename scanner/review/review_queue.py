"""The review queue as frozen snapshots: pages by keyset, counts, and what has changed since a last look."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from sys import intern
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, null, or_, select
from sqlalchemy.orm import aliased

from ..database.engine import Database
from ..database.models import Content, Detection, EvidenceWord, File, Model, Removal, Review
from ..database.queries import has_evidence, under, unindexed
from ..domain.evidence import Word
from ..domain.states import Decision, Label, State
from ..reports.report import FLAGGED
from .criteria import Criteria, Order, Tab
from .ordering import COLUMN, QueueItem, behind, ordering

# A file that waits to be scanned again keeps its verdict, and its place in the queue, until the new one replaces it.
_HAS_VERDICT = unindexed(File.state).in_((State.SCORED.value, State.PENDING.value))
# Transactions become visible a little later than the times and ids they carry.
_OVERLAP = timedelta(seconds=10)
_OVERLAP_IDS = 50
_WITHDRAWN = Decision.WITHDRAWN.value


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
    if criteria.order is Order.DISAGREEMENT:
        return _by_disagreement(database, criteria, after, limit)
    query = _query(criteria)
    if after is not None:
        query = query.where(behind(criteria.order, after))
    elif criteria.tab is Tab.TO_REVIEW and not (criteria.folder or criteria.since or criteria.until):
        query = query.where(*_where_scores_end(database, criteria))
    return _items(database, query.order_by(*ordering(criteria.order)).limit(limit))


def _by_disagreement(database: Database, criteria: Criteria, after: QueueItem | None, limit: int) -> tuple[QueueItem, ...]:
    """Two parts, so that each has an index to go along: databases do not agree where nulls belong."""
    items: tuple[QueueItem, ...] = ()
    if after is None or after.disagreement is not None:
        # All that are not null, as a range: SQLite goes along an index for that.
        query = _query(criteria).where(Detection.disagreement >= 0)
        if after is not None:
            query = query.where(behind(criteria.order, after))
        items = _items(database, query.order_by(*ordering(criteria.order)).limit(limit))
        after = None
    if len(items) < limit and _any_without_branches(database):
        # Along the files, not along the index, where all nulls would have to be sorted: most databases hold nothing else.
        query = _query(criteria).where(func.coalesce(Detection.disagreement, -1.0) < 0)
        if after is not None:
            query = query.where(File.id < after.file_id)
        items += _items(database, query.order_by(File.id.desc()).limit(limit - len(items)))
    return items


def _any_without_branches(database: Database) -> bool:
    with database.read() as session:
        return session.scalar(select(Detection.id).where(Detection.disagreement.is_(None)).limit(1)) is not None


def items_among(database: Database, criteria: Criteria, file_ids: Sequence[int]) -> tuple[QueueItem, ...]:
    """Those of `file_ids` (at most some thousands) that belong to what `criteria` ask for, in no order."""
    return tuple(
        item
        for start in range(0, len(file_ids), 500)
        for item in _items(database, _query(criteria).where(File.id.in_(file_ids[start : start + 500])))
    )


def tab_of(database: Database, file_id: int) -> Tab | None:
    """The tab that a file is in when no filter narrows it; None when it is in none."""
    every = tuple(label.value for label in Label)
    asked = (Criteria(tab, labels=() if tab is Tab.TO_REVIEW else every) for tab in Tab if tab is not Tab.PROBLEMS)
    return next((criteria.tab for criteria in asked if items_among(database, criteria, [file_id])), None)


def count_matching(database: Database, criteria: Criteria) -> int:
    """How many items there are in all."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(_query(criteria).subquery())) or 0


def matching_elsewhere(database: Database, criteria: Criteria) -> tuple[tuple[Tab, int], ...]:
    """How many items the same filters find in each of the other tabs."""
    others = [tab for tab in Tab if tab not in (criteria.tab, Tab.PROBLEMS)]
    return tuple((tab, count_matching(database, replace(criteria, tab=tab))) for tab in others)


def count_tabs(database: Database) -> Counts:
    """Counted from the rows, so that it cannot drift from the truth."""
    with database.read() as session:
        to_review = session.scalar(select(func.count()).select_from(_query(Criteria()).subquery())) or 0
        decisions = select(Review.decision, func.count()).join(File, File.content_id == Review.content_id)
        decisions = decisions.where(_HAS_VERDICT, File.detection_id.is_not(None), _is_latest()).group_by(Review.decision)
        counted = dict(session.execute(decisions).all())
        problems = session.scalar(select(func.count()).select_from(File).where(File.state.in_((State.FAILED, State.SKIPPED))))
    return Counts(
        to_review, counted.get(Decision.FAKE, 0), counted.get(Decision.REAL, 0), counted.get(Decision.UNSURE, 0), problems or 0
    )


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


def _where_scores_end(database: Database, criteria: Criteria) -> list[ColumnElement[bool]]:
    """For an order by score: where the scores of the labels asked for end.

    SQLite takes an index for an order only where it also serves a condition, and it must not begin at the end of other labels.
    """
    column, descending = COLUMN[criteria.order]
    if column is not Detection.score:
        return []
    end = func.max if descending else func.min
    with database.read() as session:
        ends = [session.scalar(select(end(column)).where(Detection.label == label)) for label in criteria.labels or FLAGGED]
    known = [score for score in ends if score is not None]
    if not known:
        return [false()]
    return [column <= max(known)] if descending else [column >= min(known)]


def _query(criteria: Criteria) -> Select[*tuple[Any, ...]]:
    # Nothing that still counts is decided on what is to be reviewed: one look less for each row.
    decision = null() if criteria.tab is Tab.TO_REVIEW else _DECISION
    query = (
        select(
            File.id,
            File.content_id,
            File.path,
            Detection.score,
            Detection.label,
            decision.label("decision"),
            File.finished_at,
            Detection.disagreement,
            or_(Detection.label != Label.REAL, Detection.score < Detection.band_low),
            _GENERATED,
            _FINGERPRINT,
        )
        .join(Detection, File.detection_id == Detection.id)
        .where(_HAS_VERDICT)
    )
    if criteria.tab is Tab.TO_REVIEW:
        query = query.where(func.coalesce(_DECISION, Decision.WITHDRAWN) == Decision.WITHDRAWN)
    else:
        decided = select(Review.content_id).where(Review.decision == criteria.tab.value, _is_latest())
        query = query.where(File.content_id.in_(decided))
    labels = criteria.labels or (FLAGGED if criteria.tab is Tab.TO_REVIEW else ())
    if labels:
        query = query.where(unindexed(Detection.label).in_(labels))
    return query.where(*_narrowed(criteria))


def _narrowed(criteria: Criteria) -> list[ColumnElement[bool]]:
    conditions = []
    if criteria.text:
        conditions.append(File.path.icontains(criteria.text, autoescape=True))
    if criteria.folder:
        conditions.append(under(criteria.folder))
    if criteria.model:
        conditions.append(Detection.model_id.in_(select(Model.id).where(Model.name == criteria.model)))
    if criteria.score_from > 0:
        conditions.append(Detection.score >= criteria.score_from)
    if criteria.score_to < 1:
        conditions.append(Detection.score <= criteria.score_to)
    if criteria.since is not None:
        conditions.append(File.finished_at >= criteria.since)
    if criteria.until is not None:
        conditions.append(File.finished_at < criteria.until)
    if criteria.evidence:
        conditions.append(has_evidence(criteria.evidence))
    return conditions


def _is_latest() -> ColumnElement[bool]:
    later = aliased(Review)
    return ~select(later.id).where(later.content_id == Review.content_id, later.id > Review.id).exists()


_GENERATED = (
    select(EvidenceWord.id)
    .where(EvidenceWord.word == Word.GENERATED.value, EvidenceWord.content_id == File.content_id)
    .correlate(File)
    .exists()
)
_FINGERPRINT = select(Content.fingerprint).where(Content.id == File.content_id).correlate(File).scalar_subquery()
_DECISION = (
    select(Review.decision)
    .where(Review.content_id == File.content_id)
    .order_by(Review.id.desc())
    .limit(1)
    .correlate(File)
    .scalar_subquery()
)


def _items(database: Database, query: Select[*tuple[Any, ...]]) -> tuple[QueueItem, ...]:
    with database.read() as session:
        rows = session.connection().execute(query).all()  # not through the mapper, which has nothing to map here
    return tuple(
        QueueItem(
            file_id, content_id, path, score, intern(label), None if was == _WITHDRAWN else was, at, apart, sure, made, bits
        )
        for file_id, content_id, path, score, label, was, at, apart, sure, made, bits in rows
    )
