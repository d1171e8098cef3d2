"""What lies over the preview: puts picture, faces and heatmap together, in whichever order they come."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QImage, QPainter

from scanner.review.image_details import Finding

from ...media.patches import Patch
from ...media.previews import Shown
from .overlays import FaceBoxes, Heat, Words
from .preview_view import Overlay, PreviewView

# A frame is larger than a face in the card.
_FRAME_SIDES = 1.5


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
        # The first frame, and the one that decides, where another one is in sight; with the width of the original.
        self._first = (QImage(), 0.0)
        self._deciding = (QImage(), 0.0)

    def clear(self) -> None:
        """Nothing is known yet of the image in sight."""
        self._width, self._finding, self._patches, self._frame = 0.0, None, (), 0
        self._picture = QImage()
        self._first = self._deciding = (QImage(), 0.0)
        self._show()

    def set_picture(self, shown: Shown, frame: int = 0) -> None:
        """The picture has come, or another frame of it."""
        self._frame, self.scale, self._picture = frame, shown.scale, shown.image
        self._width = shown.image.width() / shown.scale
        if not frame:
            self._first = (self._picture, self._width)
        self._show()

    def set_frame(self, frame: int, shown: Shown) -> None:
        """A frame that is not in sight has come: it may be the one that decides."""
        if self._finding is not None and frame == self._finding.prediction.deciding_frame:
            self._deciding = (shown.image, shown.image.width() / shown.scale)
            self.changed.emit()

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
            self._draw()

    def toggle_boxes(self) -> None:
        """Show the faces' boxes, or do not."""
        self._boxes_wanted = not self._boxes_wanted
        self._draw()

    def _show(self) -> None:
        self._draw()
        self.changed.emit()

    def _draw(self) -> None:
        """What is said on the picture, and whether boxes are drawn on it, changes nothing of what decides."""
        layers: list[Overlay] = []
        if self._width and self._patches and not self._frame:
            layers.append(Heat(self._patches, self._width))
        found = self._finding
        if self._width and found is not None and found.prediction.faces and self._boxes_wanted:
            layers.append(FaceBoxes(found.prediction, self._frame, self._width, found.threshold, found.band_low))
        if self._words:
            layers.append(Words(self._words))
        self._preview.set_overlays(layers)

    def deciding_part(self, side: int) -> QImage:
        """What decides, about `side` pixels large: of a video, the frame with its faces; else the face, with the heatmap on it.

        Null while it cannot be shown.
        """
        found = self._finding
        if found is None:
            return QImage()
        frame = found.prediction.deciding_frame
        elsewhere = self._deciding if frame else self._first
        image, width = (self._picture, self._width) if frame == self._frame else elsewhere
        if image.isNull() or not width:
            return QImage()
        if found.prediction.frames:
            shown = _scaled(image, round(_FRAME_SIDES * side))
            boxes = FaceBoxes(found.prediction, frame, width, found.threshold, found.band_low)
            return _painted(shown, boxes, QRectF(shown.rect()))
        face = found.prediction.deciding_face
        if face is None:
            return QImage()
        box, scale = QRectF(*face.box), image.width() / width
        room = box.adjusted(-0.2 * box.width(), -0.2 * box.height(), 0.2 * box.width(), 0.2 * box.height())
        place = QRectF(room.topLeft() * scale, room.size() * scale).intersected(QRectF(image.rect()))
        if place.isEmpty():
            return QImage()
        shown = _scaled(image.copy(place.toAlignedRect()), side)
        if not self._patches or frame:
            return shown
        ratio = shown.width() / place.width()
        whole = QRectF(-place.topLeft() * ratio, image.size().toSizeF() * ratio)
        return _painted(shown, Heat(self._patches, width), whole)


def _scaled(image: QImage, side: int) -> QImage:
    plain = image.convertToFormat(QImage.Format.Format_RGB32)
    return plain.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)


def _painted(image: QImage, overlay: Overlay, whole: QRectF) -> QImage:
    painter = QPainter(image)
    overlay.paint(painter, whole)
    painter.end()
    return image
