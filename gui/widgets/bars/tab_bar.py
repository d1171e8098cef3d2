"""Tabs whose titles are whole, and of which one sees in any light which is chosen."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QTabBar, QWidget

_MARK = 3


class Tabs(QTabBar):
    """The chosen tab has a line in the colour of what is selected: the style's own difference is not seen in dark windows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_marked = True

    def mark(self, wanted: bool) -> None:
        """Whether the chosen tab is what is in sight; its page may have given way to something else."""
        self._is_marked = wanted
        self.update()

    def tabSizeHint(self, index: int) -> QSize:
        """A little higher: the style draws the titles of those behind lower, and would cut off what is below letters."""
        return super().tabSizeHint(index) + QSize(0, 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The style's tabs, and the line."""
        super().paintEvent(event)
        chosen = self.tabRect(self.currentIndex())
        if chosen.isValid() and self._is_marked:
            painter = QPainter(self)
            painter.fillRect(
                chosen.adjusted(1, 0, -1, _MARK - chosen.height()), self.palette().color(QPalette.ColorRole.Highlight)
            )
            painter.end()
