"""Buttons and a note for the decision; the keys do the same."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QWidget

from scanner.domain.states import Decision

from ..texts.accessible_names import named
from ..texts.verdict_texts import label_shape


class DecisionRow(QWidget):
    """`decided` asks for a decision; `noted` when a note is written."""

    decided = Signal(object)
    noted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self.buttons: dict[Decision, QPushButton] = {}
        for decision, key, text in (
            (Decision.FAKE, "F", "Fake"),
            (Decision.REAL, "R", "Real"),
            (Decision.UNSURE, "U", "Unsure"),
        ):
            button = named(QPushButton(f"{label_shape(decision)} {text} ({key})".strip()), text)
            button.setEnabled(False)
            button.clicked.connect(_emitting(self.decided.emit, decision))
            self.buttons[decision] = button
            row.addWidget(button)
        self.note = named(QLineEdit(placeholderText="Note for the next decision (N)"), "Note")
        self.note.returnPressed.connect(self.noted)
        row.addWidget(self.note, 1)

    def set_possible(self, possible: bool) -> None:
        """Whether there is anything to decide on."""
        for button in self.buttons.values():
            button.setEnabled(possible)

    def take_note(self) -> str | None:
        """What was written as note, once."""
        text = self.note.text().strip()
        self.note.clear()
        return text or None


def _emitting(emit: Callable[[Any], None], value: object) -> Callable[[], None]:
    """A slot that ignores what the button says of itself."""
    return lambda *_: emit(value)
