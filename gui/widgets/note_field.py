"""The note of the images in sight. What is written stays with them, also when it is not stored yet."""

from collections.abc import Collection

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from ..texts.accessible_names import named
from ..texts.key_words import with_key

_MAX_LENGTH = 10_000
_HELD = "Its image has left the list; Enter or Esc goes on"


class NoteField(QLineEdit):
    """Enter stores the note (`stored`, with its text); `left` gives the focus back."""

    stored = Signal(str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Note")
        self.setMaxLength(_MAX_LENGTH)
        self.setClearButtonEnabled(True)
        self._of: frozenset[int] = frozenset()
        self._stored = ""
        self._key = ""
        self._is_held = False
        # What was written on images and is not stored, by the ids of their contents.
        self.drafts: dict[frozenset[int], str] = {}
        self.textEdited.connect(self._keep_draft)
        self.textChanged.connect(self._show_state)
        self.returnPressed.connect(self._store)
        self.setPlaceholderText("Note")
        self.setEnabled(False)
        self._show_state()

    def show_for(self, contents: Collection[int], stored: str) -> None:
        """Other images are in sight, or their stored note has come."""
        of = frozenset(contents)
        if of == self._of and stored == self._stored:
            return
        self._of, self._stored = of, stored
        self.setEnabled(bool(of))
        self._fill()

    def hold(self, *_: object) -> None:
        """The image that is being written about has left: what is still typed belongs to no other one, and is no key either."""
        if self.hasFocus():
            self._is_held = True
            self._fill()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Nothing is written while it is held; Enter leaves, and so does the key for that."""
        if not self._is_held:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Nor by other ways of writing."""
        if not self._is_held:
            super().inputMethodEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Whoever comes back means the image in sight."""
        super().focusOutEvent(event)
        if self._is_held and event.reason() != Qt.FocusReason.ActiveWindowFocusReason:
            self._is_held = False
            self._fill()

    def _fill(self) -> None:
        count = len(self._of)
        words = "Note" if count < 2 else f"Note for these {count} images"
        text = "" if self._is_held else self.drafts.get(self._of, self._stored)
        self.setPlaceholderText(_HELD if self._is_held else words + with_key(self._key))
        if text != self.text():
            self.setText(text)
        self._show_state()

    def show_key(self, key: str) -> None:
        """The key that leads here."""
        self.setPlaceholderText(self.placeholderText().removesuffix(with_key(self._key)) + with_key(key))
        self._key = key

    def take_draft(self) -> str | None:
        """What was written on the images in sight and is not stored yet; None when nothing was. It goes with the decision."""
        draft = self.drafts.pop(self._of, None)
        self._show_state()
        return draft.strip() if draft is not None else None

    def _keep_draft(self, text: str) -> None:
        if text == self._stored:
            self.drafts.pop(self._of, None)
        else:
            self.drafts[self._of] = text

    def _store(self) -> None:
        draft = self.take_draft()
        if draft is not None:
            self._stored = draft
            self.stored.emit(draft)
        self.left.emit()

    def _show_state(self, *_: object) -> None:
        alone = "Enter stores the note alone"
        waits = "Not stored yet: Enter stores it, and so does a decision on the image. Esc leaves the field."
        self.setToolTip(waits if self._of in self.drafts else alone)
