"""What lies over the preview: puts picture, faces and heatmap together, in whichever order they come."""

from collections.abc import Sequence

from PySide6.QtCore import QObject

from scanner.review.image_details import Finding

from ...media.patches import Patch
from ...media.previews import Shown
from .overlays import FaceBoxes, Heat
from .preview_view import Overlay, PreviewView


class Layers(QObject):
    """Of one preview. `clear` comes with each other image."""

    def __init__(self, preview: PreviewView) -> None:
        super().__init__(preview)
        self._preview = preview
        self._boxes_wanted = True
        self._width = 0.0
        self._finding: Finding | None = None
        self._patches: Sequence[Patch] = ()

    def clear(self) -> None:
        """Nothing is known yet of the image in sight."""
        self._width, self._finding, self._patches = 0.0, None, ()
        self._show()

    def set_picture(self, shown: Shown) -> None:
        """The picture has come."""
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

    def toggle_boxes(self) -> None:
        """Show the faces' boxes, or do not."""
        self._boxes_wanted = not self._boxes_wanted
        self._show()

    def _show(self) -> None:
        layers: list[Overlay] = []
        if self._width and self._patches:
            layers.append(Heat(self._patches, self._width))
        found = self._finding
        if self._width and found is not None and found.prediction.faces and self._boxes_wanted:
            layers.append(FaceBoxes(found.prediction.faces, self._width, found.threshold, found.band_low))
        self._preview.set_overlays(layers)
