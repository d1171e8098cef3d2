"""What a worker's loop has in hand, in batches as small as in its tests."""

from sqlalchemy import func, select

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.domain.states import State

BATCH = 2


def leased(database: Database) -> int:
    """How many pending files are leased."""
    held = select(func.count()).select_from(File).where(File.lease_owner.is_not(None), File.state == State.PENDING)
    with database.read() as session:
        return session.scalar(held) or 0
