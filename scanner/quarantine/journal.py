"""The journal of what was moved away: in the database, and under a lock of the machine."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from ..base.access.private import private_folder
from ..base.files import FILE_MODE
from ..database.engine import Database
from ..database.models import Removal
from ..domain.states import RemovalState

if TYPE_CHECKING:
    from filelock import FileLock

QUARANTINE, TRASH = "quarantine", "trash"


@dataclass(frozen=True)
class Removed:
    """A file that was moved away, as the journal has it."""

    id: int
    kind: str
    state: RemovalState
    original_path: str
    kept_path: str | None
    sha256: str
    reviewer: str
    note: str | None
    created_at: datetime
    real_folder: str | None = None  # of `original_path`, where links led to it


@dataclass(frozen=True)
class Journal:
    """Where removals are written down, and what keeps two programs on one machine from moving at the same time."""

    database: Database
    lock_file: Path
    now: Callable[[], datetime]

    def lock(self, seconds: float = 60) -> "FileLock":
        """Held while something moves; a killed process lets it go."""
        from filelock import FileLock  # takes its time, and most programs move nothing

        private_folder(self.lock_file.parent)
        return FileLock(self.lock_file, timeout=seconds, mode=FILE_MODE)

    def unsettled(self) -> list[int]:
        """The ids of removals that this machine has begun and not brought to an end: one moves now, or was killed."""
        began = Removal.state.in_((RemovalState.MOVING, RemovalState.RESTORING))
        with self.database.read() as session:
            return list(session.scalars(select(Removal.id).where(began, Removal.host == socket.gethostname())))
