"""What makes thumbnails and heatmaps for the window."""

from collections.abc import Sequence

from PySide6.QtCore import QObject

from scanner.base.settings import Settings

from ..media.explain_process import ExplainProcess
from ..media.heatmap_cache import HeatmapCache
from ..media.heatmaps import Heatmaps
from ..media.judged_pictures import JudgedPictures
from ..media.thumbnail_cache import ThumbnailCache
from ..media.thumbnails import Thumbnails
from ..tasks.background import Background

_FINE_SCREEN = 1.4


def make_thumbnails(
    settings: Settings, pictures: JudgedPictures, background: Background, scale: float, parent: QObject
) -> Thumbnails:
    """Larger ones on a fine screen; `scale` is its pixels for each of Qt's."""
    cache = ThumbnailCache(settings.data_dir / "thumbnails", pictures)
    return Thumbnails(cache, background, "x-large" if scale > _FINE_SCREEN else "large", parent)


def make_heatmaps(settings: Settings, command: Sequence[str], background: Background, parent: QObject) -> Heatmaps:
    """`background` may not be the one that decodes the picture in sight: a heatmap would hold up the next picture."""
    explaining = ExplainProcess(settings, command, parent)
    return Heatmaps(HeatmapCache(settings.data_dir / "heatmaps"), explaining, background, settings.model, parent)
