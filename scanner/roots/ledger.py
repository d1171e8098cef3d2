"""What is recorded of each root: how it is watched, what that missed, and whether it is there at all."""

from datetime import datetime

from sqlalchemy import func, select, update

from ..database.engine import Database
from ..database.models import File, Root
from ..database.queries import under
from ..domain.states import State
from .availability import Away, Identity, Present, presence
from .mounts import is_mount_point
from .roots import MOUNT, WatchedRoot

EVENTS, POLLED = "events", "polled"
WITNESSES = 50


def note_mode(database: Database, root: WatchedRoot, mode: str, reason: str | None) -> None:
    """Record how `root` is watched from now on, and why not by events."""
    with database.write() as session:
        session.execute(update(Root).where(Root.id == root.id).values(mode=mode, mode_reason=reason))


def add_to_counts(database: Database, root_id: int, *, overflows: int = 0, by_events: int = 0, by_sweep: int = 0) -> None:
    """Count what the watcher lost, and by what new and changed files were found."""
    values = {
        "overflows": Root.overflows + overflows,
        "found_by_events": Root.found_by_events + by_events,
        "found_by_sweep": Root.found_by_sweep + by_sweep,
    }
    with database.write() as session:
        session.execute(update(Root).where(Root.id == root_id).values(values))


def mark_swept(database: Database, root: WatchedRoot, seconds: float, now: datetime) -> None:
    """Record that a full sweep of `root`, which took `seconds`, has ended."""
    with database.write() as session:
        session.execute(update(Root).where(Root.id == root.id).values(swept_at=now, swept_seconds=seconds))


def check_presence(database: Database, root: WatchedRoot, now: datetime) -> str | None:
    """Look whether `root` is there; pause or resume it in the database. Returns why it is away, None when it is here."""
    found = _look(database, root)
    if isinstance(found, Present):
        if found.identity != _known(root) or root.paused_at is not None:
            _record(database, root.id, found.identity)
        return None
    if root.paused_reason != found.reason:
        with database.write() as session:
            values = {"paused_at": root.paused_at or now, "paused_reason": found.reason}
            session.execute(update(Root).where(Root.id == root.id).values(values))
    return found.reason


def why_away(database: Database, root: WatchedRoot) -> str | None:
    """Why `root` is away, None when it is here; nothing is recorded."""
    found = _look(database, root)
    return None if isinstance(found, Present) else found.reason


def accept(database: Database, root: WatchedRoot) -> None:
    """Take `root` for what it is now, whatever it was before: its user said so."""
    found = presence(root.path, None, tuple, is_mount=is_mount_point)
    if isinstance(found, Present):
        _record(database, root.id, found.identity)


def _known(root: WatchedRoot) -> Identity | None:
    if not root.device or not root.inode:
        return None
    return Identity(root.device, root.inode, root.is_mount)


def _look(database: Database, root: WatchedRoot) -> Present | Away:
    return presence(root.path, _known(root), lambda: _witnesses(database, root), is_mount=is_mount_point)


def _record(database: Database, root_id: int, identity: Identity) -> None:
    device = MOUNT * identity.is_mount + identity.device
    values = {"device": device, "inode": identity.inode, "paused_at": None, "paused_reason": None}
    with database.write() as session:
        session.execute(update(Root).where(Root.id == root_id).values(values))


def _witnesses(database: Database, root: WatchedRoot) -> list[str]:
    """Files that should be there: those that were read, or where none was, those that were seen."""
    with database.read() as session:
        for states in ((State.SCORED, State.FAILED), (State.PENDING,)):
            known = select(File.path).where(under(root.path), File.state.in_(states))
            if paths := list(session.scalars(known.order_by(func.random()).limit(WITNESSES))):
                return paths
    return []
