"""Pending files that no worker can reach: gone for good, or only out of the workers' reach."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import select

from ..base.escape import printable
from ..database.engine import Database
from ..database.models import File
from ..database.queries import any_of, of_no_root_in, of_this_machine, unindexed
from ..discovery.intake import BATCH, mark_missing_path
from ..domain.states import State
from ..results.record import UNREACHABLE


def drop_gone(
    database: Database, paths: Sequence[str], now: datetime, *, spare: Collection[int] = (), host: str | None = None
) -> list[str]:
    """Mark those under `paths` missing that are gone for us, too: no one will ever score them. Returns why the others wait.

    Files of the roots `spare` are left alone, and with `host` those of no root that another machine took in.
    """
    # They are put off for a while, which few files are: one look into an index, however many are pending.
    put_off = File.lease_expires_at > datetime.fromtimestamp(0, UTC)
    pending = unindexed(File.state) == State.PENDING.value
    out_there = (put_off, pending, File.error_kind == UNREACHABLE, of_no_root_in(spare))
    query = select(File.path, File.error).where(*out_there, any_of(paths).is_(True))
    if host is not None:
        query = query.where(of_this_machine(host))
    with database.read() as session:
        out_of_reach = session.execute(query.limit(BATCH)).all()
    there = [row for row in out_of_reach if not mark_missing_path(database, row.path, now=now)]
    return [f"no worker can read {printable(row.path)} and what is beside it: {row.error}" for row in there[:1]]
