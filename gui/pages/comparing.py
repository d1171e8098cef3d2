"""Two pictures beside or over each other in place of the queue: which two, the way there and back."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QStackedWidget

from scanner.results.near_copies import NearCopy
from scanner.review.ordering import QueueItem

from ..media.previews import Previews
from ..texts.verdict_texts import label_line
from ..widgets.preview.compare_view import CompareView
from ..widgets.preview.near_copies_strip import NearStrip

_NOTHING = "No near copy to compare with is known. Select two images to compare them."


class Comparing(QObject):
    """Puts a CompareView, made at its first use, over the first page of `stack`; `ended` when that is in sight again.

    `images` gives the image in sight and those selected; `near` has its near copies. `said` tells why nothing is compared.
    """

    ended = Signal()
    said = Signal(str)

    def __init__(
        self,
        stack: QStackedWidget,
        previews: Previews,
        near: NearStrip,
        images: Callable[[], tuple[QueueItem | None, Sequence[QueueItem]]],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._stack = stack
        self._previews = previews
        self._near = near
        self._images = images
        self._of_near = False
        self._keys: Mapping[str, str] = {}
        self.actions: Sequence[QAction] = ()  # for the menu at the pictures
        self.view: CompareView | None = None
        near.chosen.connect(self._compare_near)

    @property
    def is_on(self) -> bool:
        """Whether two pictures are in sight."""
        return self.view is not None and self._stack.currentWidget() is self.view

    def show_keys(self, keys: Mapping[str, str]) -> None:
        """The keys in force, for the buttons."""
        self._keys = keys
        if self.view is not None:
            self.view.show_keys(keys)

    def toggle(self) -> None:
        """Two selected images, or the one in sight and the chosen near copy; and back."""
        if self.is_on:
            self.end()
            return
        current, selected = self._images()
        others = [item for item in selected if current is None or item.file_id != current.file_id]
        if current is not None and len(selected) == 2 and len(others) == 1:
            self._compare(current, others[0])
        elif self._near.copies:
            self._near.choose()
        else:
            self.said.emit(_NOTHING)

    def act(self, work: Callable[[CompareView], object]) -> None:
        """Do something with the two pictures, from wherever one is."""
        if not self.is_on:
            self.toggle()
        if self.is_on and self.view is not None:
            work(self.view)

    def step(self, by: int) -> bool:
        """Compare with the next near copy, or the one before; False where none are compared."""
        if not self.is_on or not self._of_near:
            return False
        self._near.step(by)
        return True

    def escape(self) -> None:
        """Both beside each other, and then the queue."""
        if self.view is not None and not self.view.escape():
            self.end()

    def end(self) -> None:
        """Back to the queue."""
        if self.is_on and self.view is not None:
            self.view.rest()
            self._stack.setCurrentIndex(0)
            self.ended.emit()

    def _compare_near(self, copy: NearCopy) -> None:
        current, _ = self._images()
        if current is not None:
            self._compare(current, copy)
            self._of_near = True

    def _compare(self, item: QueueItem, other: QueueItem | NearCopy) -> None:
        if self.view is None:
            self.view = CompareView(self._previews)
            self.view.ended.connect(self.end)
            self.view.show_keys(self._keys)
            for picture in self.view.all_pictures:
                picture.addActions(list(self.actions))
                picture.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
            self._stack.addWidget(self.view)
        self._of_near = False
        self.view.compare(item.path, label_line(item.label, item.score), other.path, label_line(other.label, other.score))
        if not self.is_on:
            self._stack.setCurrentWidget(self.view)
            self.view.focus()
