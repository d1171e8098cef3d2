"""How a page of the queue is found: along the index of its order, or from the few files that one filter leaves.

SQLite knows nothing of what the columns hold, and chooses one index whatever stands in it: a filter that nearly every file
passes would have all of them read and sorted for each page. So it is counted first, and what must not lead in is asked for in a
form that no index serves. Postgres knows better for few files, and goes along the index for many.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..database.models import Detection, EvidenceWord, File, Model, Review
from ..database.queries import below_folder, under, unindexed
from ..domain.states import Decision
from .criteria import Criteria, Tab

# Looking up and sorting so many files takes about as long as going along an index of a million until a page is full.
FEW = 20_000
# To come from a word, a decision or a detection to its file takes so many looks into indexes.
_DETOUR = 4
# A look into an index, to a file anywhere, takes as long as reading so many files one after the other.
_LOOK = 1.5
# Of more it is asked how many pass all filters, and where those are so few they are read and sorted, too.
FEW_PASS = 500
# To count further costs more than the wrong choice.
MANY = 20_000


@dataclass(frozen=True)
class AccessPath:
    """The conditions of all filters but the text. `is_few`: they leave so few that these are read and sorted."""

    conditions: tuple[ColumnElement[bool], ...]
    is_few: bool


@dataclass(frozen=True)
class Filter:
    """One filter: `column` is what it is about; `few` selects from its index alone; `leading` may use that, `checking` not.

    `looks`: how many looks into indexes a file costs that it leads to.
    """

    column: InstrumentedAttribute[Any] | None
    few: Select[Any]
    leading: ColumnElement[bool]
    checking: ColumnElement[bool]
    looks: int = _DETOUR


def access_path(
    session: Session, criteria: Criteria, labels: Sequence[str], column: InstrumentedAttribute[Any], *more: Filter
) -> AccessPath:
    """The cheapest way to a page in the order of `column`; `labels` are those that count, `more` are further filters."""
    filters = [*_filters(session, criteria, labels), *more]
    most = MANY if criteria.is_narrowed else FEW // _DETOUR
    count, best = _smallest(session, [one for one in filters if one.column is not column], most)
    if best is not None and (count == most or count * best.looks >= FEW):
        is_worth_it = criteria.is_narrowed and (count < most or bool(criteria.text))
        best = best if is_worth_it and _few_pass(session, criteria, filters, best) else None
    return AccessPath(tuple(one.leading if one is best else one.checking for one in filters), best is not None)


def _smallest(session: Session, filters: Sequence[Filter], most: int) -> tuple[int, Filter | None]:
    """The filter that leads to a file with the fewest looks, and how many files it leaves; `most`: so many, or more."""
    count, best = most, None
    for one in filters:
        # To have more looks than the best so far is enough to know.
        limit = most if best is None else min(most, count * best.looks // one.looks + 1)
        found = _count(session, one.few, limit)
        if best is None or found * one.looks < count * best.looks:
            count, best = found, one
    return count, best


def path_to_all(session: Session, criteria: Criteria, labels: Sequence[str]) -> AccessPath:
    """The cheapest way to all that is asked for, in no order: from one filter, or over all files where each leaves many."""
    filters = list(_filters(session, criteria, labels))
    files = session.scalar(select(func.max(File.id))) or 0
    best, least = None, float(files)
    for one in filters:
        look = one.looks * _LOOK
        count = _count(session, one.few, int(least / look) + 1)
        if count * look < least:
            best, least = one, count * look
    return AccessPath(tuple(one.leading if one is best else one.checking for one in filters), best is not None)


def sort_or_not(session: Session, path: AccessPath) -> None:
    """Have Postgres go along the index of the order, in this transaction, unless few are left to be sorted.

    It takes labels and scores for independent, finds a fraction of the rows that it will meet, and sorts a hundred thousand.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.set_config("enable_sort", "on" if path.is_few else "off", true())))


def checks_only(session: Session, criteria: Criteria, labels: Sequence[str]) -> AccessPath:
    """For files that are known by their ids."""
    return AccessPath(tuple(one.checking for one in _filters(session, criteria, labels)), is_few=True)


def _few_pass(session: Session, criteria: Criteria, filters: Sequence[Filter], best: Filter) -> bool:
    """Whether few files pass all filters: the index of the order would be gone along for long until a page is full."""
    found = select(File.id).join(Detection, File.detection_id == Detection.id)
    found = found.where(*(one.leading if one is best else one.checking for one in filters))
    if criteria.text:
        found = found.where(File.path.icontains(criteria.text, autoescape=True))
    return _count(session, found, FEW_PASS) < FEW_PASS


def _count(session: Session, few: Select[Any], limit: int) -> int:
    return session.scalar(select(func.count()).select_from(few.limit(limit).subquery())) or 0


def _filters(session: Session, criteria: Criteria, labels: Sequence[str]) -> Iterator[Filter]:
    if criteria.folder:
        yield _folder(criteria.folder)
    if criteria.since is not None or criteria.until is not None:
        yield _period(criteria)
    if labels or criteria.score_from > 0 or criteria.score_to < 1:
        yield _labels_and_score(criteria, labels)
    if criteria.model:
        # By their numbers: Postgres knows how many verdicts are of each, and nothing of what a subquery finds.
        models = session.scalars(select(Model.id).where(Model.name == criteria.model)).all()
        found = select(Detection.id).where(Detection.model_id.in_(models))
        yield Filter(Detection.model_id, found, Detection.model_id.in_(models), unindexed(Detection.model_id).in_(models))
    if criteria.evidence:
        words = select(EvidenceWord.content_id).where(EvidenceWord.word == criteria.evidence)
        has_word = words.where(EvidenceWord.content_id == Detection.content_id).correlate(Detection).exists()
        yield Filter(None, words, File.content_id.in_(words), has_word)
    if criteria.tab is not Tab.TO_REVIEW:
        decided = select(Review.content_id).where(Review.decision == criteria.tab.value)
        is_so = is_in(criteria.tab)
        yield Filter(None, decided, and_(File.content_id.in_(decided), is_so), is_so)


def is_in(tab: Tab) -> ColumnElement[bool]:
    """Whether a file is in the tab, by the latest decision on its content."""
    if tab is Tab.TO_REVIEW:
        return func.coalesce(latest_decision == Decision.WITHDRAWN, true())
    return func.coalesce(latest_decision == tab.value, false())


# By the detection's content, which is its file's: it stands in the indexes that a page goes along, and the file's does not.
latest_decision = (
    select(Review.decision)
    .where(Review.content_id == Detection.content_id)
    .order_by(Review.id.desc())
    .limit(1)
    .correlate(Detection)
    .scalar_subquery()
)


def _folder(folder: str) -> Filter:
    path = unindexed(File.path)
    checking = or_(path == folder, and_(*below_folder(folder, path)))
    few = select(File.id).where(*below_folder(folder))  # one range, and no look for a file of that name, is counted faster
    return Filter(File.path, few, under(folder), checking, looks=1)


def _period(criteria: Criteria) -> Filter:
    def within(moment: Any) -> ColumnElement[bool]:
        bounds = [moment >= criteria.since] if criteria.since is not None else []
        return and_(*bounds, *([moment < criteria.until] if criteria.until is not None else []))

    leading = within(File.finished_at)
    return Filter(File.finished_at, select(File.id).where(leading), leading, within(unindexed(File.finished_at)), looks=1)


def _labels_and_score(criteria: Criteria, labels: Sequence[str]) -> Filter:
    def within(label: Any, score: Any) -> ColumnElement[bool]:
        bounds = [label.in_(labels)] if labels else []
        bounds += [score >= criteria.score_from] if criteria.score_from > 0 else []
        return and_(*bounds, *([score <= criteria.score_to] if criteria.score_to < 1 else []))

    leading = within(Detection.label, Detection.score)
    found = select(Detection.id).where(leading)
    return Filter(Detection.score, found, leading, within(unindexed(Detection.label), unindexed(Detection.score)))
