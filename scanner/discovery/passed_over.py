"""Files that are there and no longer walked: overwritten with something else, or ignored by a newer rule."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select

from ..base.addresses.stored_paths import encode_path
from ..database.engine import Database
from ..database.models import File
from ..domain.states import State
from .diff import Known
from .ignore import HIDDEN, IgnoreRules
from .walk import look_at

PASSED_OVER = "passed-over"
NO_IMAGE = "it is no image any more"


def reasons(root: str, ignore: Sequence[str], *, videos: bool) -> Callable[[str], str | None]:
    """Why a path below `root` is not walked now, in words; None where it is, or is not there."""
    rules = IgnoreRules(ignore)

    def reason(path: str) -> str | None:
        rule = rules.rule_on_the_way(path, root=root)
        if rule == HIDDEN:
            return None  # no newer rule: it was asked for by its name
        if rule:
            return f"passed over since it was judged: {rule}" if os.path.lexists(path) else None
        if os.path.lexists(path) and look_at(path, root=root, videos=videos) is None:
            return NO_IMAGE
        return None

    return reason


def mark_passed_over(database: Database, rows: Sequence[Known], reason: Callable[[str], str | None], now: datetime) -> int:
    """Say of each of these rows of which the walk saw nothing why that is so; returns of how many it is news.

    What is known of the content stays, and counts again when the file is walked again as it was.
    """
    why = {row.id: text for row in rows if (text := reason(row.path)) is not None and text != row.error}
    if not why:
        return 0
    with database.write() as session:
        for row in session.scalars(select(File).where(File.id.in_(why))):
            row.state, row.error_kind, row.error, row.finished_at = State.SKIPPED, PASSED_OVER, why[row.id], now
            row.lease_owner = row.lease_expires_at = None
    return len(why)


def mark_path(database: Database, path: str, reason: Callable[[str], str | None], now: datetime) -> int:
    """The same for one file."""
    with database.read() as session:
        row = session.execute(
            select(File.size, File.mtime_ns, File.state, File.error, File.error_kind, File.id).where(File.path == path)
        ).one_or_none()
    if row is None or row.state == State.MISSING:
        return 0
    return mark_passed_over(database, [Known(encode_path(path), *row)], reason, now)
