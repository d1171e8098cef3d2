"""What lies over the preview: puts picture, faces and heatmap together, in whichever order they come."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter

from scanner.review.image_details import Finding

from ...media.patches import Patch
from ...media.previews import Shown
from .overlays import FaceBoxes, Heat, Words
from .preview_view import Overlay, PreviewView


class Layers(QObject):
    """Of one preview. `clear` comes with each other image; `changed` follows whatever comes."""

    changed = Signal()

    def __init__(self, preview: PreviewView) -> None:
        super().__init__(preview)
        self._preview = preview
        self._boxes_wanted = True
        self._picture = QImage()
        self._width = 0.0
        self._frame = 0
        self.scale = 1.0  # the shown picture's side divided by the original's
        self._finding: Finding | None = None
        self._patches: Sequence[Patch] = ()
        self._words = ""

    def clear(self) -> None:
        """Nothing is known yet of the image in sight."""
        self._width, self._finding, self._patches, self._frame = 0.0, None, (), 0
        self._picture = QImage()
        self._show()

    def set_picture(self, shown: Shown, frame: int = 0) -> None:
        """The picture has come, or another frame of it."""
        self._frame, self.scale, self._picture = frame, shown.scale, shown.image
        self._width = shown.image.width() / shown.scale
        self._show()

    def set_finding(self, finding: Finding) -> None:
        """What the model found has come."""
        self._finding = finding
        self._show()

    def set_heat(self, patches: Sequence[Patch]) -> None:
        """The heatmap has come, or is to go."""
        self._patches = patches
        self._show()

    def set_words(self, words: str) -> None:
        """What is said on the picture itself; empty for nothing."""
        if words != self._words:
            self._words = words
            self._show()

    def toggle_boxes(self) -> None:
        """Show the faces' boxes, or do not."""
        self._boxes_wanted = not self._boxes_wanted
        self._show()

    def _show(self) -> None:
        layers: list[Overlay] = []
        if self._width and self._patches and not self._frame:
            layers.append(Heat(self._patches, self._width))
        found = self._finding
        if self._width and found is not None and found.prediction.faces and self._boxes_wanted:
            layers.append(FaceBoxes(found.prediction, self._frame, self._width, found.threshold, found.band_low))
        if self._words:
            layers.append(Words(self._words))
        self._preview.set_overlays(layers)
        self.changed.emit()

    def deciding_face(self, side: int) -> QImage:
        """The face that decides, as `side` pixels at most, with the heatmap on it; null while it cannot be shown."""
        found = self._finding.prediction.deciding_face if self._finding is not None else None
        if found is None or found.frame != self._frame or self._picture.isNull() or not self._width:
            return QImage()
        box = QRectF(*found.box)
        room = box.adjusted(-0.2 * box.width(), -0.2 * box.height(), 0.2 * box.width(), 0.2 * box.height())
        place = QRectF(room.topLeft() * self.scale, room.size() * self.scale).intersected(QRectF(self._picture.rect()))
        if place.isEmpty():
            return QImage()
        cut = self._picture.copy(place.toAlignedRect()).convertToFormat(QImage.Format.Format_RGB32)
        shown = cut.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        if self._patches:
            ratio = shown.width() / place.width()
            whole = QRectF(-place.topLeft() * ratio, self._picture.size().toSizeF() * ratio)
            painter = QPainter(shown)
            Heat(self._patches, self._width).paint(painter, whole)
            painter.end()
        return shown
