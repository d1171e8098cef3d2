"""The watched folders."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import delete, or_, select, update

from ..base.addresses.spelling import as_spelled
from ..base.errors import KnownError
from ..base.machine import this_host
from ..database.engine import Database
from ..database.models import File, Root
from ..database.queries import insert_or_ignore, under

# Before the device of a root at which something is mounted.
MOUNT = "mount "


class NoRoot(KnownError):
    """There is no folder to watch, or a path is none."""


@dataclass(frozen=True)
class WatchedRoot:
    """A watched folder and its ledger; `swept_at` is when all below it was last compared with the database.

    `found_by_sweep` counts new and changed files that no event had named, without those of a service's first sweep. `is_mount`:
    something was mounted there when it was last seen.
    """

    id: int
    path: str
    swept_at: datetime | None
    swept_seconds: float | None = None
    mode: str | None = None
    mode_reason: str | None = None
    overflows: int = 0
    found_by_events: int = 0
    found_by_sweep: int = 0
    device: str | None = None
    inode: str | None = None
    paused_at: datetime | None = None
    paused_reason: str | None = None
    watched_on: str | None = None
    is_mount: bool = False


_FIELDS = tuple(field.name for field in fields(WatchedRoot) if field.name not in ("device", "is_mount"))


def add_roots(database: Database, paths: Sequence[str], now: datetime) -> list[WatchedRoot]:
    """Remember `paths` (absolute) as roots, and return them. Raises NoRoot, unless a folder that is away is known already."""
    known = {root.path for root in known_roots(database)}
    paths = [path if path in known else as_spelled(path) for path in paths]
    for path in paths:
        if not os.path.isdir(path) and path not in known:
            raise NoRoot(f"{path} is not a folder; only folders can be watched")
    if paths:
        with database.write() as session:
            insert_or_ignore(session, Root, [{"path": path, "added_at": now} for path in paths])
    roots = [root for root in known_roots(database) if root.path in paths]
    adopt_files(database, roots)
    return roots


def known_roots(database: Database) -> list[WatchedRoot]:
    """All remembered roots."""
    with database.read() as session:
        rows = session.scalars(select(Root).order_by(Root.path))
        return [_read(row) for row in rows]


def _read(row: Root) -> WatchedRoot:
    device = row.device and row.device.removeprefix(MOUNT)
    return WatchedRoot(**{name: getattr(row, name) for name in _FIELDS}, device=device, is_mount=device != row.device)


def adopt_files(database: Database, roots: Sequence[WatchedRoot]) -> None:
    """Files under `roots` that were taken in as no one's are theirs: while a root is away, its files are left alone."""
    for root in sorted(roots, key=lambda root: len(root.path), reverse=True):  # of two in each other the inner one's
        with database.write() as session:
            session.execute(update(File).where(under(root.path), File.root_id.is_(None)).values(root_id=root.id))


def roots_around(paths: Sequence[str], roots: Sequence[WatchedRoot]) -> list[WatchedRoot]:
    """The roots that one of `paths` lies in, or that lie in one of them."""
    return [root for root in roots if any(_is_in(path, root.path) or _is_in(root.path, path) for path in paths)]


def remove_root(database: Database, root_id: int) -> None:
    """Watch a folder no more, nor what is mounted in it. What is known of its files stays."""
    known = known_roots(database)
    removed = [root_id, *(other.id for root in known if root.id == root_id for other in known if is_inner(other, root))]
    with database.write() as session:
        session.execute(update(File).where(File.root_id.in_(removed)).values(root_id=None))
        session.execute(delete(Root).where(Root.id.in_(removed)))


def is_inner(root: WatchedRoot, outer: WatchedRoot) -> bool:
    """Whether `root` is a mount inside `outer`, which is watched as a root of its own because of that."""
    return root.is_mount and root.id != outer.id and _is_in(root.path, outer.path)


def add_mount(database: Database, path: str, outer: WatchedRoot, now: datetime) -> None:
    """Remember what is mounted at `path` inside `outer` as a root of its own, to which the files in it belong."""
    status = os.stat(path)
    with database.write() as session:
        insert_or_ignore(session, Root, [{"path": path, "added_at": now, "watched_on": this_host()}])
        row = session.scalars(select(Root).where(Root.path == path)).one()
        row.device = MOUNT + (row.device or str(status.st_dev)).removeprefix(MOUNT)
        row.inode = row.inode or str(status.st_ino)
        of_outer = or_(File.root_id.is_(None), File.root_id == outer.id)
        session.execute(update(File).where(under(path), of_outer).values(root_id=row.id))


def has_files(database: Database, root: WatchedRoot) -> bool:
    """Whether anything is known of files in `root`."""
    with database.read() as session:
        return session.scalar(select(File.id).where(File.root_id == root.id).limit(1)) is not None


def watch_here(database: Database, roots: Sequence[WatchedRoot]) -> None:
    """Note that this machine watches `roots` from now on: it alone says that a file in them is missing."""
    with database.write() as session:
        session.execute(update(Root).where(Root.id.in_([root.id for root in roots])).values(watched_on=this_host()))


def watched_elsewhere(database: Database, roots: Sequence[WatchedRoot]) -> list[WatchedRoot]:
    """Those of `roots` that another machine watches, where several share the database: here, their path may be another folder."""
    if database.file is not None:
        return []
    return [root for root in roots if root.watched_on not in (None, this_host())]


def outermost(roots: Sequence[WatchedRoot]) -> list[WatchedRoot]:
    """`roots` without those that lie inside another one, which covers them, as it does not where a link leads out of it."""
    kept: list[WatchedRoot] = []
    for root in sorted(roots, key=lambda root: len(root.path)):
        if not any(_covers(outer.path, root.path) for outer in kept):
            kept.append(root)
    return kept


def _covers(outer: str, path: str) -> bool:
    below = path[len(os.path.join(outer, "")) :]
    return _is_in(path, outer) and os.path.realpath(path) == os.path.join(os.path.realpath(outer), below)


def root_of(path: str, roots: Sequence[WatchedRoot]) -> WatchedRoot | None:
    """The root that `path` lies under: of several the innermost."""
    return max((root for root in roots if _is_in(path, root.path)), key=lambda root: len(root.path), default=None)


def base_of(root: WatchedRoot, roots: Sequence[WatchedRoot]) -> str:
    """The path of the outermost of `roots` around `root`: rules and links count from there."""
    return min((other.path for other in roots if _is_in(root.path, other.path)), key=len, default=root.path)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
