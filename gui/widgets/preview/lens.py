"""The magnifier: single pixels of the picture around the pointer, enlarged, with their place and values."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from ...style.colours import SURROUND
from .preview_view import PreviewView

_SIDE = 232.0
_LEAST, _MOST = 8.0, 32.0
_MOVES = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
_STEP = 8.0


class Lens(QObject):
    """Over one preview. It follows the pointer; Shift and arrows move it while the preview has the focus.

    `scale` gives the shown picture's side divided by the original's, for the place that is told.
    """

    def __init__(self, preview: PreviewView, scale: Callable[[], float]) -> None:
        super().__init__(preview)
        self._preview = preview
        self._scale = scale
        self._place = QPointF(0.5, 0.5)  # as shares of the picture's sides: it stays from image to image
        preview.installEventFilter(self)

    @property
    def is_on(self) -> bool:
        """Whether it is in sight."""
        return self._preview.lens is self

    def toggle(self) -> None:
        """Put it over the picture, where keys move it, or away."""
        self._preview.lens = None if self.is_on else self
        if self.is_on:
            self._preview.setFocus()
        self._preview.setMouseTracking(self.is_on)
        self._preview.update()

    @property
    def pixel(self) -> tuple[int, int]:
        """The pixel of the shown picture in its middle."""
        image = self._preview.image
        column, row = int(self._place.x() * image.width()), int(self._place.y() * image.height())
        return min(max(column, 0), image.width() - 1), min(max(row, 0), image.height() - 1)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pointer and keys move it."""
        if self.is_on and isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            self._move_to(event.position())
        elif self.is_on and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            move = _MOVES.get(Qt.Key(event.key()))
            if move is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._move_to(self._at() + QPointF(*move) * max(_STEP, self._preview.zoom))
                return True
        return super().eventFilter(watched, event)

    def frame(self) -> QRectF:
        """Where it is on the widget: all of it, words at its bottom included, however low that is."""
        room = QRectF(self._preview.rect()).adjusted(2, 2, -2, -2)
        frame = QRectF(QPointF(), QSizeF(_SIDE, _SIDE).boundedTo(room.size()))
        frame.moveCenter(self._at())
        frame.moveLeft(max(min(frame.left(), room.right() - frame.width()), room.left()))
        frame.moveTop(max(min(frame.top(), room.bottom() - frame.height()), room.top()))
        return frame

    def paint(self, painter: QPainter, picture: QRectF) -> None:
        """Pixels stay squares; the one that is told of has a border."""
        image = self._preview.image
        factor = min(max(_LEAST, 2 * self._preview.zoom), _MOST)
        column, row = self.pixel
        frame = self.frame()
        painter.save()
        painter.setClipRect(frame)
        painter.fillRect(frame, SURROUND)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        part = frame.size() / factor
        shown = QRectF(QPointF(column + 0.5, row + 0.5) - QPointF(part.width(), part.height()) / 2, part)
        painter.drawImage(frame, image, shown)
        middle = QRectF(QPointF(), QSizeF(factor, factor))
        middle.moveCenter(frame.center())
        for pen in (QPen(QColor("black"), 3), QPen(QColor("white"), 1)):
            painter.setPen(pen)
            painter.drawRect(middle)
        colour = image.pixelColor(column, row)
        x, y = (int(side / self._scale()) for side in (column, row))
        words = f"{x}, {y}   RGB {colour.red()} {colour.green()} {colour.blue()}   \N{MULTIPLICATION SIGN}{factor:.3g}"
        high = painter.fontMetrics().height() + 4
        line = QRectF(frame.left(), frame.bottom() - high, frame.width(), high)
        painter.fillRect(line, QColor(0, 0, 0, 200))
        painter.drawText(line, int(Qt.AlignmentFlag.AlignCenter), words)
        painter.setPen(QPen(QColor("white"), 2))
        painter.drawRect(frame)
        painter.restore()

    def _at(self) -> QPointF:
        """Its middle on the widget."""
        picture = self._preview.picture_rect()
        return picture.topLeft() + QPointF(self._place.x() * picture.width(), self._place.y() * picture.height())

    def _move_to(self, at: QPointF) -> None:
        picture = self._preview.picture_rect()
        if picture.isEmpty():
            return
        inside = at - picture.topLeft()
        self._place = QPointF(min(max(inside.x() / picture.width(), 0.0), 1.0), min(max(inside.y() / picture.height(), 0.0), 1.0))
        self._preview.update()
