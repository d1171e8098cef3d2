"""Parts of cells that look the same each time: drawn once, and kept for the next time."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter, QPixmap

from ...style.colours import BADGES

_ROUNDING = 4
# A few screens full.
_KEPT = 96


class DrawnOnce:
    """Badges, thumbnails as large as they are shown, and shortened names; `small` and `bold` are the fonts of cells."""

    def __init__(self, small: QFont, bold: QFont) -> None:
        self._small = QFontMetrics(small)
        self._bold = QFontMetrics(bold)
        self._bold_font = bold
        self._badges: OrderedDict[Hashable, QPixmap] = OrderedDict()
        self._pictures: OrderedDict[Hashable, QPixmap] = OrderedDict()
        self._names: OrderedDict[Hashable, str] = OrderedDict()

    @property
    def line(self) -> int:
        """The height of a line of small text."""
        return self._small.height()

    def badge_size(self, text: str) -> QSize:
        """Of words on the colour of their kind."""
        return QSize(self._bold.horizontalAdvance(text) + 12, self._bold.height() + 4)

    def badge(self, kind: str, text: str, ratio: float) -> QPixmap:
        """Words on the colour of their kind."""

        def draw() -> QPixmap:
            size = self.badge_size(text)
            made = QPixmap(size * ratio)
            made.setDevicePixelRatio(ratio)
            made.fill(Qt.GlobalColor.transparent)
            background, foreground = BADGES.get(kind, BADGES["unsure"])
            painter = QPainter(made)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            # Its edge tells it from what is selected, which has the same ground.
            painter.setPen(foreground if kind == "stack" else Qt.PenStyle.NoPen)
            painter.setBrush(background)
            around = QRectF(0, 0, size.width(), size.height())
            painter.drawRoundedRect(around.adjusted(0.5, 0.5, -0.5, -0.5) if kind == "stack" else around, _ROUNDING, _ROUNDING)
            painter.setPen(foreground)
            painter.setFont(self._bold_font)
            painter.drawText(QRect(0, 0, size.width(), size.height()), int(Qt.AlignmentFlag.AlignCenter), text)
            painter.end()
            return made

        return _kept(self._badges, (kind, text, ratio), draw)

    def picture(self, image: QImage, room: QSize, ratio: float) -> QPixmap:
        """A thumbnail in the size in which it is shown; a small one is not magnified beyond twice its size."""

        def draw() -> QPixmap:
            size = image.size().scaled(room * ratio, Qt.AspectRatioMode.KeepAspectRatio)
            size = size.boundedTo(image.size() * 2)
            made = QPixmap.fromImage(
                image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
            )
            made.setDevicePixelRatio(ratio)
            return made

        return _kept(self._pictures, (image.cacheKey(), room.width(), room.height(), ratio), draw)

    def name(self, name: str, width: int) -> str:
        """A name, shortened in its middle where there is no room."""
        return _kept(self._names, (name, width), lambda: self._small.elidedText(name, Qt.TextElideMode.ElideMiddle, width))


T = TypeVar("T")


def _kept(known: OrderedDict[Hashable, T], key: Hashable, make: Callable[[], T]) -> T:
    found = known.get(key)
    if found is None:
        found = known[key] = make()
        if len(known) > _KEPT:
            known.popitem(last=False)
    else:
        known.move_to_end(key)
    return found
