"""Heatmaps of the image in sight: from the cache, else made by the process that explains."""

from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from scanner.base.escape import printable
from scanner.domain.explain_answer import ExplainAnswer
from scanner.media.formats import has_video_suffix
from scanner.review.image_details import ImageDetails

from ..tasks.background import Background
from .explain_process import ExplainProcess
from .heatmap_cache import HeatmapCache, Kept

# Whoever leafs through does not want each one.
_REST_MILLISECONDS = 150


class Offer(StrEnum):
    """What can be done about a heatmap now."""

    NOTHING = ""
    CANCEL = "Cancel"
    ALL = "All faces"


class Heatmaps(QObject):
    """`shown` gives patches (none: nothing to show); `told` words on how it stands, empty when there is nothing to say, and what
    can be done about it. The deciding face or picture comes first; the other faces take long, and come when they are asked for.
    """

    shown = Signal(object)
    told = Signal(str, object)

    def __init__(
        self, cache: HeatmapCache, process: ExplainProcess, background: Background, model: str, parent: QObject | None = None
    ) -> None:
        """`model` is the configured one, a name or a path."""
        super().__init__(parent)
        self.cache = cache
        self._process = process
        self._background = background
        self._model = model
        self._details: ImageDetails | None = None
        self.is_on = False
        self._all = False
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_REST_MILLISECONDS)
        self._resting.timeout.connect(self._look)
        process.answered.connect(self._take)
        process.failed.connect(self._fail)

    def toggle(self) -> None:
        """Show heatmaps from now on, or no more."""
        self.is_on = not self.is_on
        if self.is_on:
            self._look()
        else:
            self._clear()

    def take(self, offer: Offer) -> None:
        """Do what was offered."""
        if offer is Offer.CANCEL:
            self._process.close()
            self.is_on = False
            self._clear()
        elif offer is Offer.ALL:
            self._all = True
            self._ask()

    def set_details(self, details: ImageDetails | None) -> None:
        """Another image is in sight, or more is known of it."""
        if details is not None and self._details is not None and _key(details) == _key(self._details):
            return
        self._details = details
        self._all = False
        if self.is_on:
            self._clear()
            self._resting.start()

    def close(self) -> None:
        """Ask nothing more."""
        self._resting.stop()
        self._process.close()

    def _clear(self) -> None:
        self._background.forget("heatmap")
        self._process.forget()
        self._resting.stop()
        self.shown.emit(())
        self.told.emit("", Offer.NOTHING)

    def _look(self) -> None:
        details = self._details
        if details is not None:
            key = _key(details)
            self._background.ask(lambda: self.cache.find(*key), self._found, lambda error: self._fail(str(error)), "heatmap")

    def _found(self, kept: Kept | None) -> None:
        if kept is not None:
            self._show(kept)
        else:
            self._ask()

    def _ask(self) -> None:
        details = self._details
        if details is None:
            return
        if has_video_suffix(details.path):
            self._fail("it is a video, and heatmaps are of pictures alone")
            return
        found = details.finding
        faces = sum(face.score is not None for face in found.prediction.faces or ())
        what = f"of all {faces} faces" if self._all else "of the deciding face" if faces > 1 else ""
        doing = "being made" if self._process.is_running else "loading the model"
        self.told.emit(f"Heatmap {what}: {doing}\N{HORIZONTAL ELLIPSIS}".replace(" :", ":"), Offer.CANCEL)
        model = self._model if Path(self._model).stem == found.model else found.model
        self._process.ask(details.path, self.cache.folder_of(*_key(details)), model, None if self._all or faces < 2 else 1)

    def _take(self, answer: ExplainAnswer) -> None:
        details = self._details
        if not self.is_on or details is None or answer.path != details.path:
            return
        if answer.error:
            self._fail(answer.error)
        elif answer.sha256 != details.sha256:
            self._fail("the file has changed since it was scanned")
        else:
            key, is_all = _key(details), self._all or not self._is_crowd(details)
            self._background.ask(
                lambda: self._keep(key, answer, is_all), self._kept, lambda error: self._fail(str(error)), "heatmap"
            )

    def _is_crowd(self, details: ImageDetails) -> bool:
        return sum(face.score is not None for face in details.finding.prediction.faces or ()) > 1

    def _keep(self, key: tuple[str, str], answer: ExplainAnswer, is_all: bool) -> Kept | str:
        try:
            return self.cache.keep(*key, answer, is_all=is_all)
        except (OSError, SyntaxError) as error:
            return str(error)

    def _kept(self, kept: Kept | str) -> None:
        if isinstance(kept, str):
            self._fail(kept)
        else:
            self._show(kept)

    def _show(self, kept: Kept) -> None:
        self.shown.emit(kept.patches)
        hot = "red is where this model sees most of a forgery; it is no proof that there is one."
        by = f" by the part {printable(kept.part)}" if kept.part else ""
        what = "Heatmap" if kept.is_all else "Heatmap of the deciding face"
        words = f"{what}{by}: {hot}" if kept.patches else f"Heatmap{by}: nothing in it speaks for a forgery."
        self.told.emit(words, Offer.NOTHING if kept.is_all else Offer.ALL)

    def _fail(self, reason: str) -> None:
        if self.is_on:
            self.shown.emit(())
            self.told.emit(f"No heatmap: {reason}", Offer.NOTHING)


def _key(details: ImageDetails) -> tuple[str, str]:
    return details.sha256, details.finding.model_sha256
