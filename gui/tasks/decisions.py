"""Decisions as acts that can be undone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QCoreApplication

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
        return _tr("Decided: {count} {decision}").format(count=len(self.decided), decision=self.decision.value)

    def undo(self) -> str:
        """Store what counted before."""
        back = take_back(self.database, self.decided, reviewer=self.reviewer, now=self.now())
        if not back.restored:
            raise Overtaken(_tr("Not undone: someone has decided on it since. Their decision stays"))
        if back.overtaken:
            return _tr("Undone for {count}; on {others} someone has decided since").format(
                count=len(back.restored), others=len(back.overtaken)
            )
        return _tr("Undone: {decision} on {count}").format(count=len(back.restored), decision=self.decision.value)


def _tr(text: str) -> str:
    return QCoreApplication.translate("decisions", text)
