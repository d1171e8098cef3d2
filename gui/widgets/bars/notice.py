"""What was just done, beside the picture: the image's name, what was decided, and the way back."""

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from ...style.icons import icon
from ...tasks.undo import Told, Way
from ...texts.accessible_names import named
from ...texts.key_words import with_key
from ..elided_label import ElidedLabel

_SHOWN_MILLISECONDS = 12_000
_ICONS = {Way.UNDO: "undo-2", Way.REDO: "redo-2"}
_BUTTONS = {Way.UNDO: "Undo", Way.REDO: "Redo"}


class Notice(QFrame):
    """Keeps its room when it is empty, so that nothing jumps. `undo_wanted` and `redo_wanted` follow its button."""

    undo_wanted = Signal()
    redo_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._way = Way.UNDO
        self._keys: Mapping[str, str] = {}
        self._named: Way | None = None  # the way whose icon the button has
        self.words = named(ElidedLabel(), "What was just done")
        self.button = QPushButton()
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # keys go on meaning images
        self.button.clicked.connect(self._go_back)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)
        for widget in (self.words, self.button):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(policy)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOWN_MILLISECONDS)
        self._timer.timeout.connect(self.clear)
        self.clear()

    def tell(self, told: Told) -> None:
        """Something was done."""
        self._way = told.way_back
        self.words.setText(told.words)
        self._name_button()
        self.button.setVisible(True)
        self._timer.start()

    def say(self, words: str) -> None:
        """Something happened that is not for this window to take back."""
        self.clear()
        self.words.setText(words)
        self._timer.start()

    def clear(self) -> None:
        """It is no longer news."""
        self.words.setText("")
        self._way = Way.UNDO
        self._name_button()
        self.button.setVisible(False)

    def show_keys(self, keys: Mapping[str, str]) -> None:
        """The keys in force, by the names of what they do."""
        self._keys = keys
        self._name_button()

    def _name_button(self) -> None:
        if self._named is not self._way:  # it comes with every decision
            self._named = self._way
            self.button.setIcon(icon(_ICONS[self._way]))
        self.button.setText(_BUTTONS[self._way] + with_key(self._keys.get(self._way.value, "")))

    def _go_back(self) -> None:
        (self.undo_wanted if self._way is Way.UNDO else self.redo_wanted).emit()
