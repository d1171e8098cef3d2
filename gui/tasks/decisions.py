"""Decisions as acts that can be undone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from scanner.base.errors import KnownError
from scanner.database.engine import Database
from scanner.domain.states import Decision
from scanner.review.decisions import Decided, decide, take_back


class Overtaken(KnownError):
    """Someone else has decided since."""


@dataclass
class DecisionAct:
    """One decision on several contents; `decided` is what is stored of it."""

    database: Database
    content_ids: Sequence[int]
    decision: Decision
    note: str | None
    reviewer: str
    now: Callable[[], datetime]
    decided: tuple[Decided, ...] = ()

    def redo(self) -> str:
        """Store it."""
        self.decided = decide(
            self.database, self.content_ids, self.decision, note=self.note, reviewer=self.reviewer, now=self.now()
        )
        return f"Decided: {len(self.decided)} {self.decision.value}"

    def undo(self) -> str:
        """Store what counted before."""
        back = take_back(self.database, self.decided, reviewer=self.reviewer, now=self.now())
        if not back.restored:
            raise Overtaken("Not undone: someone has decided on it since. Their decision stays")
        if back.overtaken:
            return f"Undone for {len(back.restored)}; on {len(back.overtaken)} someone has decided since"
        return f"Undone: {self.decision.value} on {len(back.restored)}"
