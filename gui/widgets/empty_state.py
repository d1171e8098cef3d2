"""What is shown where there are no images: why, what hides them, where else they are, and what to do."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from scanner.review.criteria import Tab

from ..style.icons import icon, iconed
from ..style.spacing import EDGE, GAP
from ..texts.accessible_names import named
from ..texts.outside import in_html, plain


class EmptyState(QWidget):
    """`clear_wanted` asks for no filters, `tab_wanted` for another tab."""

    clear_wanted = Signal()
    tab_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = named(plain(QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)), "State of the list")
        self.elsewhere = named(QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True), "Where else they are")
        self.elsewhere.linkActivated.connect(lambda name: self.tab_wanted.emit(Tab(name)))
        self.clear = iconed(named(QPushButton("Clear the filters"), "Clear the filters"), "x")
        self.clear.clicked.connect(self.clear_wanted)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.clear)
        row.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * EDGE, 3 * EDGE, 3 * EDGE, 3 * EDGE)
        column.setSpacing(GAP)
        column.addStretch(2)
        column.addWidget(EmptyPicture("images"), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.words)
        column.addWidget(self.elsewhere)
        column.addLayout(row)
        column.addStretch(3)
        self.say("", narrowed=False)

    def text(self) -> str:
        """What it says."""
        return self.words.text()

    def say(self, words: str, *, narrowed: bool) -> None:
        """Why there is nothing; `narrowed`: filters may hide it."""
        self.words.setText(words)
        self.clear.setVisible(narrowed)
        if not narrowed:
            self.show_elsewhere(())

    def show_elsewhere(self, counts: Sequence[tuple[Tab, str, int]]) -> None:
        """Tabs in which the same filters find something, with their names."""
        links = ", ".join(f"<a href='{tab.value}'>{in_html(name)}: {count:,}</a>" for tab, name, count in counts)
        self.elsewhere.setText(f"The same filters find in other tabs: {links}" if links else "")
        self.elsewhere.setVisible(bool(links))


class EmptyPicture(QWidget):
    """A large icon where there is nothing else to see, in the colour of secondary text."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name

    def sizeHint(self) -> QSize:
        """Small beside the words."""
        return QSize(96, 96)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The icon, in the middle."""
        painter = QPainter(self)
        colour = self.palette().color(QPalette.ColorRole.PlaceholderText)
        icon(self._name, colour).paint(painter, self.rect())
        painter.end()
