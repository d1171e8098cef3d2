"""What was found on the disk beside what the database holds, in one pass, as both come in the order of their paths."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import Text, select, type_coerce

from ..base.addresses.stored_paths import decode_path, encode_path, is_stored_plainly
from ..database.engine import Database
from ..database.models import File
from ..database.queries import below_folder, of_no_root_in, of_this_machine
from ..domain.states import State
from ..roots.file_identity import is_in_doubt, is_unnoted
from .walk import Entry, Found, Skipped

# Entries and rows of one Difference.
STRETCH = 500
_PAGE = 5000
# A file that the walk finds and the database has so has changed.
_NOT_READ = (State.SKIPPED.value, State.MISSING.value)


class Known(NamedTuple):
    """What the database holds of a file (a plain tuple: there are many). `stored` is its path as the database writes it."""

    stored: str
    size: int
    mtime_ns: int
    state: str
    error: str | None
    error_kind: str | None
    id: int
    inode: int | None = None
    ctime_ns: int | None = None
    detection_id: int | None = None

    @property
    def path(self) -> str:
        """The path."""
        return decode_path(self.stored)


class HasPath(Protocol):
    """What a walk found."""

    @property
    def path(self) -> str:
        """Its path."""


OnDisk = TypeVar("OnDisk", bound=HasPath)


@dataclass
class Difference:
    """A stretch of a walk: how many of its entries the database has as they are, the others, and rows of which it saw nothing.

    The rows may still have their files: those came meanwhile, or are in what the walk passes over.
    """

    known: int = 0
    others: list[Entry] = field(default_factory=list)
    unseen: list[Known] = field(default_factory=list)


def compare(
    database: Database, folder: str, entries: Iterable[Entry], *, spare: Collection[int] = (), host: str | None = None
) -> Iterator[Difference]:
    """Go along `entries`, a walk through `folder`, and along the rows below it; one Difference after the other, all short.

    Rows of the roots `spare` (ids) are left out, and with `host` those of no root that another machine took in.
    """
    stretch = Difference()
    length = 0
    for entry, row in side_by_side(entries, known_under(database, folder, spare=spare, host=host)):
        if row is None:
            assert entry is not None
            stretch.others.append(entry)
        elif entry is None:
            stretch.unseen.append(row)
        elif is_as_known(entry, row):
            stretch.known += 1
        else:
            stretch.others.append(entry)
        length += 1
        if length == STRETCH:
            yield stretch
            stretch, length = Difference(), 0
    yield stretch


def known_under(database: Database, folder: str, *, spare: Collection[int] = (), host: str | None = None) -> Iterator[Known]:
    """The files at and below `folder` that are not marked missing, in the order of their paths; read in pages.

    Those of the roots `spare` (ids) are left out, and with `host` those of no root that another machine took in.
    """
    path = type_coerce(File.path, Text())  # as it is stored
    columns = (path, File.size, File.mtime_ns, File.state, File.error, File.error_kind, File.id)
    query = select(*columns, File.inode, File.ctime_ns, File.detection_id).where(
        File.state != State.MISSING, *([of_no_root_in(spare)] if spare else [])
    )
    if host is not None:
        query = query.where(of_this_machine(host))
    # One range of the index, and its order; with the folder's own row in an OR it would be neither. Each page has one lower
    # bound: of two SQLite takes the first for the index, and steps over all pages before.
    begin, end = below_folder(folder)
    below = query.where(end).order_by(File.path).limit(_PAGE)
    with database.read() as session:
        rows = session.connection().execute(query.where(File.path == folder)).all()
    yield from map(Known._make, rows)
    page = below.where(begin)
    while True:
        with database.read() as session:
            rows = session.connection().execute(page).all()
        yield from map(Known._make, rows)
        if len(rows) < _PAGE:
            return
        page = below.where(path > rows[-1][0])


def side_by_side(entries: Iterable[OnDisk], rows: Iterator[Known]) -> Iterator[tuple[OnDisk | None, Known | None]]:
    """Entries and rows with equal paths together, the others with None; a merge of two sorted sequences.

    An entry out of its order comes alone, and so does its row.
    """
    row = next(rows, None)
    for entry in entries:
        if row is not None and row.stored == entry.path and is_stored_plainly(entry.path):
            yield entry, row
            row = next(rows, None)
            continue
        stored = encode_path(entry.path)
        while row is not None and row.stored < stored:
            yield None, row
            row = next(rows, None)
        if row is not None and row.stored == stored:
            yield entry, row
            row = next(rows, None)
        else:
            yield entry, None
    while row is not None:
        yield None, row
        row = next(rows, None)


def is_as_known(entry: Entry, row: Known | File) -> bool:
    """Whether nothing has changed since the row was written, and nothing is to be added to it."""
    if isinstance(entry, Skipped):
        return row.error == entry.reason and row.state != State.MISSING
    if not has_dates_of(entry, row) or row.state in _NOT_READ:
        return False
    return not is_in_doubt(entry, row) and not is_unnoted(entry, row)


def has_dates_of(entry: Found, row: Known | File) -> bool:
    """Whether size and date are those of the row."""
    return row.size == entry.size and row.mtime_ns == entry.mtime_ns
