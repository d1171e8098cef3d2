"""Two pictures side by side; zooming and dragging one moves the other along."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from scanner.base.escape import printable

from ...media.previews import Previews, Shown
from ...style.spacing import EDGE
from ...texts.accessible_names import named
from .preview_view import PreviewView


class CompareView(QWidget):
    """`ended` when the person has seen enough."""

    ended = Signal()

    def __init__(self, previews: Previews, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._previews = previews
        self._previews.ready.connect(self._show)
        self._paths = ("", "")
        self.pictures = (
            named(PreviewView(), "The image in sight"),
            named(PreviewView(), "Its near copy"),
        )
        self.captions = (QLabel(), QLabel())
        grid = QGridLayout()
        for column, (picture, caption) in enumerate(zip(self.pictures, self.captions, strict=True)):
            caption.setWordWrap(True)
            caption.setTextFormat(Qt.TextFormat.PlainText)
            caption.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(caption, 0, column)
            grid.addWidget(picture, 1, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(1, 1)
        left, right = self.pictures
        left.double_clicked.connect(left.zoom_at)
        right.double_clicked.connect(right.zoom_at)
        left.looked.connect(lambda: right.look_like(left))
        right.looked.connect(lambda: left.look_like(right))
        self.back = QPushButton("Back (Esc)")
        self.back.clicked.connect(self.ended)
        row = QHBoxLayout()
        row.addWidget(self.back)
        row.addStretch()
        column_of_all = QVBoxLayout(self)
        column_of_all.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        column_of_all.addLayout(row)
        column_of_all.addLayout(grid, 1)

    def compare(self, path: str, caption: str, other: str, other_caption: str) -> None:
        """Show two files; captions say what is known of them."""
        self._paths = (path, other)
        for number, (one, words) in enumerate(((path, caption), (other, other_caption))):
            self.captions[number].setText(f"{printable(one)}\n{words}")
            self.pictures[number].show_text("Loading\N{HORIZONTAL ELLIPSIS}")
        for shown in (self._previews.show(path, [other]), self._previews.kept(other)):
            if shown is not None:
                self._show(shown)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back."""
        if event.key() == Qt.Key.Key_Escape:
            self.ended.emit()
        else:
            super().keyPressEvent(event)

    def _show(self, shown: Shown) -> None:
        for path, picture in zip(self._paths, self.pictures, strict=True):
            if shown.path == path:
                if shown.image.isNull():
                    picture.show_text(f"This picture cannot be shown: {shown.reason}")
                else:
                    picture.show_picture(shown.image)
