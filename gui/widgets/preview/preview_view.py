"""One picture, to look at closely: fitted or magnified, dragged about, with layers drawn over it."""

from typing import Protocol

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

_STEP = 1.25
_LARGEST = 32.0
# A small picture fills the room it has only so far.
FITTED = 2.0


class Overlay(Protocol):
    """Something drawn over the picture, such as a heatmap or face boxes. Has its place in the upright picture's pixels."""

    def paint(self, painter: QPainter, picture: QRectF) -> None:
        """Draw; `picture` is where the whole picture is on the widget."""


class PreviewView(QWidget):
    """Zoom is in screen pixels per picture pixel; None fits the picture into the widget (magnified `fit_limit` times at most).

    `looked` follows what a person does: zooming and dragging. `double_clicked` has the place on the widget.
    """

    looked = Signal()
    double_clicked = Signal(QPointF)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self._preliminary = False
        self.fit_limit = FITTED
        self._zoom: float | None = None
        # What the person has zoomed to, and where, as shares of the sides from the middle; both stay from image to image, so that
        # the same place can be compared.
        self._chosen_zoom: float | None = None
        self._chosen_centre = QPointF()
        self._centre = QPointF()
        self._dragged_from: QPointF | None = None
        self._text = ""
        self._overlays: list[Overlay] = []
        self.lens: Overlay | None = None  # over all others
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Preview")

    def sizeHint(self) -> QSize:
        """Room for a picture."""
        return QSize(520, 420)

    def minimumSizeHint(self) -> QSize:
        """Less would show nothing."""
        return QSize(200, 160)

    @property
    def image(self) -> QImage:
        """The shown picture."""
        return self._image

    @property
    def zoom(self) -> float:
        """The zoom in force."""
        return self._zoom if self._zoom is not None else self._fitting()

    @property
    def is_fitted(self) -> bool:
        """Whether the picture is fitted into the widget."""
        return self._zoom is None

    def show_picture(self, image: QImage, *, preliminary: bool = False) -> None:
        """Show another picture, at the zoom that the person has chosen.

        A preliminary one (a thumbnail) fills the widget until the real one comes.
        """
        self._image, self._preliminary, self._text = image, preliminary, ""
        self._zoom = None if preliminary else self._chosen_zoom
        size = image.size()
        self._centre = QPointF(self._chosen_centre.x() * size.width(), self._chosen_centre.y() * size.height())
        self._keep_in_sight()
        self.update()

    def show_text(self, text: str) -> None:
        """Show words in place of a picture."""
        self._image, self._text, self._zoom, self._preliminary = QImage(), text, None, False
        self.update()

    def set_overlays(self, overlays: list[Overlay]) -> None:
        """What is drawn over the picture, the first lowest."""
        self._overlays = overlays
        self.update()

    def toggle_zoom(self) -> None:
        """Between fitted and one picture pixel per screen pixel, or more for a picture that is small."""
        self.zoom_at(QPointF(self.rect().center()))

    def zoom_at(self, place: QPointF) -> None:
        """The same around a place on the widget."""
        if self._zoom is None:
            self._zoom_to(max(1.0, 2 * self._fitting()), place)
        else:
            self._zoom = None
            self._tell()

    def look_like(self, other: "PreviewView") -> None:
        """Show the same part as `other`, as large, whatever sizes the pictures have."""
        if self._image.isNull() or other._image.isNull():
            return
        ratio = self._image.width() / other._image.width()
        self._zoom = None if other._zoom is None else other._zoom / ratio
        self._centre = other._centre * ratio
        self._keep_choice()
        self.update()

    def look_at(self, place: QRectF) -> None:
        """Magnify a part of the picture (in its pixels) so far that it fills about half of the widget."""
        if self._image.isNull() or self._preliminary or place.isEmpty():
            return
        wanted = 0.5 * min(self.width() / place.width(), self.height() / place.height())
        self._zoom = min(max(wanted, self._fitting()), _LARGEST)
        self._centre = place.center() - QPointF(self._image.width() / 2, self._image.height() / 2)
        self.update()
        self.looked.emit()

    def zoom_in(self) -> None:
        """A step nearer."""
        self._zoom_to(self.zoom * _STEP, QPointF(self.rect().center()))

    def zoom_out(self) -> None:
        """A step back, at most until it is fitted."""
        self._zoom_to(self.zoom / _STEP, QPointF(self.rect().center()))

    def picture_rect(self) -> QRectF:
        """Where the whole picture is on the widget."""
        size = self._image.size().toSizeF() * self.zoom
        rect = QRectF(QPointF(), size)
        middle = QRectF(self.rect()).center()
        rect.moveCenter(middle)
        if self._zoom is not None:
            rect.translate(-self._centre * self.zoom)
        return rect

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture and what lies over it."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Base))
        if self._image.isNull():
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(24, 24, -24, -24), flags, self._text)
        else:
            # Magnified pixels stay squares: what is looked for are traces in them.
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.zoom < 2 or self._preliminary)
            painter.drawImage(self.picture_rect(), self._image)
            if not self._preliminary:
                for overlay in (*self._overlays, *([self.lens] if self.lens is not None else [])):
                    overlay.paint(painter, self.picture_rect())
        if self.hasFocus():
            painter.setPen(self.palette().color(QPalette.ColorRole.Highlight))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer."""
        if event.angleDelta().y():
            self._zoom_to(self.zoom * (_STEP if event.angleDelta().y() > 0 else 1 / _STEP), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._dragged_from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        if self._dragged_from is not None and self._zoom is not None:
            self._pan(event.position() - self._dragged_from)
            self._dragged_from = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End of dragging."""
        self._dragged_from = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """What it means is decided elsewhere."""
        self.double_clicked.emit(event.position())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move a magnified picture; a fitted one leaves them to the list."""
        step = 60.0
        moves = {
            Qt.Key.Key_Left: QPointF(step, 0),
            Qt.Key.Key_Right: QPointF(-step, 0),
            Qt.Key.Key_Up: QPointF(0, step),
            Qt.Key.Key_Down: QPointF(0, -step),
        }
        move = moves.get(Qt.Key(event.key()))
        if move is not None and self._zoom is not None:
            self._pan(move)
        else:
            event.ignore()

    def changeEvent(self, event: QEvent) -> None:
        """Light and dark."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def _fitting(self) -> float:
        if self._image.isNull():
            return 1.0
        ratio = min(self.width() / self._image.width(), self.height() / self._image.height())
        return ratio if self._preliminary else min(self.fit_limit, ratio)

    def _zoom_to(self, zoom: float, around: QPointF) -> None:
        """Zoom, keeping the picture's point at `around` where it is."""
        if self._image.isNull() or self._preliminary:
            return
        zoom = min(zoom, _LARGEST)
        before = self.picture_rect()
        old = self.zoom
        if zoom <= self._fitting() and zoom < old:
            self._zoom = None
        else:
            point = (around - before.topLeft()) / old  # in picture pixels
            middle = QPointF(self._image.width() / 2, self._image.height() / 2)
            self._zoom = zoom
            self._centre = point - middle - (around - QRectF(self.rect()).center()) / zoom
            self._keep_in_sight()
        self._tell()

    def _pan(self, by: QPointF) -> None:
        self._centre -= by / self.zoom
        self._keep_in_sight()
        self._tell()

    def _keep_in_sight(self) -> None:
        half_width, half_height = self._image.width() / 2, self._image.height() / 2
        self._centre.setX(min(max(self._centre.x(), -half_width), half_width))
        self._centre.setY(min(max(self._centre.y(), -half_height), half_height))

    def _keep_choice(self) -> None:
        self._chosen_zoom = self._zoom
        if not self._image.isNull():
            size = self._image.size()
            self._chosen_centre = QPointF(self._centre.x() / size.width(), self._centre.y() / size.height())

    def _tell(self) -> None:
        self._keep_choice()
        self.update()
        self.looked.emit()
