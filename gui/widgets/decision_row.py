"""Buttons and a note for the decision; the keys do the same. The buttons say how many images they decide on."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from scanner.domain.states import Decision

from ..texts.accessible_names import named
from ..texts.verdict_texts import label_shape
from .note_field import NoteField
from .notice import Notice

_BUTTONS = ((Decision.FAKE, "F", "Fake"), (Decision.REAL, "R", "Real"), (Decision.UNSURE, "U", "Unsure"))


class DecisionRow(QWidget):
    """`decided` asks for a decision; below it, `notice` says what was done."""

    decided = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[Decision, QPushButton] = {}
        row = QHBoxLayout()
        for decision, _, text in _BUTTONS:
            button = named(QPushButton(), text)
            button.clicked.connect(_emitting(self.decided.emit, decision))
            self.buttons[decision] = button
            row.addWidget(button)
        self.note = NoteField()
        row.addWidget(self.note, 1)
        self.notice = Notice()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self.notice)
        self.set_count(0)

    def set_count(self, count: int) -> None:
        """How many images the next decision is for."""
        for decision, key, text in _BUTTONS:
            many = f" \N{MULTIPLICATION SIGN}{count}" if count > 1 else ""
            self.buttons[decision].setText(f"{label_shape(decision)} {text}{many} ({key})".strip())
            self.buttons[decision].setAccessibleName(text + many)
            self.buttons[decision].setEnabled(count > 0)


def _emitting(emit: Callable[[Any], None], value: object) -> Callable[[], None]:
    """A slot that ignores what the button says of itself."""
    return lambda *_: emit(value)
