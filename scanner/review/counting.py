"""How many files stand where in the review queue."""

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.orm import Session

from ..database.models import Detection, File
from ..database.queries import checked, unindexed
from ..domain.states import FLAGGED, State

# A file that waits to be scanned again keeps its verdict, and its place in the queue, until the new one replaces it.
_WITH_VERDICT = (State.SCORED.value, State.PENDING.value)
# Nearly all files have one, which Postgres does not know before it has analyzed a table that was just filled.
HAS_VERDICT = checked(unindexed(File.state).in_(_WITH_VERDICT))
_HAS_NONE = File.state.in_([state.value for state in State if state not in _WITH_VERDICT])
# To look for the files of all verdicts in an index, and take off those that have none any more, costs less than to look at the
# state of each, unless they are more than one in so many.
_LOST = 8


def count_by_decision(session: Session) -> dict[str, int]:
    """How many files have each decision; under "" those that are flagged and wait for one. In one statement, of one moment."""
    files = session.scalar(select(func.max(File.id))) or 0
    lost = select(File.id).where(_HAS_NONE).limit(files // _LOST + 1)
    are_few = (session.scalar(select(func.count()).select_from(lost.subquery())) or 0) <= files // _LOST
    waits = and_(Detection.decision == "", Detection.label.in_(FLAGGED))
    counts = [_counted(condition, *(() if are_few else (HAS_VERDICT,))) for condition in (waits, Detection.decision > "")]
    if are_few:
        decision, label = unindexed(Detection.decision), unindexed(Detection.label)
        counts.append(_counted(_HAS_NONE, or_(decision > "", label.in_(FLAGGED)), sign=-1))
    each = union_all(*counts).subquery()
    rows = session.execute(select(each.c.decision, func.sum(each.c.files)).group_by(each.c.decision))
    return {decision: int(number) for decision, number in rows}


def _counted(*conditions: ColumnElement[bool], sign: int = 1) -> Select[*tuple[str, int]]:
    files = select(Detection.decision, (sign * func.count()).label("files")).join(File, File.detection_id == Detection.id)
    return files.where(*conditions).group_by(Detection.decision)
