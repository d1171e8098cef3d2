"""From what was found on the disk to rows in the database: new or changed files become pending."""

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import itemgetter

from sqlalchemy import select

from .database.engine import Database
from .database.models import File, State
from .database.queries import insert_or_ignore, of_no_root_in, under
from .walk import Entry, Found, Skipped

BATCH = 500
UNREADABLE_FOLDER = "unreadable-folder"


@dataclass(frozen=True)
class Taken:
    """What an intake found: files new to us, changed ones, ones known as they are, and ones passed over for a reason."""

    new: int = 0
    changed: int = 0
    known: int = 0
    skipped: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(self.new + other.new, self.changed + other.changed, self.known + other.known, self.skipped + other.skipped)

    @property
    def pending(self) -> int:
        """How many became pending."""
        return self.new + self.changed


def take_in(database: Database, entries: Sequence[Entry], *, root_id: int | None, now: datetime) -> Taken:
    """Compare `entries` (at most BATCH) with the database and record what is new or changed, in one short transaction."""
    by_path = {entry.path: entry for entry in entries}
    with database.read() as session:
        rows = {row.path: row for row in session.scalars(select(File).where(File.path.in_(by_path)))}
    todo = [entry for entry in by_path.values() if entry.path not in rows or _differs(rows[entry.path], entry)]
    if not todo:
        return Taken(known=len(by_path))
    with database.write() as session:
        # Read again under the write lock: another process may have been quicker.
        locked = select(File).where(File.path.in_([entry.path for entry in todo])).order_by(File.id).with_for_update()
        rows = {row.path: row for row in session.scalars(locked)}
        fresh = [entry for entry in todo if entry.path not in rows]
        changed = [entry for entry in todo if entry.path in rows and _differs(rows[entry.path], entry)]
        if fresh:
            values = [{**_values(entry, now), "path": entry.path, "root_id": root_id} for entry in fresh]
            insert_or_ignore(session, File, sorted(values, key=itemgetter("path")))
        for entry in changed:
            _apply(rows[entry.path], entry, now)
    skipped = sum(isinstance(entry, Skipped) for entry in todo)
    new = sum(isinstance(entry, Found) for entry in fresh)
    again = sum(isinstance(entry, Found) for entry in changed)
    return Taken(new, again, len(by_path) - new - again - skipped, skipped)


def mark_missing(
    database: Database, folder: str, *, now: datetime, is_here: Callable[[], bool] | None = None, spare: Collection[int] = ()
) -> int:
    """Mark files under `folder` that are no longer there; returns how many. Their verdicts stay.

    `is_here` tells whether the folder is still what it was, and is asked before anything is marked. Without it an empty
    folder is not trusted: an unplugged drive looks like that. Files of the roots `spare` (ids) are left alone.
    """
    if is_here is not None:
        marked = 0
        for page in _pages(database, folder, spare):
            gone = [file_id for file_id, path, kind in page if _is_gone(path, kind)]
            if gone and not is_here():
                break
            marked += _mark(database, gone, now)
        return marked
    try:
        with os.scandir(folder) as entries:
            if next(entries, None) is None:
                return 0
    except OSError:
        return 0
    marked = 0
    for page in _pages(database, folder, spare):
        marked += _mark(database, [file_id for file_id, path, kind in page if _is_gone(path, kind)], now)
    return marked


def mark_missing_path(database: Database, path: str, *, now: datetime) -> int:
    """Mark one file, or all below what was a folder, when the path is no longer there."""
    if not _is_gone(path, None):
        return 0
    return sum(_mark(database, [row[0] for row in page], now) for page in _pages(database, path))


def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """`entries` in lists of at most BATCH."""
    iterator = iter(entries)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _pages(database: Database, folder: str, spare: Collection[int] = ()) -> Iterator[Sequence[tuple[int, str, str | None]]]:
    last = 0
    known = (under(folder), of_no_root_in(spare), File.state != State.MISSING)
    while True:
        with database.read() as session:
            query = select(File.id, File.path, File.error_kind).where(*known, File.id > last)
            page = list(session.execute(query.order_by(File.id).limit(BATCH)))
        if not page:
            return
        yield page
        last = page[-1][0]


def _is_gone(path: str, error_kind: str | None) -> bool:
    """Also a folder that could not be read and now can: its files have rows of their own."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # who may not look does not know
    if error_kind == UNREADABLE_FOLDER:
        return os.access(path, os.R_OK | os.X_OK)
    return stat.S_ISDIR(status.st_mode)


def _mark(database: Database, file_ids: list[int], now: datetime) -> int:
    if not file_ids:
        return 0
    with database.write() as session:
        rows = session.scalars(select(File).where(File.id.in_(file_ids))).all()
        for row in rows:
            row.state, row.finished_at = State.MISSING, now
            row.lease_owner = row.lease_expires_at = None
        return len(rows)


def _differs(row: File, entry: Entry) -> bool:
    if isinstance(entry, Skipped):
        return row.state == State.MISSING or row.error != entry.reason
    if row.state in (State.SKIPPED, State.MISSING):
        return True
    return (row.size, row.mtime_ns) != (entry.size, entry.mtime_ns)


def _values(entry: Entry, now: datetime) -> dict[str, object]:
    if isinstance(entry, Found):
        return {"size": entry.size, "mtime_ns": entry.mtime_ns, "state": State.PENDING, "pending_since": now, "attempts": 0}
    kind = UNREADABLE_FOLDER if entry.is_error else "not-a-file"
    state = State.FAILED if entry.is_error else State.SKIPPED
    return {
        "size": 0,
        "mtime_ns": 0,
        "state": state,
        "error_kind": kind,
        "error": entry.reason,
        "finished_at": now,
        "attempts": 0,
    }


def _apply(row: File, entry: Entry, now: datetime) -> None:
    """Begin anew with a row whose file has changed; whoever holds its lease loses it, and their result with it."""
    row.detection_id = row.content_id = row.error = row.error_kind = row.finished_at = None
    row.lease_owner = row.lease_expires_at = None
    for name, value in _values(entry, now).items():
        setattr(row, name, value)
