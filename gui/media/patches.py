"""A heatmap as the window holds it: colours, and the part of the picture they belong to."""

from dataclasses import dataclass

from PySide6.QtGui import QImage

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Patch:
    """A heatmap as colours with transparency, and the part of the picture it belongs to (left, top, width, height)."""

    box: Box
    image: QImage
