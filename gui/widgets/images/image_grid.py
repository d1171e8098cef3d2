"""The grid of the queue's images: which are selected, and how one goes on."""

from collections.abc import Sequence
from itertools import chain

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from scanner.review.ordering import QueueItem

from ...models.queue_model import SAVING_ROLE, STACK_ROLE, QueueModel
from .grid import GridView
from .grid_delegate import ImageDelegate

# Sides of a cell, from the smallest to the largest.
SIZES = tuple(QSize(side, side + 28) for side in (124, 184, 264, 360))
NORMAL = 1


class ImageGrid(GridView):
    """Shows a QueueModel, in one of SIZES."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(SIZES[NORMAL], parent)
        self.size_number = NORMAL

    def resize_cells(self, number: int) -> None:
        """Use one of SIZES."""
        self.size_number = min(max(number, 0), len(SIZES) - 1)
        self.set_cell(SIZES[self.size_number])

    def current(self) -> QueueItem | None:
        """The image in sight."""
        return self._items.item(self.currentIndex().row())

    def selected(self) -> list[QueueItem]:
        """The selected images in their order, or else the current one."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        chosen = [item for row in rows if (item := self._items.item(row)) is not None]
        current = self.current()
        return chosen or ([current] if current else [])

    def advance(self) -> None:
        """To the first image behind the selection, or the one before it at the end; never to one that is being decided on."""
        rows = {index.row() for index in self.selectionModel().selectedIndexes()} or {self.currentIndex().row()}
        for row in chain(range(max(rows) + 1, self._items.rowCount()), range(min(rows) - 1, -1, -1)):
            if not self._items.data(self._items.index(row, 0), SAVING_ROLE):
                self.go_to(row)
                return

    def go_to(self, row: int) -> None:
        """Make a row the current one, and the only one that is selected."""
        index = self._items.index(row, 0)
        if index.isValid():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.selectionModel().setCurrentIndex(index, flags)
            self.scrollTo(index)

    def toggle_stack(self) -> None:
        """Open or close the stack of the image in sight."""
        current = self.current()
        head_id = self._items.toggle_stack(current.file_id) if current is not None else None
        if head_id is not None:
            self.select_files([head_id])

    def hidden(self) -> int:
        """How many images stand behind the selected ones, and are not selected."""
        return sum(self._items.hidden_behind(item.file_id) for item in self.selected())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on a stack's count opens or closes it."""
        at = event.position().toPoint()
        index = self.indexAt(at)
        if event.button() == Qt.MouseButton.LeftButton and self._is_count(index, at):
            self.go_to(index.row())
            self.toggle_stack()
        else:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """On a stack's count it is two clicks."""
        at = event.position().toPoint()
        if self._is_count(self.indexAt(at), at):
            self.mousePressEvent(event)
        else:
            super().mouseDoubleClickEvent(event)

    def _is_count(self, index: QModelIndex, at: QPoint) -> bool:
        part, delegate = index.data(STACK_ROLE), self.itemDelegate()
        if part is None or not part.is_head or not isinstance(delegate, ImageDelegate):
            return False
        return delegate.count_rect(self.visualRect(index), part).contains(at)

    def step(self, by: int) -> None:
        """To the next image, or back."""
        self.go_to(min(max(self.currentIndex().row() + by, 0), self._items.rowCount() - 1))

    def select_files(self, file_ids: Sequence[int]) -> None:
        """Select files of the queue; the first is the one in sight."""
        rows = [row for file_id in file_ids if (row := self._items.row_of(file_id)) is not None]
        if rows:
            self.go_to(rows[0])
            chosen = QItemSelection()
            for row in rows:
                chosen.select(self._items.index(row, 0), self._items.index(row, 0))
            self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    @property
    def _items(self) -> QueueModel:
        model = self.model()
        assert isinstance(model, QueueModel)
        return model
