"""What was found: one snapshot of files with their verdicts, ready to be printed or exported."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from .database.engine import Database
from .database.models import Content, Detection, File, Label, Model, Review, State
from .database.queries import any_of

FLAGGED = (Label.FAKE.value, Label.UNCERTAIN.value)
STATUSES = (*(label.value for label in Label), *(state.value for state in State if state is not State.SCORED))


@dataclass(frozen=True)
class ReportItem:
    """One file. `status` is its label when it is scored, else its state. `review` is the latest decision on its content."""

    path: str
    sha256: str | None
    state: str
    label: str | None
    score: float | None
    threshold: float | None
    model: str | None
    scanned_at: datetime | None
    review: str | None
    error: str | None

    @property
    def status(self) -> str:
        """What to filter and count by."""
        return self.label or self.state


@dataclass(frozen=True)
class Report:
    """`totals` counts all files asked for by status; `items` may be fewer, when statuses were chosen."""

    since: datetime | None
    until: datetime | None
    model: str | None
    totals: dict[str, int]
    items: tuple[ReportItem, ...]

    @property
    def flagged(self) -> int:
        """How many are fake or uncertain."""
        return sum(self.totals[status] for status in FLAGGED)

    @property
    def failed(self) -> int:
        """How many could not be scored."""
        return self.totals[State.FAILED] + self.totals[State.SKIPPED]


def build_report(
    database: Database,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    statuses: Sequence[str] = (),
    paths: Sequence[str] = (),
) -> Report:
    """Files that got their verdict or reason (or became pending) in [since, until), highest score first.

    `paths` limits it to what lies under them, `statuses` limits the items (not the totals). Missing files count only when
    asked for.
    """
    totals = dict.fromkeys((*STATUSES, "files"), 0)
    items = []
    with database.read() as session:
        model = session.scalar(select(Model.name).join(Detection).order_by(Detection.id.desc()).limit(1))
        for row in session.execute(_query(since, until, paths)):
            item = _item(row)
            if item.state == State.MISSING and State.MISSING not in statuses:
                continue
            totals[item.status] += 1
            totals["files"] += 1
            if not statuses or item.status in statuses:
                items.append(item)
    return Report(since, until, model, totals, tuple(items))


def statuses_meant(words: Sequence[str]) -> list[str]:
    """`flagged` stands for fake and uncertain; other words stand for themselves."""
    return [status for word in words for status in (FLAGGED if word == "flagged" else (word,))]


def _query(since: datetime | None, until: datetime | None, paths: Sequence[str]) -> Select[*tuple[Any, ...]]:
    latest = select(Review.content_id, func.max(Review.id).label("id")).group_by(Review.content_id).subquery()
    when = func.coalesce(File.finished_at, File.pending_since)
    query = (
        select(
            File.path,
            Content.sha256,
            File.state,
            Detection.label,
            Detection.score,
            Detection.threshold,
            Model.name,
            File.finished_at,
            Review.decision,
            File.error,
        )
        .outerjoin(Content, File.content_id == Content.id)
        .outerjoin(Detection, File.detection_id == Detection.id)
        .outerjoin(Model, Detection.model_id == Model.id)
        .outerjoin(latest, latest.c.content_id == File.content_id)
        .outerjoin(Review, Review.id == latest.c.id)
        .order_by(Detection.score.desc().nulls_last(), File.path)
    )
    if since is not None:
        query = query.where(when >= since)
    if until is not None:
        query = query.where(when < until)
    return query.where(any_of(paths)) if paths else query


def _item(row: Row[*tuple[Any, ...]]) -> ReportItem:
    item = ReportItem(*row)
    if item.state == State.SCORED:
        return item
    # A missing or pending file shows no verdict of its own, but what is known of its content stays in the database.
    return replace(item, label=None, score=None, threshold=None, model=None)


def iterate_statuses(report: Report) -> Iterator[tuple[str, int]]:
    """Statuses that occur, in the order people look for them."""
    return ((status, report.totals[status]) for status in STATUSES if report.totals[status])
