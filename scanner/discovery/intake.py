"""From what was found on the disk to rows in the database: new or changed files become pending."""

import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import islice
from operator import itemgetter
from typing import TypeVar

from sqlalchemy import and_, select, update

from ..base.addresses.spelling import Speller, is_misspelled
from ..base.machine import this_host
from ..database.engine import Database
from ..database.models import File
from ..database.queries import asked_values, insert_or_ignore
from ..domain.asked import ANYTHING, Asked
from ..domain.claims import RESTLESS, UNREADABLE_FOLDER
from ..domain.states import State
from ..roots.file_identity import is_in_doubt
from .diff import Known, has_dates_of, is_as_known, known_under
from .passed_over import PASSED_OVER
from .walk import Entry, Found, Skipped

BATCH = 500
# Reasons of rows that say nothing of a file's content.
_NOT_CONCLUDED = (UNREADABLE_FOLDER, "unreachable", "not-a-file", PASSED_OVER)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Taken:
    """What an intake found: files new to us, changed ones, ones known as they are, and ones passed over for a reason.

    `compared` are those of the known whose content is to be compared with what it was.
    """

    new: int = 0
    changed: int = 0
    known: int = 0
    skipped: int = 0
    compared: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.new + other.new,
            self.changed + other.changed,
            self.known + other.known,
            self.skipped + other.skipped,
            self.compared + other.compared,
        )

    @property
    def pending(self) -> int:
        """How many became pending."""
        return self.new + self.changed + self.compared


def take_in(
    database: Database, entries: Sequence[Entry], *, root_id: int | None, now: datetime, asked: Asked = ANYTHING
) -> Taken:
    """Compare `entries` (at most BATCH) with the database and record what is new or changed, in one short transaction.

    `asked` is what is asked of what becomes pending. A file that was marked missing and is there as it was keeps its verdict.
    """
    by_path = {entry.path: entry for entry in entries}
    with database.read() as session:
        rows = {row.path: row for row in session.scalars(select(File).where(File.path.in_(by_path)))}
    todo = [entry for entry in by_path.values() if entry.path not in rows or not is_as_known(entry, rows[entry.path])]
    if not todo:
        return Taken(known=len(by_path))
    with database.write() as session:
        # Read again under the write lock: another process may have been quicker.
        locked = select(File).where(File.path.in_([entry.path for entry in todo])).order_by(File.id).with_for_update()
        rows = {row.path: row for row in session.scalars(locked)}
        fresh = [entry for entry in todo if entry.path not in rows]
        changed = [entry for entry in todo if entry.path in rows and not is_as_known(entry, rows[entry.path])]
        if fresh:
            here = {**asked_values(asked), "host": this_host(), "root_id": root_id}
            values = [{**_values(entry, now), **here, "path": entry.path} for entry in fresh]
            insert_or_ignore(session, File, sorted(values, key=itemgetter("path")))
        became = Counter(_apply(rows[entry.path], entry, now, asked) for entry in changed if isinstance(entry, Found))
        for entry in changed:
            if isinstance(entry, Skipped):
                _apply(rows[entry.path], entry, now, asked)
    skipped = sum(isinstance(entry, Skipped) for entry in todo)
    new = sum(isinstance(entry, Found) for entry in fresh)
    again = became[Became.CHANGED]
    return Taken(new, again, len(by_path) - new - again - skipped, skipped, became[Became.COMPARED])


def note_restless(database: Database, paths: Sequence[str]) -> None:
    """Say of pending files that they are rewritten again and again, so that a worker takes what they hold at some moment."""
    waiting = and_(File.path.in_(paths), File.state == State.PENDING)
    said = {"error_kind": RESTLESS, "error": "rewritten again and again: what it holds now and then is judged"}
    with database.write() as session:
        session.execute(update(File).where(waiting).values(said))


def mark_gone(
    database: Database, rows: Sequence[Known], *, is_here: Callable[[], bool], now: datetime, below: str | None = None
) -> int:
    """Mark those of `rows` missing whose files are no longer there; returns how many. Their verdicts stay.

    `is_here` tells whether the folder they are in is still what it was, and is asked before anything is marked. What is there
    under another spelling (of its name, or of a folder's below the folder `below`) is there as another row.
    """
    speller = Speller()
    gone = [row.id for row in rows if _is_gone(row.path, row.error_kind) or is_misspelled(row.path, below=below, speller=speller)]
    return _mark(database, gone, now) if gone and is_here() else 0


def is_not_empty(folder: str) -> bool:
    """Whether there is anything in `folder`; one without may be where a drive was that is unplugged."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def mark_missing_path(
    database: Database, path: str, *, now: datetime, below: str | None = None, spare: Collection[int] = ()
) -> int:
    """Mark one file, or all below what was a folder, when the path is no longer there, or spelled in another way: see
    `mark_gone`. Files of the roots `spare` (ids) are left alone.
    """
    if not _is_gone(path, None) and not is_misspelled(path, below=below):
        return 0
    pages = batches(known_under(database, path, spare=spare))
    return sum(_mark(database, [row.id for row in page], now) for page in pages)


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """`items` in lists of at most BATCH."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


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


def _known_as(row: File, entry: Found) -> str | None:
    """The state that the row has, or had when it was marked missing or passed over, if size and date are still the same."""
    if not has_dates_of(entry, row):
        return None
    if row.state in (State.SCORED, State.FAILED):
        return row.state
    if row.state == State.MISSING or (row.state == State.SKIPPED and row.error_kind == PASSED_OVER):
        if row.detection_id is not None:
            return State.SCORED
        failed = row.state == State.MISSING and row.error_kind is not None and row.error_kind not in _NOT_CONCLUDED
        return State.FAILED if failed else None
    return None


def _values(entry: Entry, now: datetime) -> dict[str, object]:
    """The same columns for every entry, as they are inserted together."""
    if isinstance(entry, Found):
        identity = {"inode": entry.inode, "ctime_ns": entry.ctime_ns}
        dates = {"size": entry.size, "mtime_ns": entry.mtime_ns}
        waits = {"state": State.PENDING, "pending_since": now, "error_kind": None, "error": None, "finished_at": None}
        return {**dates, **identity, **waits, "attempts": 0}
    kind = UNREADABLE_FOLDER if entry.is_error else "not-a-file"
    state = State.FAILED if entry.is_error else State.SKIPPED
    return {
        "size": 0,
        "mtime_ns": 0,
        "inode": None,
        "ctime_ns": None,
        "state": state,
        "pending_since": None,
        "error_kind": kind,
        "error": entry.reason,
        "finished_at": now,
        "attempts": 0,
    }


class Became(Enum):
    """What came of a row whose file was found in another way than the row has it."""

    KNOWN = "known"  # it is what it was
    COMPARED = "compared"  # its content is to be compared
    CHANGED = "changed"


def _apply(row: File, entry: Entry, now: datetime, asked: Asked) -> Became:
    """Bring a row up to date. Where its file has changed whoever holds its lease loses it, and their result with it."""
    row.host = this_host()
    if isinstance(entry, Found):
        doubt = is_in_doubt(entry, row)
        if entry.inode is not None:
            row.inode, row.ctime_ns = entry.inode, entry.ctime_ns
        known_as = _known_as(row, entry)
        if known_as is not None and not doubt:
            row.state = known_as
            if known_as == State.SCORED:
                row.error = row.error_kind = None
            row.state_if_same = None
            return Became.KNOWN
        if known_as is not None and row.content_id is not None:
            row.state, row.state_if_same, row.pending_since, row.attempts = State.PENDING, known_as, now, 0
            row.lease_owner = row.lease_expires_at = None
            row.asked_model, row.asked_faces, row.asked_videos = asked.model, asked.faces, asked.videos
            return Became.COMPARED
        if row.state == State.PENDING and has_dates_of(entry, row):
            if doubt:  # whoever reads it may have read another
                row.lease_owner = row.lease_expires_at = None
            return Became.KNOWN
    row.detection_id = row.content_id = row.error = row.error_kind = row.finished_at = row.state_if_same = None
    row.lease_owner = row.lease_expires_at = None
    for name, value in {**asked_values(asked), **_values(entry, now)}.items():
        setattr(row, name, value)
    return Became.CHANGED
