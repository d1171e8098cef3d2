"""After a kill in the middle of a removal: what the journal began is brought to an end, or taken back."""

import os
import socket

from filelock import Timeout
from sqlalchemy import select

from ..base.escape import printable
from ..database.models import Removal
from ..domain.states import RemovalState
from .removals import Journal, Removed, after_restoring, note_in_manifest, removed, settle_row
from .safe_move import Where, identify, settle
from .trash_places import find_trashed


def recover(journal: Journal) -> tuple[Removed, ...]:
    """Bring to an end what a killed process left half done on this machine; returns those that needed it.

    Nothing is done while another process is moving something.
    """
    with journal.database.read() as session:
        query = select(Removal.id).where(Removal.state.in_((RemovalState.MOVING, RemovalState.RESTORING)))
        if not (ids := list(session.scalars(query.where(Removal.host == socket.gethostname())))):
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
        source, target = (row.original_path, row.kept_path) if moving else (row.kept_path, row.original_path)
        where = settle(source, target, row.sha256)
        if where is Where.TARGET and moving:
            identity = identify(row.kept_path)
            folder = os.path.dirname(row.kept_path)
            note_in_manifest(folder, "quarantined", row.original_path, row.kept_path, identity, row.reviewer, journal.now())
            settle_row(journal, row.id, RemovalState.KEPT, left=row.original_path)
        elif where is Where.TARGET:
            after_restoring(journal, row, identify(row.original_path), row.reviewer)
        elif where is Where.SOURCE:
            settle_row(journal, row.id, RemovalState.ABANDONED if moving else RemovalState.KEPT)
        else:
            note = f"found neither at {printable(row.original_path)} nor at {printable(row.kept_path)} as it was"
            settle_row(journal, row.id, RemovalState.ABANDONED, note=note)
    return removed(journal.database, row.id)


def _recover_trashing(journal: Journal, row: Removed) -> None:
    if os.path.lexists(row.original_path):
        settle_row(journal, row.id, RemovalState.ABANDONED)
        return
    with journal.database.read() as session:
        kept = session.get_one(Removal, row.id)
        found = find_trashed(kept.original_path, kept.size, kept.mtime_ns)
    settle_row(journal, row.id, RemovalState.KEPT, left=row.original_path, kept_path=found.kept_path if found else None)
