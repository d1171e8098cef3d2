"""Acts that change the database or the disk: one after the other, in the background, with undo and redo."""

from collections.abc import Callable, Collection
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from scanner.base.errors import KnownError

from .background import Background
from .undo import Act, ActCommand, Told, Way


class Doing(QObject):
    """`began` and `settled` (stored or not) name contents; `done` gives act and contents once they are stored; `told` tells it.

    `moved` follows an undo or redo with the act and what to say of it (both None: there was nothing to undo); `stuck` tells that
    one did not come about.
    """

    began = Signal(object)
    settled = Signal(object)
    done = Signal(object, object)
    moved = Signal(object, object)
    stuck = Signal()
    told = Signal(object)
    complained = Signal(str)

    def __init__(self, writing: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        self._writing = writing
        self._at_work = 0
        self._then: list[Callable[[], None]] = []

    def do(self, act: Act, text: str, contents: Collection[int] = ()) -> None:
        """Do something that can be undone."""
        self._at_work += 1
        self.began.emit(contents)

        def done(said: str) -> None:
            self.settled.emit(contents)
            self.undo_stack.push(ActCommand(text, act, self._run))
            self.done.emit(act, contents)
            self.told.emit(Told(said, Way.UNDO))
            self._go_on()

        def failed(error: KnownError) -> None:
            self.settled.emit(contents)
            self._fail(f"Not stored: {error}")

        self._writing.ask(act.redo, done, failed)

    def undo(self) -> None:
        """Take the last act back, also one that is only just being done."""
        self._when_settled(lambda: self._move(self.undo_stack.canUndo(), self.undo_stack.undo))

    def redo(self) -> None:
        """Do again what was undone."""
        self._when_settled(lambda: self._move(self.undo_stack.canRedo(), self.undo_stack.redo))

    def write(self, work: Callable[[], Any], answered: Callable[[Any], None]) -> None:
        """Do something that is not for the undo stack."""
        self._writing.ask(work, answered, lambda error: self.complained.emit(str(error)))

    def _move(self, possible: bool, move: Callable[[], None]) -> None:
        if possible:
            move()
        else:
            self.moved.emit(None, None)

    def _run(self, act: Act, command: ActCommand, going_back: bool) -> None:
        """Undo or redo for a command on the stack; if it fails, the stack is put back."""
        self._at_work += 1

        def done(said: str) -> None:
            self._go_on()
            self.moved.emit(act, Told(said, Way.REDO if going_back else Way.UNDO))

        def failed(error: KnownError) -> None:
            command.be_silent()
            (self.undo_stack.redo if going_back else self.undo_stack.undo)()
            self._fail(str(error))

        self._writing.ask(act.undo if going_back else act.redo, done, failed)

    def _when_settled(self, act: Callable[[], None]) -> None:
        self._then.append(act)
        self._begin_next()

    def _go_on(self) -> None:
        self._at_work -= 1
        self._begin_next()

    def _fail(self, words: str) -> None:
        self._then.clear()  # they meant the act that did not come about, not the one before it
        self._at_work -= 1
        self.stuck.emit()
        self.complained.emit(words)

    def _begin_next(self) -> None:
        while self._then and not self._at_work:
            self._then.pop(0)()
