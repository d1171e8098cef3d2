"""The note of the images in sight. What is written stays with them, also when it is not stored yet."""

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from ..texts.accessible_names import named
from ..texts.key_words import with_key

_MAX_LENGTH = 10_000


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
        count = len(of)
        words = "Note" if count < 2 else f"Note for these {count} images"
        self.setPlaceholderText(words + with_key(self._key))
        text = self.drafts.get(of, stored)
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
