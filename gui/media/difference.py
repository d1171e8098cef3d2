"""Where two pictures differ. Works on pictures that are decoded already, in any thread."""

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter

# How much a difference may be amplified: doublings.
GAINS = (1, 4, 16, 64)
# Sides whose ratio differs by more are of pictures that are cut differently.
_SAME_CUT = 0.02


@dataclass(frozen=True)
class Pair:
    """Two pictures of one size, the second scaled to the first, and their absolute difference, amplified."""

    one: QImage
    other: QImage
    difference: QImage
    gain: int
    is_equal: bool
    is_same_cut: bool


def pair_of(one: QImage, other: QImage, gain: int) -> Pair:
    """Lay `other` over `one`: scaled to its size, whatever its own."""
    first = one.convertToFormat(QImage.Format.Format_RGB32)
    ratio = (one.width() * other.height()) / (one.height() * other.width())
    second = other.convertToFormat(QImage.Format.Format_RGB32)
    if second.size() != first.size():
        second = second.scaled(first.size(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    same = one.size() == other.size() and first == second
    return Pair(first, second, difference(first, second, gain), gain, same, abs(ratio - 1) <= _SAME_CUT)


def difference(one: QImage, other: QImage, gain: int) -> QImage:
    """The absolute difference of each value, times `gain` (a power of two), at most white. Both have one size and format."""
    found = one.copy()
    painter = QPainter(found)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
    painter.drawImage(0, 0, other)
    painter.end()
    while gain > 1:
        same = found.copy()
        painter = QPainter(found)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Plus)
        painter.drawImage(0, 0, same)
        painter.end()
        gain //= 2
    return found
