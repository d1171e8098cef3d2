"""Copies of the SQLite database, made while others use it, and put back."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from ..base.access.private import make_missing
from ..base.errors import KnownError
from ..base.escape import in_shell
from .integrity import BACKUP_FOLDER, find_damage, keep_aside


class BackupFailed(KnownError):
    """A backup could not be made or put back; nothing was changed."""


class InUse(KnownError):
    """A database that others have open."""


def new_backup_path(database: Path) -> Path:
    """A name for a backup that does not exist yet: beside the database, by the time (UTC)."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = database.parent / BACKUP_FOLDER
    names = (f"{database.stem}-{stamp}{f'-{number}' if number > 1 else ''}.sqlite" for number in range(1, 10_000))
    return next(folder / name for name in names if not (folder / name).exists())


def attempt_path(database: Path) -> Path:
    """The backup that stands for a change of the schema until that has succeeded."""
    return database.parent / BACKUP_FOLDER / f"{database.stem}-before-upgrade.sqlite"


def back_up(database: Path, target: Path, *, replaces: bool = False) -> Path:
    """Copy `database` to `target` by SQLite's online backup: one moment, whatever others write meanwhile; returns `target`.

    The copy is checked before it gets its name. Raises BackupFailed; an existing `target` is overwritten only with `replaces`.
    """
    if not database.exists():
        raise BackupFailed(f"{database} does not exist, so there is nothing to back up")
    if target.exists() and not replaces:
        raise BackupFailed(f"{target} exists already and is not overwritten; name another file")
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        make_missing(target.parent)
        _copy(database, partial)
        damage = find_damage(partial)
        if damage is not None:
            raise BackupFailed(f"the copy of {database} is damaged ({damage}), so the database is; see `dfscan doctor`")
        partial.replace(target)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BackupFailed(f"{database} could not be backed up to {target}: {reason}; free space there or name another") from None
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            partial.with_name(partial.name + end).unlink(missing_ok=True)
    return target


@contextmanager
def held_alone(database: Path) -> Iterator[None]:
    """Keep everyone else from the file `database`. Raises InUse when someone has it open, whoever and in whichever container."""
    with closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            # Whoever reads or writes in WAL keeps a lock on the file, which this has to have alone.
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            raise InUse(f"a program has {database} open (scan, watch, worker or the window?); stop it first") from None
        yield


def restore(backup: Path, database: Path) -> Path | None:
    """Put `backup` in the place of `database`, which is kept aside; returns where (None when there was none).

    Raises BackupFailed, with nothing changed, when `backup` is not a sound database of dfscan.
    """
    if not backup.is_file():
        raise BackupFailed(f"{backup} is no file; `ls {in_shell(str(database.parent / BACKUP_FOLDER))}` shows the backups")
    damage = find_damage(backup) or _strangeness(backup)
    if damage is not None:
        raise BackupFailed(f"{backup} cannot be restored: {damage}; choose another backup")
    partial = database.with_name(f"{database.name}.{os.getpid()}.partial")
    try:
        _copy(backup, partial)
        # One that is too damaged to be opened is of use to no one.
        is_sound = database.exists() and find_damage(database) is None
        with held_alone(database) if is_sound else nullcontext():
            aside = keep_aside(database, "replaced") if database.exists() else None
            partial.rename(database)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{backup} could not be restored to {database}: {error}; free space there") from None
    finally:
        partial.unlink(missing_ok=True)
    return aside


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source, timeout=30)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)
        # One file, with nothing beside it: whoever opens it for use turns WAL on again.
        writing.execute("PRAGMA journal_mode = DELETE")
    target.chmod(0o600)
    with target.open("rb") as copied:
        os.fsync(copied.fileno())


def _strangeness(backup: Path) -> str | None:
    with closing(sqlite3.connect(backup)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return None if {"files", "alembic_version"} <= tables else "it is no database of dfscan"
