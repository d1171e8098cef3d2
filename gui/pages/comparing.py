"""Two pictures beside each other in place of the queue: the way there and back."""

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget

from scanner.results.near_copies import NearCopy
from scanner.review.ordering import QueueItem

from ..media.previews import Previews
from ..texts.verdict_texts import label_line
from ..widgets.preview.compare_view import CompareView


class Comparing(QObject):
    """Puts a CompareView, made at its first use, over the first page of `stack`; `ended` when that is in sight again."""

    ended = Signal()

    def __init__(self, stack: QStackedWidget, previews: Previews, parent: QObject) -> None:
        super().__init__(parent)
        self._stack = stack
        self._previews = previews
        self.view: CompareView | None = None

    @property
    def is_on(self) -> bool:
        """Whether two pictures are in sight."""
        return self.view is not None and self._stack.currentWidget() is self.view

    def compare(self, item: QueueItem, other: QueueItem | NearCopy) -> None:
        """Show two images, each with what is known of it."""
        if self.view is None:
            self.view = CompareView(self._previews)
            self.view.ended.connect(self.end)
            self._stack.addWidget(self.view)
        self.view.compare(item.path, label_line(item.label, item.score), other.path, label_line(other.label, other.score))
        self._stack.setCurrentWidget(self.view)
        self.view.pictures[0].setFocus()

    def end(self) -> None:
        """Back to the queue."""
        if self.is_on:
            self._stack.setCurrentIndex(0)
            self.ended.emit()
