"""Files that could not be scored, why, and another chance for them; and those whose verdict is of another model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from ..database.engine import Database
from ..database.models import Detection, File, Model
from ..database.queries import any_of
from ..discovery.intake import UNREADABLE_FOLDER
from ..domain.states import State


@dataclass(frozen=True, slots=True)
class Problem:
    """A failed or skipped file: `kind` for machines, `reason` for people."""

    file_id: int
    path: str
    state: str
    kind: str | None
    reason: str
    failed_at: datetime | None


def problems_page(database: Database, *, text: str = "", after: Problem | None, limit: int) -> tuple[Problem, ...]:
    """The next `limit` problems behind `after`, the latest first; `text` must occur in the path."""
    query = select(File.id, File.path, File.state, File.error_kind, File.error, File.finished_at)
    query = query.where(File.state.in_((State.FAILED, State.SKIPPED)))
    if text:
        query = query.where(File.path.icontains(text, autoescape=True))
    if after is not None and after.failed_at is not None:
        earlier = File.finished_at < after.failed_at
        query = query.where(or_(earlier, and_(File.finished_at == after.failed_at, File.id < after.file_id)))
    with database.read() as session:
        rows = session.execute(query.order_by(File.finished_at.desc(), File.id.desc()).limit(limit))
        return tuple(Problem(row[0], row[1], row[2], row[3], row[4] or "", row[5]) for row in rows)


def count_stale(database: Database, model_sha256: str) -> int:
    """How many scored files have their verdict from another checkpoint than this one (sha256 of its file)."""
    with database.read() as session:
        query = select(func.count()).select_from(File).join(Detection, File.detection_id == Detection.id)
        query = query.join(Model, Detection.model_id == Model.id)
        return session.scalar(query.where(File.state == State.SCORED, Model.sha256 != model_sha256)) or 0


def rescan_stale(database: Database, model_sha256: str, now: datetime, *, paths: Sequence[str] = ()) -> int:
    """Make those files (under `paths`, if any) pending, so that this checkpoint judges them; their verdicts so far stay.

    Returns how many.
    """
    stale = select(Detection.id).join(Model, Detection.model_id == Model.id).where(Model.sha256 != model_sha256)
    wanted = (any_of(paths),) if paths else ()
    with database.write() as session:
        rows = session.execute(
            update(File)
            .where(File.state == State.SCORED, File.detection_id.in_(stale), *wanted)
            .values(state=State.PENDING, pending_since=now, attempts=0)
            .returning(File.id)
            .execution_options(synchronize_session=False)
        )
        return len(rows.all())


def retry_failed(database: Database, *, paths: Sequence[str], kind: str | None, now: datetime) -> int:
    """Make failed files (under `paths`, of one error kind) pending with no attempts behind them; returns how many.

    Folders that could not be read are no files: the next sweep looks at them anyway.
    """
    statement = update(File).where(*_failed(paths))
    if kind:
        statement = statement.where(File.error_kind == kind)
    values = {"state": State.PENDING, "pending_since": now, "attempts": 0, "error": None, "error_kind": None, "finished_at": None}
    with database.write() as session:
        return len(session.execute(statement.values(values).returning(File.id)).all())


def failed_kinds(database: Database, *, paths: Sequence[str]) -> dict[str, int]:
    """What there is to retry: how many failed files (under `paths`) there are of each error kind."""
    with database.read() as session:
        query = select(File.error_kind, func.count()).where(*_failed(paths)).group_by(File.error_kind).order_by(File.error_kind)
        return {str(kind): count for kind, count in session.execute(query)}


def _failed(paths: Sequence[str]) -> list[ColumnElement[bool]]:
    failed = [File.state == State.FAILED, File.error_kind != UNREADABLE_FOLDER]
    return [*failed, any_of(paths)] if paths else failed
