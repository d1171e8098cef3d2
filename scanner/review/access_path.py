"""How a page of the queue is found: along the index of its order, or from the few files that one filter leaves.

SQLite knows nothing of what the columns hold, and chooses one index whatever stands in it: a filter that nearly every file
passes would have all of them read and sorted for each page. So it is counted first, and what must not lead in is asked for in a
form that no index serves. Postgres is kept to that way, too: it is mistaken in what several filters leave, and goes along an
index of millions for the few of a page.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..database.models import Detection, EvidenceWord, File, Model
from ..database.queries import below_folder, checked, under, unindexed
from .criteria import Criteria, decision_in
from .sample import are_large

# Looking up and sorting so many files takes about as long as going along an index until a page is full, of a million files.
FEW, MEASURED_FILES = 20_000, 1_000_000
# So many times as many, and it is worth counting again.
WORTH_A_COUNT = 1.5
# So many times as many in Postgres, in an order in which labels come mixed: it reads the row of each verdict for its label.
_READ_BY_ROWS = 3.2
# To come from a word or a detection to its file takes so many looks into indexes.
_DETOUR = 4
# A look into an index, to a file anywhere, takes as long as reading so many files one after the other.
_LOOK = 1.5
# Of more it is asked which pass all filters, and where those are so few they are read and sorted, too.
FEW_PASS = 500
# To count further costs more than the wrong choice.
MANY = 20_000
_OFF = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_material", "jit")
_NO_DETOURS = {"max_parallel_workers_per_gather": "0", **dict.fromkeys(_OFF, "off")}


@dataclass(frozen=True)
class AccessPath:
    """The conditions of all filters but the text. `is_few`: they leave so few that these are read and sorted.

    `are_known`: the conditions name the files that pass all filters, the text too, by their ids.
    """

    conditions: tuple[ColumnElement[bool], ...]
    is_few: bool
    are_known: bool = False


@dataclass(frozen=True)
class Filter:
    """One filter, on a `table`: in the order of `columns` it needs no way of its own; `few` selects from its index alone;
    `leading` may use that, `checking`, of `unindexed` columns, not in SQLite.

    `looks`: how many looks into indexes a file costs that it leads to.
    """

    columns: tuple[InstrumentedAttribute[Any], ...]
    few: Select[Any]
    leading: ColumnElement[bool]
    checking: ColumnElement[bool]
    looks: int = _DETOUR
    table: type[File | Detection] = Detection


def access_path(
    session: Session, criteria: Criteria, labels: Sequence[str], column: InstrumentedAttribute[Any], *more: Filter
) -> AccessPath:
    """The cheapest way to a page in the order of `column`; `labels` are those that count, `more` are further filters."""
    filters = [*_filters(session, criteria, labels), *more]
    # Of one filter it is known how many files pass it.
    are_several = len(filters) > 1 + len(more) or bool(criteria.text)
    others = [one for one in filters if column not in one.columns]
    few, most = FEW, MANY if are_several else FEW // _DETOUR + 1
    count, best = _smallest(session, others, most)
    quick = [one for one in others if one.looks == 1]
    if count == most and quick and (larger := _larger(session, files := _files(session), column)) >= WORTH_A_COUNT:
        few = count = most = int(larger * FEW)
        large = are_large(session, [one.checking for one in quick], files, most)
        if counted := [one for one, is_large in zip(quick, large, strict=True) if not is_large]:
            count, best = _smallest(session, counted, most)
    if best is not None and (count == most or count * best.looks >= few):
        is_worth_it = are_several and (count < most or bool(criteria.text))
        passing = _passing(session, criteria, filters, best) if is_worth_it else None
        if passing is not None:
            return AccessPath((File.id.in_(passing), *(checked(one.checking) for one in filters)), is_few=True, are_known=True)
        best = None
    if best is None:
        # Of the other table Postgres might make a way in, most of all before it has analyzed what was just put in.
        walked = column.class_
        return AccessPath(tuple(one.checking if one.table is walked else checked(one.checking) for one in filters), is_few=False)
    return AccessPath(_led_by(best, filters), is_few=True)


def _files(session: Session) -> int:
    """How many files there are, about."""
    return session.scalar(select(func.max(File.id))) or 0


def _larger(session: Session, files: int, column: InstrumentedAttribute[Any]) -> float:
    """How many times `FEW` files may be read and sorted, as there are so many.

    Of F files, of which n pass, a page takes about F / n along an index, and n read and sorted: as much where n is as sqrt(F).
    """
    by_rows = _is_postgres(session) and column is not Detection.score
    return max(1.0, math.sqrt(files / MEASURED_FILES) * (_READ_BY_ROWS if by_rows else 1.0))


def _led_by(best: Filter, filters: Sequence[Filter]) -> tuple[ColumnElement[bool], ...]:
    """The conditions of all, of which only the best is a way in."""
    return tuple(one.leading if one is best else checked(one.checking) for one in filters)


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
    best, least = None, float(_files(session))
    for one in filters:
        look = one.looks * _LOOK
        count = _count(session, one.few, int(least / look) + 1)
        if count * look < least:
            best, least = one, count * look
    return AccessPath(tuple(one.leading if one is best else one.checking for one in filters), best is not None)


def keep_to(session: Session, path: AccessPath) -> None:
    """Have Postgres go along the index of the order, in this transaction, unless few are left to be sorted.

    It takes labels and scores for independent, finds a fraction of the rows that it will meet, and sorts a hundred thousand; or
    reads a whole table where a few looks into an index would do. Processes that it starts to help read ahead of what a page
    needs, up to ten times as much, and to compile the query takes longer than the page.
    """
    if not _is_postgres(session):
        return
    settings = {**_NO_DETOURS, "enable_sort": "on" if path.is_few else "off"}
    session.execute(select(*(func.set_config(name, value, true()) for name, value in settings.items())))


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def checks_only(session: Session, criteria: Criteria, labels: Sequence[str]) -> AccessPath:
    """For files that are known by their ids."""
    return AccessPath(tuple(one.checking for one in _filters(session, criteria, labels)), is_few=True)


def _passing(session: Session, criteria: Criteria, filters: Sequence[Filter], best: Filter) -> Sequence[int] | None:
    """The files that pass all filters, where they are few: the index of the order would be gone along for long until a page is
    full."""
    found = select(File.id).join(Detection, File.detection_id == Detection.id)
    found = found.where(*_led_by(best, filters))
    if criteria.text:
        found = found.where(File.path.icontains(criteria.text, autoescape=True))
    passing = session.scalars(found.limit(FEW_PASS)).all()
    return passing if len(passing) < FEW_PASS else None


def _count(session: Session, few: Select[Any], limit: int) -> int:
    return session.scalar(select(func.count()).select_from(few.limit(limit).subquery())) or 0


def _filters(session: Session, criteria: Criteria, labels: Sequence[str]) -> Iterator[Filter]:
    if criteria.folder:
        yield _folder(criteria.folder)
    if criteria.since is not None or criteria.until is not None:
        yield _period(criteria)
    yield _verdict(criteria, labels)
    if criteria.model:
        # By their numbers: Postgres knows how many verdicts are of each, and nothing of what a subquery finds.
        models = session.scalars(select(Model.id).where(Model.name == criteria.model)).all()
        found = select(Detection.id).where(Detection.model_id.in_(models))
        yield Filter((), found, Detection.model_id.in_(models), unindexed(Detection.model_id).in_(models))
    if criteria.evidence:
        words = select(EvidenceWord.content_id).where(EvidenceWord.word == criteria.evidence)
        has_word = (
            words.where(EvidenceWord.content_id == Detection.content_id)
            .correlate(Detection)
            .limit(1)
            .scalar_subquery()
            .is_not(None)
        )
        yield Filter((), words, File.content_id.in_(words), has_word)


def _folder(folder: str) -> Filter:
    path = unindexed(File.path)
    checking = or_(path == folder, and_(*below_folder(folder, path)))
    few = select(File.id).where(*below_folder(folder))  # one range, and no look for a file of that name, is counted faster
    return Filter((File.path,), few, under(folder), checking, looks=1, table=File)


def _period(criteria: Criteria) -> Filter:
    def within(moment: Any) -> ColumnElement[bool]:
        bounds = [moment >= criteria.since] if criteria.since is not None else []
        return and_(*bounds, *([moment < criteria.until] if criteria.until is not None else []))

    leading = within(File.finished_at)
    checking = within(unindexed(File.finished_at))
    return Filter((File.finished_at,), select(File.id).where(leading), leading, checking, looks=1, table=File)


def _verdict(criteria: Criteria, labels: Sequence[str]) -> Filter:
    """What stands of the reviews, which is the tab; and the labels and scores asked for."""

    def within(decision: Any, label: Any, score: Any) -> ColumnElement[bool]:
        bounds = [decision == decision_in(criteria.tab)]
        bounds += [label.in_(labels)] if labels else []
        bounds += [score >= criteria.score_from] if criteria.score_from > 0 else []
        return and_(*bounds, *([score <= criteria.score_to] if criteria.score_to < 1 else []))

    verdict = (Detection.decision, Detection.label, Detection.score)
    leading = within(*verdict)
    # The indexes of these orders begin at the tab.
    of_tab_alone = not labels and criteria.score_from <= 0 and criteria.score_to >= 1
    columns = (Detection.score, Detection.disagreement) if of_tab_alone else (Detection.score,)
    return Filter(columns, select(Detection.id).where(leading), leading, within(*map(unindexed, verdict)))
