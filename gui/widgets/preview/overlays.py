"""What can be drawn over the preview. Places are in pixels of the upright original, whatever size the shown picture has."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen

from scanner.domain.labels import label_for
from scanner.domain.prediction import Face

from ...media.patches import Box, Patch
from ..grid_delegate import BADGES

_SMALL = (QColor("#d0d4da"), QColor("black"))


@dataclass(frozen=True)
class FaceBoxes:
    """Faces of the first frame with their scores; those too small to judge are dashed. `width` is the original's, in pixels."""

    faces: Sequence[Face]
    width: float
    threshold: float
    band_low: float

    def paint(self, painter: QPainter, picture: QRectF) -> None:
        """Boxes first, so that no box hides a score."""
        shown = [(face, on_widget(face.box, self.width, picture)) for face in self.faces if face.frame == 0]
        for face, place in shown:
            colour, _ = self._colours(face)
            style = Qt.PenStyle.DashLine if face.score is None else Qt.PenStyle.SolidLine
            for pen in (QPen(QColor(0, 0, 0, 160), 4), QPen(colour, 2, style)):
                painter.setPen(pen)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(place)
        for face, place in shown:
            self._tag(painter, place, face)

    def _tag(self, painter: QPainter, place: QRectF, face: Face) -> None:
        text = "too small" if face.score is None else f"{face.score:.2f}"
        metrics = QFontMetrics(painter.font())
        tag = QRectF(place.left() - 1, 0, metrics.horizontalAdvance(text) + 8, metrics.height() + 2)
        above = place.top() - tag.height()
        tag.moveTop(above if above > 0 else max(place.top(), 0.0))
        background, foreground = self._colours(face)
        painter.fillRect(tag, background)
        painter.setPen(foreground)
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, text)

    def _colours(self, face: Face) -> tuple[QColor, QColor]:
        return _SMALL if face.score is None else BADGES[label_for(face.score, self.threshold, self.band_low)]


@dataclass(frozen=True)
class Heat:
    """Where the score comes from. `width` is the original's, in pixels."""

    patches: Sequence[Patch]
    width: float

    def paint(self, painter: QPainter, picture: QRectF) -> None:
        """Each patch over its part of the picture."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setClipRect(picture)  # a square around a face may go beyond
        for patch in self.patches:
            painter.drawImage(on_widget(patch.box, self.width, picture), patch.image)
        painter.restore()


def on_widget(box: Box, width: float, picture: QRectF) -> QRectF:
    """Where a box of the original (of `width` pixels) is on the widget that shows all of it at `picture`."""
    ratio = picture.width() / width
    left, top, wide, high = (side * ratio for side in box)
    return QRectF(picture.topLeft() + QPointF(left, top), picture.topLeft() + QPointF(left + wide, top + high))
