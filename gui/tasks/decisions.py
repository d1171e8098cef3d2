"""Decisions and notes as acts that can be undone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from scanner.base.errors import KnownError
from scanner.base.escape import printable
from scanner.database.engine import Database
from scanner.domain.states import Decision
from scanner.review.decisions import Decided, add_note, decide, take_back


class Overtaken(KnownError):
    """Someone else has decided since."""


@dataclass
class DecisionAct:
    """One decision on several contents, or (`decision` None) a note alone; `decided` is what is stored of it.

    `paths` are the files that it was made on, `touched` their ids.
    """

    database: Database
    content_ids: Sequence[int]
    decision: Decision | None
    note: str | None
    reviewer: str
    now: Callable[[], datetime]
    paths: Sequence[str]
    touched: Sequence[int]
    decided: tuple[Decided, ...] = ()

    def redo(self) -> str:
        """Store it."""
        who, when = self.reviewer, self.now()
        if self.decision is None:
            self.decided = add_note(self.database, self.content_ids, self.note or "", reviewer=who, now=when)
        else:
            self.decided = decide(self.database, self.content_ids, self.decision, note=self.note, reviewer=who, now=when)
        return f"{self._about(len(self.decided))}: {self._word}"

    def undo(self) -> str:
        """Store what counted before."""
        back = take_back(self.database, self.decided, reviewer=self.reviewer, now=self.now())
        if not back.restored:
            raise Overtaken("Not undone: someone has decided on it since. Their decision stays")
        said = f"{self._about(len(back.restored))}: {self._word} undone"
        if back.overtaken:
            return f"{said}; on {len(back.overtaken)} someone has decided since"
        return said

    @property
    def _word(self) -> str:
        return self.decision.value if self.decision is not None else "note stored" if self.note else "note removed"

    def _about(self, count: int) -> str:
        return named_images(self.paths, count)


def named_images(paths: Sequence[str], count: int) -> str:
    """One image by its name, several by their number."""
    return printable(paths[0].rpartition("/")[2]) if count == 1 and paths else f"{count} images"
