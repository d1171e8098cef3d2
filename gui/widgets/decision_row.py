"""Buttons and a note for the decision; the keys do the same. The buttons say how many images they decide on."""

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from scanner.domain.states import Decision

from ..style.spacing import BUTTON, NEAR
from ..texts.accessible_names import named
from ..texts.key_words import with_key
from ..texts.verdict_texts import label_shape
from .bars.notice import Notice
from .note_field import NoteField

_BUTTONS = ((Decision.FAKE, "Fake"), (Decision.REAL, "Real"), (Decision.UNSURE, "Unsure"))


class DecisionRow(QWidget):
    """`decided` asks for a decision; below it, `notice` says what was done."""

    decided = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys: Mapping[str, str] = {}
        self._count = 0
        self.buttons: dict[Decision, QPushButton] = {}
        row = QHBoxLayout()
        for decision, text in _BUTTONS:
            button = named(QPushButton(), text)
            button.setMinimumHeight(BUTTON)
            button.clicked.connect(_emitting(self.decided.emit, decision))
            self.buttons[decision] = button
            row.addWidget(button)
        self.note = NoteField()
        self.note.setMinimumHeight(BUTTON)
        row.addWidget(self.note, 1)
        self.notice = Notice()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(NEAR)
        column.addLayout(row)
        column.addWidget(self.notice)
        self.set_count(0)

    def show_keys(self, keys: Mapping[str, str]) -> None:
        """The keys in force, by the names of what they do."""
        self._keys = keys
        self.set_count(self._count)
        self.note.show_key(keys.get("note", ""))
        self.notice.show_keys(keys)

    def set_count(self, count: int) -> None:
        """How many images the next decision is for."""
        self._count = count
        for decision, text in _BUTTONS:
            many = f" \N{MULTIPLICATION SIGN}{count}" if count > 1 else ""
            self.buttons[decision].setText(
                f"{label_shape(decision)} {text}{many}{with_key(self._keys.get(decision.value, ''))}".strip()
            )
            self.buttons[decision].setAccessibleName(text + many)
            self.buttons[decision].setEnabled(count > 0)


def _emitting(emit: Callable[[Any], None], value: object) -> Callable[[], None]:
    """A slot that ignores what the button says of itself."""
    return lambda *_: emit(value)
