"""What is asked of pending files: who asks last decides, as with `scan --no-faces` beside a watch."""

from collections.abc import Collection, Sequence

from sqlalchemy import or_, update

from ..database.engine import Database
from ..database.models import File
from ..database.queries import any_of, asked_values, of_no_root_in, unindexed
from ..domain.asked import Asked
from ..domain.states import State


def ask(database: Database, asked: Asked, paths: Sequence[str], *, spare: Collection[int] = ()) -> int:
    """Ask this of what is pending under `paths`, without that of the roots `spare`; returns of how many files it is new.

    A worker that has one of them in hand for another purpose loses it: what it makes of it is kept with the content only.
    """
    values = asked_values(asked)
    differs = or_(*(getattr(File, name).is_distinct_from(value) for name, value in values.items()))
    pending = unindexed(File.state) == State.PENDING.value
    with database.write() as session:
        changed = (
            update(File)
            .where(pending, differs, any_of(paths), of_no_root_in(spare))
            .values(**values, lease_owner=None, lease_expires_at=None)
            .returning(File.id)
            .execution_options(synchronize_session=False)
        )
        return len(session.execute(changed).all())
