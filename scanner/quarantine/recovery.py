"""After a kill in the middle of a removal: what the journal began is brought to an end, or taken back."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from filelock import Timeout

from ..base.escape import printable
from ..database.models import Removal
from ..domain.states import RemovalState
from .journal import Journal, Removed
from .manifest import note_in_manifest
from .places import MoveRefused, Place, place_at, real_folder_of
from .removals import after_restoring, removed, settle_row
from .safe_move import Where, identify, settle
from .trash_places import find_trashed


def recover(journal: Journal) -> tuple[Removed, ...]:
    """Bring to an end what a killed process left half done on this machine; returns those that needed it.

    Nothing is done while another process is moving something.
    """
    if not (ids := journal.unsettled()):
        return ()
    try:
        with journal.lock(seconds=0):
            return tuple(_recover_one(journal, removed(journal.database, removal_id)) for removal_id in ids)
    except Timeout:
        return ()


def _recover_one(journal: Journal, row: Removed) -> Removed:
    if row.state not in (RemovalState.MOVING, RemovalState.RESTORING):
        return row  # whoever held the lock has finished it
    moving = row.state is RemovalState.MOVING
    if row.kept_path is None:
        _recover_trashing(journal, row)
    else:
        with (
            _place(row.original_path, row.real_folder) as original,
            _place(row.kept_path, real_folder_of(row.kept_path, None)) as kept,
        ):
            source, target = (original, kept) if moving else (kept, original)
            where = settle(source, target, row.sha256)
            identity = identify(target) if target and where is Where.TARGET else None
        if identity and moving:
            note_in_manifest("quarantined", row.original_path, row.kept_path, identity, row.reviewer, journal.now())
            settle_row(journal, row.id, RemovalState.KEPT, left=row.original_path)
        elif identity:
            after_restoring(journal, row, identity, row.reviewer)
        elif where is Where.SOURCE:
            settle_row(journal, row.id, RemovalState.ABANDONED if moving else RemovalState.KEPT)
        else:
            note = f"found neither at {printable(row.original_path)} nor at {printable(row.kept_path)} as it was"
            settle_row(journal, row.id, RemovalState.ABANDONED, note=note)
    return removed(journal.database, row.id)


@contextmanager
def _place(path: str, real_folder: str | None) -> Iterator[Place | None]:
    """None where its folder is not there, or is a link by now."""
    with ExitStack() as opened:
        try:
            place = opened.enter_context(place_at(path, real_folder=real_folder))
        except MoveRefused:
            place = None
        yield place


def _recover_trashing(journal: Journal, row: Removed) -> None:
    if os.path.lexists(row.original_path):
        settle_row(journal, row.id, RemovalState.ABANDONED)
        return
    with journal.database.read() as session:
        kept = session.get_one(Removal, row.id)
        found = find_trashed(kept.original_path, kept.size, kept.mtime_ns)
    settle_row(journal, row.id, RemovalState.KEPT, left=row.original_path, kept_path=found.kept_path if found else None)
