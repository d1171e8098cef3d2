"""What was found: one snapshot of files with their verdicts, ready to be printed or exported."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from ..database.engine import Database
from ..database.models import Content, Detection, File, Model, Review
from ..database.queries import any_of, has_evidence, unindexed
from ..domain.states import FLAGGED, Basis, Decision, Label, State
from ..results.near_copies import grouped
from .item import ReportItem, item_columns, item_of
from .spool import set_aside

STATUSES = (*(label.value for label in Label), *(state.value for state in State if state is not State.SCORED))

# More are too many to compare with each other while someone waits.
GROUPED_AT_MOST = 20_000
# What models say of themselves, by their rows.
Cards = Mapping[int, Mapping[str, Any]]
# Rows that are read at once.
_AT_ONCE = 1000


@dataclass(frozen=True)
class Summary:
    """`totals` counts all files asked for by status; `matching` those of the chosen statuses."""

    since: datetime | None
    until: datetime | None
    model: str | None
    totals: dict[str, int]
    matching: int

    @property
    def flagged(self) -> int:
        """How many are fake or uncertain."""
        return sum(self.totals[status] for status in FLAGGED)

    @property
    def failed(self) -> int:
        """How many could not be scored; what is skipped for a stated reason (a link, a FIFO) is no failure."""
        return self.totals[State.FAILED]


@dataclass(frozen=True)
class Report(Summary):
    """A report with its `items`, which may be fewer than `matching` (a limit)."""

    items: tuple[ReportItem, ...]


def build_report(
    database: Database,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    statuses: Sequence[str] = (),
    paths: Sequence[str] = (),
    evidence: str = "",
    limit: int = 0,
) -> Report:
    """What `opened_report` gives, all at once: for as many items as memory may hold."""
    asked = opened_report(database, since=since, until=until, statuses=statuses, paths=paths, evidence=evidence, limit=limit)
    with asked as (summary, items):
        return Report(**vars(summary), items=tuple(items))


@contextmanager
def opened_report(
    database: Database,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    statuses: Sequence[str] = (),
    paths: Sequence[str] = (),
    evidence: str = "",
    limit: int = 0,
    of_these: bool = False,
) -> Iterator[tuple[Summary, Iterator[ReportItem]]]:
    """Files that got their verdict or reason (or became pending) in [since, until), most suspicious first.

    That is the highest score of what was judged; then what has a score and was not judged, as it shows no face and its model
    knows faces only; then what has no score.

    `paths` limits it to what lies under them, `statuses` limits the items (not the totals), `limit` (0: none) gives at most so
    many items with a verdict and as many without. `evidence` limits it to files whose content is filed under that word
    (`scanner.domain.evidence.FILTERS`). Missing files count only when asked for.

    The summary's model is that of the latest verdict; `of_these`: among those that the report shows.

    Up to GROUPED_AT_MOST items are grouped among themselves, and those of one group stand behind the first of it. More are in
    no group, and memory does not grow with their number. All is of one moment, and read when the block begins: who prints it
    into a pager keeps no transaction open.
    """
    asked = _asked(since, until, paths)
    if evidence:
        asked.append(has_evidence(evidence))
    statuses = tuple(dict.fromkeys(statuses))
    if State.MISSING not in statuses:
        asked.append(File.state != State.MISSING)
    query = _query().where(*asked)
    if statuses:
        query = query.where(_STATUS.in_(statuses))
    counted = select(_STATUS, func.count()).select_from(File).outerjoin(Detection, _HAS_DETECTION).where(*asked).group_by(_STATUS)
    scored = unindexed(File.state) == State.SCORED.value
    with ExitStack() as stack:
        with database.read() as session:
            models = select(Model.name).join(Detection).order_by(Detection.id.desc()).limit(1)
            model = session.scalar(models.join(File, _HAS_DETECTION).where(*asked) if of_these else models)
            totals = dict.fromkeys(STATUSES, 0) | dict(session.execute(counted).all())
            matching = sum(totals[status] for status in (statuses or STATUSES))
            cards = {model.id: model.card for model in session.execute(select(Model.id, Model.card))}
            combinations = {number: card for number, card in cards.items() if card.get("fusion")}
            unjudged = _unjudged(cards)
            with_score = _rows(session, query.where(scored, ~unjudged), query.where(scored, unjudged), limit=limit)
            rows = chain(with_score, _rows(session, query.where(~scored), limit=limit))
            is_grouped = min(matching, 2 * limit or matching) <= GROUPED_AT_MOST
            items = (
                iter(_side_by_side(_in_groups(list(rows), combinations)))
                if is_grouped
                else map(partial(_item, combinations), stack.enter_context(set_aside(dict(row._mapping) for row in rows)))
            )
        yield Summary(since, until, model, totals | {"files": sum(totals.values())}, matching), items


def _item(combinations: Cards, fields: dict[str, Any]) -> ReportItem:
    return item_of(cast("Any", SimpleNamespace(**fields)), combinations)


def _side_by_side(items: Sequence[ReportItem]) -> list[ReportItem]:
    """The same items in their order, but those of one group behind the first of it."""
    of_group: dict[str, list[ReportItem]] = {}
    for item in items:
        if item.group is not None:
            of_group.setdefault(item.group, []).append(item)
    return [one for item in items for one in ([item] if item.group is None else of_group.pop(item.group, []))]


def statuses_meant(words: Sequence[str]) -> list[str]:
    """`flagged` stands for fake and uncertain, `all` for every status, missing ones too; other words stand for themselves."""
    several = {"flagged": FLAGGED, "all": STATUSES}
    return [status for word in words for status in several.get(word, (word,))]


def iterate_statuses(report: Summary) -> Iterator[tuple[str, int]]:
    """Statuses that occur, in the order people look for them."""
    return ((status, report.totals[status]) for status in STATUSES if report.totals[status])


# A missing or pending file shows no verdict of its own, though what is known of its content stays in the database.
_HAS_DETECTION = and_(File.detection_id == Detection.id, File.state == State.SCORED)
_STATUS = case((File.state == State.SCORED, Detection.label), else_=File.state)


def _unjudged(cards: Cards) -> ColumnElement[bool]:
    """Whether a score is of a picture without a face, by a model that judges faces only (`domain.labels.verdict`)."""
    judges_all = [number for number, card in cards.items() if card.get("whole_images")]
    is_so = and_(Detection.basis == Basis.WHOLE.value, Detection.faces.is_not(None), Detection.model_id.not_in(judges_all))
    return case((is_so, 1), else_=0) == 1


def _rows(session: Session, *queries: Select[*tuple[Any, ...]], limit: int) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of one query after the other, `limit` (0: none) in all."""
    given = 0
    for query in queries:
        if limit and given == limit:
            return
        asked = query.limit(limit - given) if limit else query
        for row in session.execute(asked, execution_options={"yield_per": _AT_ONCE}):
            given += 1
            yield row


def _asked(since: datetime | None, until: datetime | None, paths: Sequence[str]) -> list[ColumnElement[bool]]:
    conditions = []
    if since is not None or until is not None:
        # Only a pending file may have no time of its verdict or reason. Two conditions, each with its index.
        waiting = and_(File.state == State.PENDING, File.finished_at.is_(None), _within(File.pending_since, since, until))
        conditions.append(or_(_within(File.finished_at, since, until), waiting))
    if paths:
        conditions.append(any_of(paths))
    return conditions


def _within(
    moment: InstrumentedAttribute[datetime | None], since: datetime | None, until: datetime | None
) -> ColumnElement[bool]:
    bounds = [moment >= since] if since is not None else []
    return and_(*bounds, moment < until) if until is not None else and_(*bounds)


def _in_groups(rows: Sequence[Row[*tuple[Any, ...]]], combinations: Cards) -> tuple[ReportItem, ...]:
    """Files of the same content are a group, too, unless it is flat. `rows` are of `_query`."""
    groups = grouped([(row.sha256, row.fingerprint) for row in rows if row.fingerprint is not None])
    return tuple(item_of(row, combinations, groups.get(row.sha256)) for row in rows)


def _query() -> Select[*tuple[Any, ...]]:
    latest = select(func.max(Review.id)).where(Review.content_id == File.content_id).correlate(File).scalar_subquery()
    return (
        select(*item_columns(), Content.fingerprint)
        .outerjoin(Content, File.content_id == Content.id)
        .outerjoin(Detection, _HAS_DETECTION)
        .outerjoin(Model, Detection.model_id == Model.id)
        .outerjoin(Review, and_(Review.id == latest, Review.decision != Decision.WITHDRAWN))
        .order_by(Detection.score.desc().nulls_last(), File.path)
    )
