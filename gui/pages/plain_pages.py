"""Pages that are a few words and a button: opening, trouble, the first start."""

import os

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from ..style.icons import iconed
from ..style.spacing import GAP
from ..texts.outside import plain

_WIDTH = 560


class _Plain(QWidget):
    """A title, words, and room for buttons, in the middle."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = plain(QLabel(title))
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * 1.7)
        font.setBold(True)
        self.title.setFont(font)
        self.title.setWordWrap(True)
        self.title.setFixedWidth(_WIDTH - 24)
        self.words = plain(QLabel())
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setFixedWidth(_WIDTH - 24)
        inner = QWidget()
        inner.setFixedWidth(_WIDTH)  # only then is it known how high the words are
        self.column = QVBoxLayout(inner)
        self.column.setSpacing(2 * GAP)
        self.column.addWidget(self.title)
        self.column.addWidget(self.words)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addWidget(inner, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)

    def _name(self, title: str) -> None:
        _fit(self.title, title)

    def _say(self, text: str) -> None:
        _fit(self.words, text)


def _fit(label: QLabel, text: str) -> None:
    """All of a text, whatever the font: a centred widget is not asked how high its words are at its width."""
    label.setText(text)
    label.setMinimumHeight(label.heightForWidth(label.width()))


class OpeningPage(_Plain):
    """While the database is opened."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._name("Opening the database\N{HORIZONTAL ELLIPSIS}")

    def say_it_takes_long(self) -> None:
        """After some seconds."""
        self._say("It does not answer yet. Another program may hold it; this goes on waiting.")


class TroublePage(_Plain):
    """What is wrong, what to do, and another try."""

    again = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._name("The database cannot be used")
        self.button = iconed(QPushButton("Try again"), "refresh-cw")
        self.button.clicked.connect(self.again)
        self.column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)

    def show_trouble(self, reason: str) -> None:
        """The reason names the next step."""
        self._say(reason)


class FirstStartPage(_Plain):
    """Asks for a folder, by a button or by dropping one."""

    folder_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self._name("Which folder shall be looked through?")
        self._say(
            "Choose a folder with images. Each one is scored for being a deepfake, and those that stand out are shown "
            "to you, the most certain first, while the rest is still being looked through.\n\n"
            "Your files are only read, and nothing leaves this computer."
        )
        self.button = iconed(QPushButton("Choose a folder\N{HORIZONTAL ELLIPSIS}"), "folder-plus")
        self.button.setDefault(True)
        self.button.clicked.connect(self._choose)
        self.hint = plain(QLabel("You can also drop a folder here."))
        self.column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addWidget(self.hint)
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Folders are welcome."""
        if self._folder(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """A folder was dropped."""
        if folder := self._folder(event):
            self.folder_chosen.emit(folder)

    def _folder(self, event: QDropEvent) -> str:
        paths = [url.toLocalFile() for url in event.mimeData().urls()]
        return paths[0] if len(paths) == 1 and os.path.isdir(paths[0]) else ""

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "A folder with images")
        if folder:
            self.folder_chosen.emit(folder)
