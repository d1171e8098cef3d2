"""A corrupt SQLite database: recognised at the start, kept aside, never overwritten."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ..base.errors import KnownError
from ..base.escape import in_shell

BACKUP_FOLDER = "backups"
# What SQLite keeps beside the database; without them its last transactions are lost.
_COMPANIONS = ("", "-wal", "-shm")
_CORRUPT_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class CorruptDatabase(KnownError):
    """The database file is damaged; it was kept aside."""


def find_damage(path: Path) -> str | None:
    """What `PRAGMA quick_check` finds wrong with the database at `path`; None for nothing, or when it cannot be opened."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            [[finding]] = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        return str(error) if is_damage(error) else None
    return None if finding == "ok" else str(finding).replace("\n", " ")


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite's `error` speaks of a damaged file, not of a missing permission, a full disk or a lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CORRUPT_CODES


def demand_sound(path: Path) -> None:
    """Raise CorruptDatabase when the database at `path` is damaged, after moving it aside."""
    damage = find_damage(path)
    if damage is None:
        return
    aside = keep_aside(path, "corrupt")
    newest = max((path.parent / BACKUP_FOLDER).glob("*.sqlite"), default=None, key=lambda backup: backup.stat().st_mtime)
    restore = f"`dfscan db restore {in_shell(str(newest))}` brings the newest backup back; " if newest else "there is no backup; "
    raise CorruptDatabase(
        f"the database {path} is damaged ({damage}). It is kept, untouched, as {aside}. {restore}"
        "started again as it is, dfscan begins an empty database and scores everything anew (reviews are only in the damaged one)"
    )


def keep_aside(path: Path, why: str) -> Path:
    """Move the database at `path`, with what belongs to it, to a name of its own that tells `why`; returns that."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = path.with_name(f"{path.name}.{why}-{stamp}")
    number = 1
    while any(aside.with_name(aside.name + end).exists() for end in _COMPANIONS):
        number += 1
        aside = path.with_name(f"{path.name}.{why}-{stamp}-{number}")
    for end in _COMPANIONS:
        companion = path.with_name(path.name + end)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + end))
    return aside
