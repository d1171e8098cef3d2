"""The image in sight: its picture with what lies over it, and its near copies."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from scanner.review.image_details import ImageDetails
from scanner.review.ordering import QueueItem

from ...media.heatmaps import Heatmaps, Offer
from ...media.previews import Previews, Shown
from ...media.thumbnails import Thumbnails
from ...texts.accessible_names import named
from ...texts.counts import counted
from ...texts.outside import plain, tip
from ...texts.verdict_texts import item_line
from ..elided_label import ElidedLabel
from .forensic import Forensic
from .layers import Layers
from .lens import Lens
from .near_copies_strip import NearStrip
from .parts_strip import Part, PartsStrip, parts_of
from .preview_view import PreviewView
from .strip_frames import StripFrames


class LookPane(QWidget):
    """Pictures come from `previews`, and until they do from `thumbnails`."""

    def __init__(self, previews: Previews, thumbnails: Thumbnails, heatmaps: Heatmaps, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._previews = previews
        self._thumbnails = thumbnails
        self.heatmaps = heatmaps
        self._path = ""
        self._summary = ""
        self._counts = (0, 0, 0)
        self._frame = 0
        self._view = ""
        self.summary = named(ElidedLabel(), "Current image")
        self.preview = PreviewView()
        self.layers = Layers(self.preview)
        self.lens = Lens(self.preview, lambda: self.layers.scale)
        self.forensic = Forensic(previews, self)
        self.forensic.show_wanted.connect(self.preview.show_picture)
        self.forensic.told.connect(self._tell_view)
        self.view_words = named(plain(QLabel()), "What this view shows")
        self.view_words.setWordWrap(True)
        self.view_words.setVisible(False)
        self.heat_words = named(plain(QLabel()), "State of the heatmap")
        self.heat_words.setWordWrap(True)
        self.heat_words.setVisible(False)
        self.parts = PartsStrip()
        self.frames = StripFrames(previews, self)
        self.frames.came.connect(self._take_frame)
        self.near = NearStrip(thumbnails)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.closer = named(QToolButton(), "Look closer")  # whoever knows the actions puts them into it
        self.closer.setText("Look closer  ")
        self.closer.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        # A label of its own: a long name must not hide it, nor it a name.
        self.stacked = named(plain(QLabel()), "Whom a decision leaves out")
        self.stacked.setVisible(False)
        row = QHBoxLayout()
        row.addWidget(self.summary, 1)
        row.addWidget(self.stacked)
        row.addWidget(self.closer)
        self.leave = QPushButton("Back (Esc)")
        self.leave.setVisible(False)
        row.addWidget(self.leave)
        column.addLayout(row)
        column.addWidget(self.preview, 1)
        column.addWidget(self.view_words)
        # The rest comes and goes: below the picture it would change the picture's height from image to image.
        self.below = QWidget()
        lower = QVBoxLayout(self.below)
        lower.setContentsMargins(0, 0, 0, 0)
        self.heat_offer = named(QToolButton(), "About the heatmap")
        self.heat_offer.clicked.connect(self._take_heat_offer)
        self.heat_offer.setVisible(False)
        self._offer = Offer.NOTHING
        heat = QHBoxLayout()
        heat.addWidget(self.heat_words, 1)
        heat.addWidget(self.heat_offer)
        lower.addLayout(heat)
        for widget in (self.parts, self.near):
            lower.addWidget(widget)
        previews.ready.connect(self._show_picture)
        self.parts.chosen.connect(self._show_part)
        heatmaps.shown.connect(self.layers.set_heat)
        heatmaps.told.connect(self._tell_heat)

    def show_nothing(self) -> None:
        """There is no image in sight."""
        self._begin("")
        self.near.show_copies((), "")
        self.preview.show_text("No image is in sight.")
        self.summary.setText("")

    def show_item(self, item: QueueItem, name: str, following: Sequence[str]) -> None:
        """Another image; `following` are paths that probably come next."""
        self._begin(item.path)
        self._summary = f"{item_line(item)}   {name}"
        self.show_count(*self._counts)
        shown = self._previews.show(item.path, following)
        if shown is not None:
            self._show_picture(shown)
            return
        thumbnail = self._thumbnails.find(item.path)
        if thumbnail is not None and not thumbnail.isNull():
            self.preview.show_picture(thumbnail, preliminary=True)
        else:
            self.preview.show_text("Loading\N{HORIZONTAL ELLIPSIS}")

    def show_count(self, selected: int, hidden: int = 0, others: int = 0) -> None:
        """How many images are selected. A decision is not for the near copies `hidden` behind them, nor for the `others` that are
        selected while this one is not."""
        self._counts = (selected, hidden, others)
        words = f"{selected} images selected, this one in sight: {self._summary}" if selected > 1 else self._summary
        if others:
            words = f"Not selected, and decided on alone: {self._summary}"
        self.summary.setText(words)
        alone = f"A decision counts for this image alone, not for the {counted(hidden, 'near copy', 'near copies')} in its stack"
        self.stacked.setText(f"{hidden} more in the stack" if hidden else "")
        self.stacked.setToolTip(tip(alone if hidden else ""))
        self.stacked.setVisible(hidden > 0)

    def show_details(self, details: ImageDetails) -> None:
        """What is known of the image in sight has come."""
        self.layers.set_finding(details.finding)
        parts = parts_of(details.finding.prediction)
        self.parts.show_parts(parts)
        self.frames.begin(self._path, [(part.frame, part.seconds) for part in parts if part.frame])
        self.heatmaps.set_details(details)

    def _begin(self, path: str) -> None:
        self._path = path
        self._frame = 0
        self.layers.clear()
        self.forensic.forget()
        self.parts.show_parts(())
        self.parts.forget_frames()
        self.frames.stop()
        self.near.forget()
        self.heatmaps.set_details(None)

    def _show_picture(self, shown: Shown) -> None:
        if shown.path != self._path or self._frame:
            return
        if shown.image.isNull():
            self.preview.show_text(f"This picture cannot be shown: {shown.reason}")
        else:
            self.preview.show_picture(shown.image)
            self.layers.set_picture(shown)
            self.forensic.set_picture(shown.path, shown.image)
            self.parts.set_frame(0, shown.image, shown.scale)

    def _show_part(self, part: Part) -> None:
        """A face, or another frame."""
        if part.frame == self._frame:
            self._look_at(part)
            return
        path, self._frame = self._path, part.frame

        def show(shown: Shown) -> None:
            if path != self._path or part.frame != self._frame:
                return
            if shown.image.isNull():
                self.preview.show_text(f"This frame cannot be shown: {shown.reason}")
                return
            self.preview.show_picture(shown.image)
            self.layers.set_picture(shown, part.frame)
            self.forensic.set_picture(path, shown.image, part.frame, part.seconds)
            self._look_at(part)

        self._previews.show_frame(path, part.frame, part.seconds, show)

    def _take_frame(self, frame: int, shown: Shown) -> None:
        self.parts.set_frame(frame, shown.image, shown.scale)
        self.layers.set_frame(frame, shown)

    def _look_at(self, part: Part) -> None:
        if part.box is not None:
            left, top, width, height = (side * self.layers.scale for side in part.box)
            self.preview.look_at(QRectF(left, top, width, height))

    def _tell_view(self, words: str, sentence: str) -> None:
        self._view = words
        self.show_words()
        self.view_words.setText(sentence)
        self.view_words.setVisible(bool(sentence))

    def show_words(self) -> None:
        """On the picture: what it is; and how the heatmap stands, where the line for it is out of sight."""
        self.layers.set_words(self._view or ("" if self.below.isVisible() else self.heat_words.text()))

    def _tell_heat(self, words: str, offer: Offer) -> None:
        self.heat_words.setText(words)
        self.heat_words.setVisible(bool(words))
        self.show_words()
        self._offer = offer
        self.heat_offer.setText(offer.value)
        self.heat_offer.setVisible(offer is not Offer.NOTHING)

    def _take_heat_offer(self) -> None:
        self.heatmaps.take(self._offer)
