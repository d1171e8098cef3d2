"""What people decide on contents: appended, never changed. The latest decision counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ..database.engine import Database
from ..database.models import Content, Detection, Review
from ..database.queries import standing
from ..domain.states import Decision

# SQLite limits how many values one statement may carry.
_CHUNK = 500


@dataclass(frozen=True)
class Reviewed:
    """One review as it stands in the database."""

    id: int
    content_id: int
    decision: Decision
    reviewer: str
    note: str | None
    created_at: datetime

    def is_note(self, before: "Reviewed | None") -> bool:
        """Whether only the note is new in it; `before` is the review that it follows."""
        counted = before.decision if before else Decision.WITHDRAWN
        return self.decision == counted and self.note != (before.note if before else None)


@dataclass(frozen=True)
class Decided:
    """A review that was just stored, and the one that counted before it."""

    review: Reviewed
    before: Reviewed | None


@dataclass(frozen=True)
class TakenBack:
    """`restored` contents stand again as before; on `overtaken` ones someone has decided since: they were left alone."""

    restored: tuple[int, ...]
    overtaken: tuple[int, ...]


def decide(
    database: Database, content_ids: Sequence[int], decision: Decision, *, note: str | None, reviewer: str, now: datetime
) -> tuple[Decided, ...]:
    """Store one decision on several contents, in one transaction: all of it or nothing.

    `note` None: each content keeps the note that it has; an empty one takes it away.
    """
    return _store(database, content_ids, decision, note, reviewer, now)


def add_note(database: Database, content_ids: Sequence[int], note: str, *, reviewer: str, now: datetime) -> tuple[Decided, ...]:
    """Store a note on several contents, whatever is or is not decided on them; an empty one takes the note away."""
    return _store(database, content_ids, None, note, reviewer, now)


def _store(
    database: Database, content_ids: Sequence[int], decision: Decision | None, note: str | None, reviewer: str, now: datetime
) -> tuple[Decided, ...]:
    """A note alone is a review that decides as the one before it does."""
    ids = sorted(set(content_ids))
    with database.write() as session:
        _lock(session, ids)
        before = _latest(session, ids)
        rows = []
        for content_id in ids:
            was = before.get(content_id)
            counts = decision or (was.decision if was else Decision.WITHDRAWN)
            kept = note if note is not None else was.note if was else None
            rows.append(Review(content_id=content_id, decision=counts, reviewer=reviewer, note=kept or None, created_at=now))
        _append(session, rows)
        return tuple(Decided(_snapshot(row), before.get(row.content_id)) for row in rows)


def take_back(database: Database, decided: Sequence[Decided], *, reviewer: str, now: datetime) -> TakenBack:
    """Undo decisions by appending what counted before them (`withdrawn` where nothing did).

    Where someone else has decided since, their decision stays.
    """
    by_content = {item.review.content_id: item for item in decided}
    ids = sorted(by_content)
    with database.write() as session:
        _lock(session, ids)
        latest = _latest(session, ids)
        restored = [content_id for content_id in ids if _stands(latest[content_id], by_content[content_id].review, reviewer)]
        rows = []
        for content_id in restored:
            before = by_content[content_id].before
            decision, note = (before.decision, before.note) if before else (Decision.WITHDRAWN, None)
            rows.append(Review(content_id=content_id, decision=decision, reviewer=reviewer, note=note, created_at=now))
        _append(session, rows)
    return TakenBack(tuple(restored), tuple(sorted(set(ids) - set(restored))))


def _stands(latest: Reviewed, review: Reviewed, reviewer: str) -> bool:
    """Whether `review` still counts: it is the latest, or `reviewer` has come back to it by undoing what came after it."""
    came_back = latest.reviewer == reviewer and (latest.decision, latest.note) == (review.decision, review.note)
    return latest.id == review.id or came_back


def _append(session: Session, rows: Sequence[Review]) -> None:
    """Store reviews, and what stands by them with the verdicts of their contents, which must be locked."""
    session.add_all(rows)
    session.flush()
    by_decision: dict[str, list[int]] = {}
    for row in rows:
        by_decision.setdefault(standing(row.decision), []).append(row.content_id)
    for decision, ids in by_decision.items():
        for start in range(0, len(ids), _CHUNK):
            changed = Detection.content_id.in_(ids[start : start + _CHUNK])
            session.execute(
                update(Detection).where(changed, Detection.decision != decision).values(decision=decision),
                execution_options={"synchronize_session": False},
            )


def reviews_of(database: Database, content_id: int) -> tuple[Reviewed, ...]:
    """All reviews of one content, the latest first."""
    with database.read() as session:
        rows = session.scalars(select(Review).where(Review.content_id == content_id).order_by(Review.id.desc()))
        return tuple(_snapshot(row) for row in rows)


def _lock(session: Session, content_ids: Sequence[int]) -> None:
    """Let two people deciding on the same contents on a server take turns; SQLite has one writer anyway."""
    for start in range(0, len(content_ids), _CHUNK):
        chunk = content_ids[start : start + _CHUNK]
        session.execute(select(Content.id).where(Content.id.in_(chunk)).order_by(Content.id).with_for_update()).all()


def _latest(session: Session, content_ids: Sequence[int]) -> dict[int, Reviewed]:
    found: dict[int, Reviewed] = {}
    for start in range(0, len(content_ids), _CHUNK):
        chunk = content_ids[start : start + _CHUNK]
        newest = select(func.max(Review.id)).where(Review.content_id.in_(chunk)).group_by(Review.content_id)
        for row in session.scalars(select(Review).where(Review.id.in_(newest))):
            found[row.content_id] = _snapshot(row)
    return found


def _snapshot(row: Review) -> Reviewed:
    return Reviewed(row.id, row.content_id, Decision(row.decision), row.reviewer, row.note, row.created_at)
