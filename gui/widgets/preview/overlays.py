"""What can be drawn over the preview. Places are in pixels of the upright original, whatever size the shown picture has."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPaintDevice, QPainter, QPen
from PySide6.QtWidgets import QWidget

from scanner.domain.labels import label_for
from scanner.domain.prediction import Face, Prediction

from ...media.patches import Box, Patch
from ...style.colours import BADGES
from ...texts.verdict_texts import DECIDING, score_text


@dataclass(frozen=True)
class FaceBoxes:
    """The faces of the frame in sight, with their scores; those that are not judged are dashed, and say why. The deciding one of
    several has a wide border and a mark. `width` is the original's, in pixels."""

    prediction: Prediction
    frame: int
    width: float
    threshold: float
    band_low: float

    def paint(self, painter: QPainter, picture: QRectF) -> None:
        """Boxes first, so that no box hides a score; the deciding face last, so that none hides it."""
        faces = [face for face in self.prediction.faces or () if face.frame == self.frame]
        shown = [(face, on_widget(face.box, self.width, picture)) for face in sorted(faces, key=lambda face: face.score or -1.0)]
        for face, place in shown:
            colour, _ = self._colours(face)
            style = Qt.PenStyle.DashLine if face.score is None else Qt.PenStyle.SolidLine
            wide = 4 if self._decides(face) else 2
            for pen in (QPen(QColor(0, 0, 0, 160), wide + 2), QPen(colour, wide, style)):
                painter.setPen(pen)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(place)
        for face, place in shown:
            self._tag(painter, place, face)

    def _decides(self, face: Face) -> bool:
        judged = [other for other in self.prediction.faces or () if other.score is not None]
        return len(judged) > 1 and face == self.prediction.deciding_face

    def _tag(self, painter: QPainter, place: QRectF, face: Face) -> None:
        text = self.prediction.why_unjudged(face) if face.score is None else score_text(face.score)
        if self._decides(face):
            text = f"{DECIDING} {text}"
        metrics = QFontMetrics(painter.font())
        tag = QRectF(place.left() - 1, 0, metrics.horizontalAdvance(text) + 8, metrics.height() + 2)
        if face.score is None and tag.width() > max(place.width(), tag.height()):
            return  # a crowd of words would hide the faces; the strip says it
        above = place.top() - tag.height()
        tag.moveTop(above if above > 0 else max(place.top(), 0.0))
        background, foreground = self._colours(face)
        painter.fillRect(tag, background)
        painter.setPen(foreground)
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, text)

    def _colours(self, face: Face) -> tuple[QColor, QColor]:
        if face.score is None:
            return BADGES["unjudged"]
        label = label_for(face.score, self.threshold, self.band_low)
        return BADGES["found-real" if label == "real" else label]  # green is what a person calls real


@dataclass(frozen=True)
class Words:
    """What the picture in sight is, in its lower left corner: faces are seldom there, and their scores stand above them."""

    text: str

    def paint(self, painter: QPainter, picture: QRectF) -> None:
        """On black, whatever lies below."""
        metrics = QFontMetrics(painter.font())
        size = QSizeF(metrics.horizontalAdvance(self.text) + 12, metrics.height() + 6)
        bottom = min(picture.bottom(), _height(painter.device()))
        place = QRectF(QPointF(max(picture.left(), 0.0), bottom - size.height()), size)
        painter.fillRect(place, QColor(0, 0, 0, 210))
        painter.setPen(QColor("white"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, self.text)


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


def _height(device: QPaintDevice) -> float:
    """What is painted on, in the units that a painter counts in: a widget's height is in them, an image's is in pixels."""
    return float(device.height()) if isinstance(device, QWidget) else device.height() / device.devicePixelRatioF()


def on_widget(box: Box, width: float, picture: QRectF) -> QRectF:
    """Where a box of the original (of `width` pixels) is on the widget that shows all of it at `picture`."""
    ratio = picture.width() / width
    left, top, wide, high = (side * ratio for side in box)
    return QRectF(picture.topLeft() + QPointF(left, top), picture.topLeft() + QPointF(left + wide, top + high))
