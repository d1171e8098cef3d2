"""A line of text that is shortened in its middle where there is no room, and never widens what it is in."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from ..texts.outside import plain, tip


class ElidedLabel(QLabel):
    """Plain text in one line; all of it is in the tooltip while it does not fit."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        plain(self)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """As wide as nothing, as high as a line."""
        return QSize(0, self.sizeHint().height())

    def sizeHint(self) -> QSize:
        """The line's height does not hang on the text; room for the lines below letters, too."""
        margins = self.contentsMargins()
        height = self.fontMetrics().height() + 2 + margins.top() + margins.bottom()
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + margins.left() + margins.right(), height)

    def shown_text(self) -> str:
        """What is seen at this width."""
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.contentsRect().width())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text, as far as there is room."""
        shown = self.shown_text()
        self.setToolTip(tip(self.text()) if shown != self.text() else "")
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)
        painter.end()
