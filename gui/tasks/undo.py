"""Acts that can be undone. Each is already done when it is pushed; undo and redo work in the background, in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from PySide6.QtGui import QUndoCommand


class Way(StrEnum):
    """How to take back what was just said."""

    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True)
class Told:
    """What was done, in words that name the image, and how it is taken back."""

    words: str
    way_back: Way


class Act(Protocol):
    """What a command does to the database and the disk. Called on the writing thread only, never two at once."""

    @property
    def touched(self) -> Sequence[int]:
        """Ids of the files that it was about, the one to look at first."""

    def undo(self) -> str:
        """Take it back; returns what to say. Raises KnownError."""

    def redo(self) -> str:
        """Do it again; returns what to say. Raises KnownError."""


class ActCommand(QUndoCommand):
    """Puts an act on the stack. `run` gets the act, this command, and whether it undoes."""

    def __init__(self, text: str, act: Act, run: Callable[[Act, "ActCommand", bool], None]) -> None:
        super().__init__(text)
        self._act = act
        self._run = run
        self._silent = True  # the first redo comes with the push

    def redo(self) -> None:
        """Called by the stack."""
        if not self._take_silence():
            self._run(self._act, self, False)

    def undo(self) -> None:
        """Called by the stack."""
        if not self._take_silence():
            self._run(self._act, self, True)

    def be_silent(self) -> None:
        """The next undo or redo only moves the stack."""
        self._silent = True

    def _take_silence(self) -> bool:
        was, self._silent = self._silent, False
        return was
