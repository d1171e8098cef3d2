"""Files that could not be scored, why, and another chance for them; and those whose verdict is not the one that is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Select, and_, func, or_, select, update

from ..base.settings import Settings
from ..database.engine import Database
from ..database.models import Detection, File, Model
from ..database.queries import any_of, asked_values, unindexed
from ..domain.asked import ANYTHING, Asked, made_with
from ..domain.claims import UNREADABLE_FOLDER
from ..domain.states import State

# Files that are changed in one transaction.
STRETCH = 20_000


class ProblemOrder(StrEnum):
    """How problems are sorted."""

    NEWEST = "newest"
    OLDEST = "oldest"
    PATH = "path"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Problem:
    """A failed or skipped file: `kind` for machines, `reason` for people."""

    file_id: int
    path: str
    state: str
    kind: str | None
    reason: str
    failed_at: datetime | None


def problems_page(
    database: Database, *, text: str = "", after: Problem | None, limit: int, order: ProblemOrder = ProblemOrder.NEWEST
) -> tuple[Problem, ...]:
    """The next `limit` problems behind `after`, in their `order`; `text` must occur in the path."""
    query = select(File.id, File.path, File.state, File.error_kind, File.error, File.finished_at)
    query = query.where(File.state.in_((State.FAILED, State.SKIPPED)))
    if text:
        query = query.where(File.path.icontains(text, autoescape=True))
    down = order is ProblemOrder.NEWEST
    by = {ProblemOrder.PATH: File.path, ProblemOrder.REASON: func.coalesce(File.error, "")}.get(order, File.finished_at)
    if after is not None:
        values = {ProblemOrder.PATH: after.path, ProblemOrder.REASON: after.reason}
        value: Any = values.get(order, after.failed_at)
        if value is not None:
            further = by < value if down else by > value
            query = query.where(or_(further, and_(by == value, File.id < after.file_id if down else File.id > after.file_id)))
    with database.read() as session:
        rows = session.execute(query.order_by(*((by.desc(), File.id.desc()) if down else (by, File.id))).limit(limit))
        return tuple(Problem(row[0], row[1], row[2], row[3], row[4] or "", row[5]) for row in rows)


@dataclass(frozen=True)
class Wanted:
    """The verdicts that count: by this checkpoint (sha256 of its file; None: any), and made in these `ways` (() for any)."""

    model: str | None
    ways: tuple[str, ...] = ()


def wanted(settings: Settings, model_sha256: str | None) -> Wanted:
    """What a worker with these settings makes."""
    return Wanted(model_sha256, (made_with(settings.faces), made_with(settings.faces, settings.video_frames)))


def count_stale(database: Database, model: str | Wanted, *, paths: Sequence[str] = ()) -> int:
    """How many scored files (under `paths`, if any) have another verdict than is wanted (by its model alone, if one is given)."""
    with database.read() as session:
        query = select(func.count()).select_from(File).where(File.state == State.SCORED, File.detection_id.in_(_stale(model)))
        return session.scalar(query.where(any_of(paths)) if paths else query) or 0


def _stale(model: str | Wanted) -> Select[int]:
    want = Wanted(model) if isinstance(model, str) else model
    other: list[ColumnElement[bool]] = [] if want.model is None else [Model.sha256 != want.model]
    if want.ways:
        other.append(Detection.made_with.not_in(want.ways))
    return select(Detection.id).join(Model, Detection.model_id == Model.id).where(or_(*other))


def rescan_stale(
    database: Database, model: str | Wanted, now: datetime, *, paths: Sequence[str] = (), asked: Asked | None = None
) -> int:
    """Make those files (under `paths`, if any) pending, so that they are judged as is wanted; their verdicts so far stay.

    `asked` goes with them; without, the model is asked for. Returns how many. Who breaks it off can go on with another call.
    """
    asked = asked or Asked(model if isinstance(model, str) else model.model)
    values = {"state": State.PENDING, "pending_since": now, "attempts": 0, **asked_values(asked)}
    if paths:
        return _rescan(database, values, File.state == State.SCORED, File.detection_id.in_(_stale(model)), any_of(paths))
    with database.read() as session:
        last = session.scalar(select(func.max(File.id))) or 0
    # A stretch at a time, so that workers can write in between: SQLite has one writer.
    is_stale = _stale(model).where(Detection.id == File.detection_id).correlate(File).exists()
    is_scored = unindexed(File.state) == State.SCORED.value
    return sum(
        _rescan(database, values, is_scored, is_stale, File.id > begin, File.id <= begin + STRETCH)
        for begin in range(0, last, STRETCH)
    )


def _rescan(database: Database, values: dict[str, Any], *conditions: ColumnElement[bool]) -> int:
    with database.write() as session:
        changed = update(File).where(*conditions).values(values).execution_options(synchronize_session=False)
        return cast("CursorResult[Any]", session.execute(changed)).rowcount


def retry_failed(database: Database, *, paths: Sequence[str], kind: str | None, now: datetime, text: str = "") -> int:
    """Make failed files (under `paths`, of one error kind, with `text` in their path) pending, with no attempts behind them.

    Returns how many. Folders that could not be read are no files: the next sweep looks at them anyway.
    """
    statement = update(File).where(*_failed(paths))
    if kind:
        statement = statement.where(File.error_kind == kind)
    if text:
        statement = statement.where(File.path.icontains(text, autoescape=True))
    values = {"state": State.PENDING, "pending_since": now, "attempts": 0, "error": None, "error_kind": None, "finished_at": None}
    values |= {"state_if_same": None}
    values |= asked_values(ANYTHING)
    change = statement.values(values).execution_options(synchronize_session=False)
    with database.write() as session:
        return cast("CursorResult[Any]", session.execute(change)).rowcount


def failed_kinds(database: Database, *, paths: Sequence[str]) -> dict[str, int]:
    """What there is to retry: how many failed files (under `paths`) there are of each error kind."""
    with database.read() as session:
        query = select(File.error_kind, func.count()).where(*_failed(paths)).group_by(File.error_kind).order_by(File.error_kind)
        return {str(kind): count for kind, count in session.execute(query)}


def _failed(paths: Sequence[str]) -> list[ColumnElement[bool]]:
    failed = [File.state == State.FAILED, File.error_kind != UNREADABLE_FOLDER]
    return [*failed, any_of(paths)] if paths else failed
