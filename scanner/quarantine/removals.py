"""Moving files to quarantine or trash, and back. The journal in the database is written before anything moves."""

import os
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..base.access.private import private_folder
from ..base.addresses.stored_paths import decode_path, encode_path
from ..base.errors import KnownError
from ..base.escape import printable
from ..base.file_times import storable_ns
from ..database.engine import Database
from ..database.models import Content, File, Removal
from ..discovery.ignore import IgnoreRules
from ..domain.states import RemovalState, State
from ..roots.file_identity import identity_of
from ..roots.roots import known_roots, root_of
from .journal import QUARANTINE, TRASH, Journal, Removed
from .manifest import demand_manifest, note_in_manifest
from .places import MoveRefused, Place, place_at, real_folder_of
from .safe_move import Identity, identify, move
from .same_file import other_name
from .trash_places import find_trashed

_NAME_BYTES = 200


class RemovalRefused(KnownError):
    """A file cannot be moved away or back; it stays where it is."""


def check_quarantine_folder(database: Database, folder: str, ignore: Sequence[str]) -> None:
    """Raises RemovalRefused for a folder that is watched: what is put there would be scanned again."""
    root = root_of(folder, known_roots(database))
    if root is not None and not IgnoreRules(ignore).rule_on_the_way(folder, root=root.path):
        raise RemovalRefused(f"{printable(folder)} lies in the watched folder {printable(root.path)}; choose one outside of it")


def quarantine(journal: Journal, file_id: int, folder: str, *, reviewer: str) -> Removed:
    """Move a file into `folder`, under a name of its own; the manifest there says where it came from.

    Raises RemovalRefused or MoveRefused; then the file is where it was.
    """
    try:
        private_folder(Path(folder))
    except OSError as error:
        raise RemovalRefused(f"the quarantine folder {printable(folder)} cannot be made: {error.strerror}") from None
    demand_manifest(folder)
    with journal.lock(), _identified(journal.database, file_id) as (source, real, identity):
        path, name = source.path, _name_in_quarantine(os.path.basename(source.path))
        target = os.path.join(real_folder_of(os.path.join(folder, name), None) or folder, name)
        removal_id = _write_down(journal, QUARANTINE, path, target, identity, reviewer, real)
        try:
            with place_at(target) as kept:
                move(source, kept, identity, as_own=True)
        except MoveRefused as error:
            settle_row(journal, removal_id, RemovalState.ABANDONED, note=str(error))
            raise
        note_in_manifest("quarantined", path, target, identity, reviewer, journal.now())
        settle_row(journal, removal_id, RemovalState.KEPT, left=path)
    return removed(journal.database, removal_id)


def trash(journal: Journal, file_id: int, send: Callable[[str], None], *, reviewer: str) -> Removed:
    """Let `send` (send2trash) move a file to the desktop's trash. Raises RemovalRefused or MoveRefused."""
    with journal.lock(), _identified(journal.database, file_id) as (source, real, identity):
        path = source.path
        removal_id = _write_down(journal, TRASH, path, None, identity, reviewer, real)
        try:
            send(path)
        except OSError as error:
            settle_row(journal, removal_id, RemovalState.ABANDONED, note=str(error))
            raise RemovalRefused(f"{printable(path)} cannot be moved to the trash: {error}; it was left where it is") from None
        found = find_trashed(path, identity.size, identity.mtime_ns)
        settle_row(journal, removal_id, RemovalState.KEPT, left=path, kept_path=found.kept_path if found else None)
    return removed(journal.database, removal_id)


def restore(journal: Journal, removal_id: int, *, reviewer: str) -> Removed:
    """Give a file its name, place and times back. Raises RemovalRefused or MoveRefused; then it stays where it is kept."""
    with journal.lock():
        row = removed(journal.database, removal_id)
        if row.state is not RemovalState.KEPT:
            raise RemovalRefused(f"{printable(row.original_path)} is not in {row.kind} any more")
        if row.kept_path is None:
            raise RemovalRefused(f"{printable(row.original_path)} can only be restored by the trash of the desktop itself")
        if os.path.lexists(row.original_path):
            raise RemovalRefused(f"there is another file at {printable(row.original_path)} now; move that away first")
        with (
            place_at(row.kept_path, real_folder=real_folder_of(row.kept_path, None)) as kept,
            place_at(row.original_path, real_folder=row.real_folder, make=True) as place,
        ):
            identity = identify(kept)
            if identity.sha256 != row.sha256:
                raise RemovalRefused(f"{printable(row.kept_path)} is not the file that was put there; look at it yourself")
            identity = _with_times(journal.database, removal_id, kept, identity)
            _set(journal.database, removal_id, state=RemovalState.RESTORING)
            try:
                move(kept, place, identity)
            except MoveRefused:
                _set(journal.database, removal_id, state=RemovalState.KEPT)
                raise
        after_restoring(journal, row, identity, reviewer)
    return removed(journal.database, removal_id)


def removed(database: Database, removal_id: int) -> Removed:
    """One entry of the journal."""
    with database.read() as session:
        return _snapshot(session.get_one(Removal, removal_id))


def kept_files(database: Database) -> tuple[Removed, ...]:
    """All files in quarantine or trash, the latest first."""
    with database.read() as session:
        rows = session.scalars(select(Removal).where(Removal.state == RemovalState.KEPT).order_by(Removal.id.desc()))
        return tuple(map(_snapshot, rows))


@contextmanager
def _identified(database: Database, file_id: int) -> Iterator[tuple[Place, str | None, Identity]]:
    """The file, if it still is what the verdict is about, and the real path of its folder, where links lead to that."""
    with database.read() as session:
        found = session.execute(
            select(File.path, File.content_id, Content.sha256)
            .join(Content, File.content_id == Content.id)
            .where(File.id == file_id)
        ).one_or_none()
        if found is None:
            raise RemovalRefused("the file is not known any more; it may have changed. Refresh the list")
        copies = (File.content_id == found.content_id, File.id != file_id, File.state != State.MISSING)
        others = session.scalars(select(File.path).where(*copies)).all()
    path, sha256 = found.path, found.sha256
    # The innermost: a link may lead to it from another one.
    root = max((known.path for known in known_roots(database) if root_of(path, [known])), key=len, default=None)
    real = real_folder_of(path, root)
    with place_at(path, real_folder=real) as place:
        identity = identify(place)
        if identity.sha256 != sha256:
            raise RemovalRefused(f"{printable(path)} has changed since it was scored; scan it again, then decide")
        if (same := other_name(path, others)) is not None:
            raise RemovalRefused(
                f"{printable(path)} and {printable(same)} are one and the same file, and there is no other: it stays where it "
                "is. Scan the folder again, so that it is listed once"
            )
        yield place, real, identity


def _name_in_quarantine(name: str) -> str:
    prefix = uuid.uuid4().hex[:12] + "-"
    raw = os.fsencode(name)
    if len(raw) > _NAME_BYTES:
        stem, suffix = os.path.splitext(name)
        raw = os.fsencode(stem)[: _NAME_BYTES - 16] + os.fsencode(suffix)[:16]
    return prefix + os.fsdecode(raw)


def _write_down(
    journal: Journal, kind: str, path: str, target: str | None, identity: Identity, reviewer: str, real_folder: str | None
) -> int:
    with journal.database.write() as session:
        row = Removal(
            kind=kind,
            state=RemovalState.MOVING,
            host=socket.gethostname(),
            original_path=path,
            kept_path=target,
            sha256=identity.sha256,
            size=identity.size,
            mtime_ns=storable_ns(identity.mtime_ns),
            atime_ns=storable_ns(identity.atime_ns),
            reviewer=reviewer,
            note=encode_path(real_folder) if real_folder else None,
            created_at=journal.now(),
        )
        session.add(row)
        session.flush()
        return row.id


def settle_row(
    journal: Journal,
    removal_id: int,
    state: RemovalState,
    *,
    left: str | None = None,
    kept_path: str | None = None,
    note: str | None = None,
) -> None:
    """Write down how a removal ended. `left`: the path that the file is gone from."""
    with journal.database.write() as session:
        values: dict[str, object] = {"state": state, "settled_at": journal.now()}
        if state is RemovalState.ABANDONED:
            values["note"] = note
        if kept_path is not None:
            values["kept_path"] = kept_path
        session.execute(update(Removal).where(Removal.id == removal_id).values(values))
        if left is not None:
            gone = {"state": State.MISSING, "finished_at": journal.now()}
            session.execute(update(File).where(File.path == left, File.state == State.SCORED).values(gone))


def _set(database: Database, removal_id: int, *, state: RemovalState) -> None:
    with database.write() as session:
        session.execute(update(Removal).where(Removal.id == removal_id).values(state=state))


def _with_times(database: Database, removal_id: int, kept: Place, identity: Identity) -> Identity:
    """The file's first times: whoever looked at it in quarantine may have changed when it was last read."""
    with database.read() as session:
        row = session.get_one(Removal, removal_id)
        os.utime(kept.name, ns=(row.atime_ns, row.mtime_ns), dir_fd=kept.folder)  # it was opened: it is no link
        return Identity(identity.sha256, row.size, row.mtime_ns, row.atime_ns, identity.device, identity.inode)


def after_restoring(journal: Journal, row: Removed, identity: Identity, reviewer: str) -> None:
    """Write down that a file is back, everywhere where that is kept."""
    if row.kind == QUARANTINE and row.kept_path:
        note_in_manifest("restored", row.original_path, row.kept_path, identity, reviewer, journal.now())
    elif row.kept_path:
        info = Path(row.kept_path).parent.parent / "info" / (os.path.basename(row.kept_path) + ".trashinfo")
        info.unlink(missing_ok=True)
    with journal.database.write() as session:
        session.execute(update(Removal).where(Removal.id == row.id).values(state=RemovalState.RESTORED, settled_at=journal.now()))
        _back_in_the_queue(session, row.original_path, journal.now())


def _back_in_the_queue(session: Session, path: str, now: datetime) -> None:
    """The file is again what it was, so it has its verdict again at once; a sweep would find the same."""
    status = os.lstat(path)
    as_it_was = (File.size == status.st_size, File.mtime_ns == storable_ns(status.st_mtime_ns))
    same = (File.path == path, *as_it_was, File.state == State.MISSING)
    identity = identity_of(status)._asdict()
    back = {"state": State.SCORED, "state_if_same": None, "finished_at": now, **identity}
    session.execute(update(File).where(*same, File.detection_id.is_not(None)).values(back))


def _snapshot(row: Removal) -> Removed:
    return Removed(
        row.id,
        row.kind,
        RemovalState(row.state),
        row.original_path,
        row.kept_path,
        row.sha256,
        row.reviewer,
        row.note if row.state == RemovalState.ABANDONED else None,
        row.created_at,
        decode_path(row.note) if row.note and row.state != RemovalState.ABANDONED else None,
    )
