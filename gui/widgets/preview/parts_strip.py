"""The parts that a verdict rests on, side by side: every face of a picture, every frame of a video or an animation."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from scanner.domain.prediction import Face, Prediction

from ...media.patches import Box
from ...texts.accessible_names import named
from ...texts.outside import tip
from ...texts.verdict_texts import DECIDING, clock, score_text

_SIDE = 52
_PART = int(Qt.ItemDataRole.UserRole)


@dataclass(frozen=True)
class Part:
    """A face (`box` in pixels of the upright picture) or a whole frame; `seconds` in a video."""

    words: str
    told: str
    frame: int = 0
    seconds: float | None = None
    box: Box | None = None


def parts_of(prediction: Prediction) -> list[Part]:
    """What made the score comes first. One part alone is no choice, and is not listed."""
    frames = prediction.frames or ()
    times = {frame.frame: frame.seconds for frame in frames}
    parts = [
        Part(
            f"{_mark(not rank)}{clock(frame.seconds)}\n{score_text(frame.score)}",
            "A frame of the video",
            frame.frame,
            frame.seconds,
        )
        for rank, frame in enumerate(frames)
    ]
    faces = sorted(prediction.faces or (), key=lambda face: -1.0 if face.score is None else face.score, reverse=True)
    several = len(faces) > 1 or any(face.frame for face in faces)
    for rank, face in enumerate(faces if several else ()):
        verdict = prediction.why_unjudged(face) if face.score is None else score_text(face.score)
        words = f"{_mark(not rank and face.score is not None)}{verdict}"
        parts.append(Part(words, _told(face, verdict, times), face.frame, times.get(face.frame), face.box))
    return parts


def _mark(decides: bool) -> str:
    return f"{DECIDING} " if decides else ""


def _told(face: Face, verdict: str, times: dict[int, float]) -> str:
    where = f" at {clock(times[face.frame])}" if face.frame in times else f" in frame {face.frame + 1}" if face.frame else ""
    return f"A face of {face.box[2]} \N{MULTIPLICATION SIGN} {face.box[3]} pixels{where}: {verdict}"


class PartsStrip(QListWidget):
    """`chosen` names a part to look at. Hidden while there is nothing to choose from."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Faces and frames")
        self.setFlow(QListWidget.Flow.LeftToRight)
        self.setWrapping(False)
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setFixedHeight(_SIDE + 34)
        self.setHorizontalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.itemClicked.connect(self._choose)
        self.itemActivated.connect(self._choose)
        # Pictures of frames, with their side divided by the original's.
        self._frames: dict[int, tuple[QImage, float]] = {}
        self.setVisible(False)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Those in the strip."""
        return tuple(self.item(row).data(_PART) for row in range(self.count()))

    def show_parts(self, parts: Sequence[Part]) -> None:
        """Fill the strip; pictures come with `set_frame`."""
        if tuple(parts) != self.parts:
            self.clear()
            for part in parts:
                item = QListWidgetItem(part.words)
                item.setToolTip(tip(part.told))
                item.setData(Qt.ItemDataRole.AccessibleTextRole, part.told)
                item.setData(_PART, part)
                self.addItem(item)
        self.setVisible(bool(parts))
        self._draw()

    def set_frame(self, frame: int, image: QImage, scale: float) -> None:
        """A frame, and what is cut from it; `scale` is its side divided by the original's."""
        self._frames[frame] = (image, scale)
        self._draw()

    def forget_frames(self) -> None:
        """Another image is in sight."""
        self._frames.clear()

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(_PART))

    def _draw(self) -> None:
        side = round(_SIDE * self.devicePixelRatioF())
        for row in range(self.count()):
            item, part = self.item(row), self.item(row).data(_PART)
            image, scale = self._frames.get(part.frame, (QImage(), 1.0))
            if image.isNull() or not item.icon().isNull():
                continue
            box = part.box or (0, 0, round(image.width() / scale), round(image.height() / scale))
            place = QRect(*(round(value * scale) for value in box)).intersected(image.rect())
            if not place.isEmpty():
                cut = image.copy(place).scaled(
                    side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
                )
                item.setIcon(_plain(QPixmap.fromImage(cut)))


def _plain(pixmap: QPixmap) -> QIcon:
    """Not tinted when it is selected: its colours are what is looked at."""
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        icon.addPixmap(pixmap, mode)
    return icon
