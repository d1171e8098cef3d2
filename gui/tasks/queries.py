"""Questions to the database, asked in the background, and what it means when they are not answered."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from scanner.base.errors import KnownError
from scanner.database.engine import DatabaseUnavailable

from .background import Background


class Questions(QObject):
    """Whatever is not answered because the database is out of reach is one trouble, told once, until it is answered again.

    Any other KnownError is a complaint about that one question.
    """

    trouble_began = Signal(str)
    trouble_ended = Signal()
    complained = Signal(str)

    def __init__(self, reading: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self._unanswered: Callable[[], Any] | None = None
        self._trying = False

    @property
    def in_trouble(self) -> bool:
        """Whether the database was out of reach when it was last asked."""
        return self._unanswered is not None

    def ask(
        self,
        work: Callable[[], Any],
        answered: Callable[[Any], None],
        topic: str | None = None,
        unanswered: Callable[[], None] = lambda: None,
    ) -> None:
        """Read something (`work` must change nothing: it is tried again); `unanswered` is called before trouble is told."""

        def failed(error: KnownError) -> None:
            unanswered()
            if not isinstance(error, DatabaseUnavailable):
                self.complained.emit(str(error))
            elif self._unanswered is None:
                self._unanswered = work
                self.trouble_began.emit(str(error))

        self._reading.ask(work, answered, failed, topic)

    def forget(self, topic: str) -> None:
        """Drop the answers to what was asked on `topic` so far."""
        self._reading.forget(topic)

    def try_again(self) -> None:
        """Ask once more what was not answered; when it is, the trouble is over."""
        if self._trying or self._unanswered is None:
            return
        self._trying = True

        def answered(_: object) -> None:
            self._trying = False
            self._unanswered = None
            self.trouble_ended.emit()

        def failed(error: KnownError) -> None:
            self._trying = False
            if not isinstance(error, DatabaseUnavailable):
                answered(None)

        self._reading.ask(self._unanswered, answered, failed)
