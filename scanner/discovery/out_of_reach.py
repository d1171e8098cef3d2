"""What could not be looked at, and may be later without a word of the system: it is tried again and again."""

import os

from sqlalchemy import and_, or_, select

from ..database.engine import Database
from ..database.models import File
from ..domain.claims import UNREADABLE_FOLDER
from ..domain.states import State
from .walk import LINK_TO_NOTHING, Entry, Skipped

MOST = 1000


class OutOfReach:
    """At most MOST paths: links to nothing, and folders and files that may not be looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._paths: dict[str, None] | None = None

    def note(self, entry: Entry) -> None:
        """Remember `entry` if it may be in reach later."""
        if self._paths is not None and isinstance(entry, Skipped) and (entry.is_error or entry.reason == LINK_TO_NOTHING):
            self._paths.pop(entry.path, None)
            if len(self._paths) < MOST:
                self._paths[entry.path] = None

    def in_reach(self) -> list[str]:
        """Those that can be looked at now, or are gone; they are forgotten."""
        if self._paths is None:
            self._paths = dict.fromkeys(self._known())
        found = [path for path in self._paths if _is_in_reach(path)]
        for path in found:
            del self._paths[path]
        return found

    def _known(self) -> list[str]:
        closed = and_(File.state == State.FAILED, File.error_kind == UNREADABLE_FOLDER)
        link = and_(File.state == State.SKIPPED, File.error == LINK_TO_NOTHING)
        with self._database.read() as session:
            return list(session.scalars(select(File.path).where(or_(closed, link)).limit(MOST)))


def _is_in_reach(path: str) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        return not os.path.islink(path)
    except OSError:
        return False
    return not os.path.isdir(path) or os.access(path, os.R_OK | os.X_OK)
