"""What workers write: the outcome of each claimed file, and the detections behind it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Executable, bindparam, or_, select, update
from sqlalchemy.orm import Session

from ..base.documents import to_document
from ..base.escape import escaped
from ..database.engine import Database, DatabaseChanged
from ..database.models import Content, Detection, EvidenceWord, File, Model
from ..database.queries import LATEST_DECISION, insert_or_ignore, standing, table_of
from ..domain.asked import FACES
from ..domain.evidence import filed_under
from ..domain.labels import verdict
from ..domain.outcomes import ActiveModel, Changed, ContentFacts, Failed, Outcome, Reused, Same, Scored, Unreachable, Vanished
from ..domain.recorded import Recorded
from ..domain.states import Label, State

# How long a file that changed while it was read waits before it is tried again.
UNSETTLED_SECONDS = 2.0
# How long one that this machine cannot reach waits, so that a worker that can has time to take it.
UNREACHABLE_SECONDS = 30.0
UNREACHABLE = "unreachable"


@dataclass
class _Held:
    """The row of a file that its worker holds: what tells that it is the file that was read, and what is concluded of it."""

    id: int
    size: int
    mtime_ns: int
    state: str
    state_if_same: str | None
    attempts: int
    lease_owner: str | None
    lease_expires_at: datetime | None
    content_id: int | None
    detection_id: int | None
    error_kind: str | None
    error: str | None
    finished_at: datetime | None


# These are made once: making one takes longer than having it executed, and each batch asks them all. They go by the session's
# connection, as no objects of its own come of them.
_MODEL = select(Model.sha256).where(Model.id == bindparam("model_id"))
_SCORED_AMONG = (
    select(Content.sha256)
    .join(Detection)
    .where(Detection.model_id == bindparam("model_id"), Detection.made_with == bindparam("way"))
    .where(Content.sha256.in_(bindparam("sha256s", expanding=True)))
)
_HELD = (
    select(*(getattr(File, field.name) for field in fields(_Held)))
    .where(File.id.in_(bindparam("ids", expanding=True)), File.lease_owner == bindparam("owner"), File.state == State.PENDING)
    # One order of locking for all, so that no two transactions wait for each other.
    .order_by(File.id)
    .with_for_update()
)
_CONTENTS = select(Content.sha256, Content.id).where(Content.sha256.in_(bindparam("sha256s", expanding=True)))
_DETECTIONS = select(
    *(Detection.content_id, Detection.made_with, Detection.id, Detection.label, Detection.score),
    *(Detection.decision, LATEST_DECISION.label("latest")),
).where(Detection.model_id == bindparam("model_id"), Detection.content_id.in_(bindparam("content_ids", expanding=True)))
_DECIDED = (
    update(table_of(Detection)).where(table_of(Detection).c.id == bindparam("row_id")).values(decision=bindparam("new_decision"))
)


def register_model(
    database: Database, *, sha256: str, name: str, card: dict[str, Any], threshold: float, band_low: float, now: datetime
) -> ActiveModel:
    """The model's row, made when it is new."""
    with database.write() as session:
        insert_or_ignore(session, Model, [{"sha256": sha256, "name": name, "card": card, "first_used_at": now}])
        row = session.scalars(select(Model).where(Model.sha256 == sha256)).one()
        return ActiveModel(row.id, row.name, threshold, band_low, bool(card.get("whole_images")), sha256)


def scored_among(database: Database, model: ActiveModel, sha256s: Collection[str], made_with: str = FACES) -> set[str]:
    """Those of a batch's contents for which `model` has a detection that was made so."""
    with database.read() as session:
        asked = {"model_id": model.id, "way": made_with, "sha256s": list(sha256s)}
        return set(session.connection().scalars(_SCORED_AMONG, asked))


def record(
    database: Database, owner: str, outcomes: Sequence[Outcome], model: ActiveModel, *, device: str, now: datetime
) -> list[Recorded]:
    """Write all `outcomes` in one transaction; returns what their files' rows say now, without those that stay as they were.

    Files that `owner` no longer holds (the lease ran out, or the file changed meanwhile) are left alone: what was scored is
    kept with the content all the same. Raises DatabaseChanged where `model` is not what the database knows under its id.
    """
    with database.write() as session:
        _demand_known(session, model)
        held = {(row.id, row.size, row.mtime_ns): row for row in _held(session, owner, [outcome.file.id for outcome in outcomes])}
        contents = _store_contents(session, outcomes, now)
        detections = _store_detections(session, outcomes, contents, model, device, now)
        before = {row.id: vars(row).copy() for row in held.values()}
        recorded = []
        for outcome in outcomes:
            # The same owner may hold a newer version of the file by now, with its next batch.
            row = held.get((outcome.file.id, outcome.file.size, outcome.file.mtime_ns))
            if row is not None and isinstance(outcome, Same):
                _confirm(row)
            elif row is not None:
                recorded.append(_conclude(row, outcome, contents, detections, model, now))
        _save(session, before, list(held.values()))
        return recorded


def _held(session: Session, owner: str, ids: Sequence[int]) -> list[_Held]:
    """Those of the files `ids` that `owner` holds."""
    return [_Held(*row) for row in session.connection().execute(_HELD, {"owner": owner, "ids": list(ids)})]


def _save(session: Session, before: Mapping[int, Mapping[str, Any]], held: Sequence[_Held]) -> None:
    """Write what is no longer as it was `before`, rows that differ in the same columns together."""
    changed: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in held:
        values = {name: value for name, value in vars(row).items() if value != before[row.id][name]}
        if values:
            named = {f"new_{name}": value for name, value in values.items()}
            changed.setdefault(tuple(values), []).append({"row_id": row.id, **named})
    for names, rows in changed.items():
        session.connection().execute(_change(names), rows)


@cache
def _change(names: tuple[str, ...]) -> Executable:
    files = table_of(File)
    return update(files).where(files.c.id == bindparam("row_id")).values({name: bindparam(f"new_{name}") for name in names})


def _demand_known(session: Session, model: ActiveModel) -> None:
    known = session.connection().scalar(_MODEL, {"model_id": model.id})
    if known is None or (model.sha256 and known != model.sha256):
        raise DatabaseChanged(f"the database does not know the model {model.name}: it was made anew, or put back")


def _store_contents(session: Session, outcomes: Sequence[Outcome], now: datetime) -> dict[str, int]:
    facts = {o.content.sha256: o.content for o in outcomes if isinstance(o, Scored | Failed) and o.content is not None}
    if facts:
        rows = [
            {"sha256": c.sha256, "size": c.size, **_decoded_columns(c), "first_seen_at": now} for _, c in sorted(facts.items())
        ]
        if insert_or_ignore(session, Content, rows) < len(rows):
            _complete_contents(session, facts)
    wanted = set(facts) | {o.sha256 for o in outcomes if isinstance(o, Reused)}
    ids = {row.sha256: row.id for row in session.connection().execute(_CONTENTS, {"sha256s": list(wanted)})}
    words = [{"content_id": ids[c.sha256], "word": word} for c in facts.values() for word in filed_under(c.evidence or ())]
    if words:
        insert_or_ignore(session, EvidenceWord, sorted(words, key=itemgetter("content_id", "word")))
    return ids


def _complete_contents(session: Session, facts: Mapping[str, ContentFacts]) -> None:
    """A content that once failed, or that an older version looked at, was stored before all of this was known of it."""
    unknown = or_(Content.format.is_(None), Content.evidence.is_(None), Content.fingerprint.is_(None))
    for row in session.scalars(select(Content).where(Content.sha256.in_(facts), unknown).order_by(Content.id)):
        for column, value in _decoded_columns(facts[row.sha256]).items():
            if value is not None:
                setattr(row, column, value)


def _decoded_columns(facts: ContentFacts) -> dict[str, Any]:
    """What is known of a content only once it could be decoded."""
    return {
        "format": facts.format,
        "width": facts.width,
        "height": facts.height,
        "evidence": None if facts.evidence is None else to_document(facts.evidence),
        "fingerprint": facts.fingerprint,
    }


def _store_detections(
    session: Session, outcomes: Sequence[Outcome], contents: dict[str, int], model: ActiveModel, device: str, now: datetime
) -> dict[tuple[int, str], tuple[int, Label, float]]:
    """Id, label and score of each content's detection by the way it was made, be it of another worker."""
    rows = {
        (outcome.content.sha256, outcome.made_with): {
            "content_id": contents[outcome.content.sha256],
            "model_id": model.id,
            "made_with": outcome.made_with,
            "score": outcome.score,
            "threshold": model.threshold,
            "band_low": model.band_low,
            "label": verdict(outcome.score, outcome.prediction, model),
            **outcome.prediction.to_json(),
            "device": device,
            "scanned_at": now,
            "seconds": outcome.seconds,
        }
        for outcome in outcomes
        if isinstance(outcome, Scored)
    }
    if rows:
        insert_or_ignore(session, Detection, sorted(rows.values(), key=itemgetter("content_id", "made_with")))
    # A person may have decided on the content before; or has just now, and the insertion has waited for that.
    found = session.connection().execute(_DETECTIONS, {"model_id": model.id, "content_ids": list(contents.values())}).all()
    decided = [{"row_id": row.id, "new_decision": standing(row.latest)} for row in found if row.decision != standing(row.latest)]
    if decided:
        session.connection().execute(_DECIDED, decided)
    return {(row.content_id, row.made_with): (row.id, Label(row.label), row.score) for row in found}


def _confirm(row: _Held) -> None:
    """It is what it was before its content was to be compared."""
    row.state, row.state_if_same = row.state_if_same or State.SCORED, None
    if row.state == State.SCORED:
        row.error = row.error_kind = None
    row.lease_owner = row.lease_expires_at = None
    row.attempts -= 1


def _conclude(
    row: _Held,
    outcome: Outcome,
    contents: dict[str, int],
    detections: dict[tuple[int, str], tuple[int, Label, float]],
    model: ActiveModel,
    now: datetime,
) -> Recorded:
    row.lease_owner = row.lease_expires_at = None
    row.finished_at = now
    if row.state_if_same != State.SCORED or not isinstance(outcome, Unreachable | Vanished):
        row.state_if_same = None  # what comes of it now takes the place of what it was
    sha256: str | None = None
    label: Label | None = None
    score: float | None = None
    match outcome:
        case Scored(content=ContentFacts(sha256=sha256), made_with=way) | Reused(sha256=sha256, made_with=way):
            row.content_id = contents[sha256]
            row.detection_id, label, score = detections[row.content_id, way]
            row.state, row.error, row.error_kind = State.SCORED, None, None
        case Failed(kind=kind, reason=reason, content=content):
            sha256 = content.sha256 if content else None
            row.content_id = contents[sha256] if sha256 else None
            row.detection_id = None
            row.state, row.error_kind, row.error = State.FAILED, kind, escaped(reason)
        case Changed(size=size, mtime_ns=mtime_ns):
            row.size, row.mtime_ns, row.finished_at = size, mtime_ns, None
            row.attempts -= 1  # the writer's doing, not the file's
            row.lease_expires_at = now + timedelta(seconds=UNSETTLED_SECONDS)
        case Unreachable() | Vanished():
            # A file that is not there may be so on this machine only: the one that watches its folder says that it is missing.
            reason = outcome.reason if isinstance(outcome, Unreachable) else "it is not there on the worker's machine"
            row.error_kind, row.error, row.finished_at = UNREACHABLE, escaped(reason), None
            row.attempts -= 1
            row.lease_expires_at = now + timedelta(seconds=UNREACHABLE_SECONDS)
    return Recorded(outcome.file, State(row.state), model.name, sha256, label, score, row.error)
