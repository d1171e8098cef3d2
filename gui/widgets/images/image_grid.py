"""The grid of the queue's images: which are selected, and how one goes on."""

from collections.abc import Sequence
from itertools import chain

from PySide6.QtCore import QAbstractItemModel, QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
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

    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Follow `model`."""
        super().setModel(model)
        if model is not None:
            model.rowsRemoved.connect(self._after_removal)

    def resize_cells(self, number: int) -> None:
        """Use one of SIZES."""
        self.size_number = min(max(number, 0), len(SIZES) - 1)
        self.set_cell(SIZES[self.size_number])

    def current(self) -> QueueItem | None:
        """The image in sight."""
        return self._items.item(self.currentIndex().row())

    def selected(self) -> list[QueueItem]:
        """The image in sight, and those that are selected with it, in their order."""
        return [item for row in self._chosen_rows() if (item := self._items.item(row)) is not None]

    def _chosen_rows(self) -> list[int]:
        """A decision is for what one sees: those that are selected do not count while the one in sight is not among them."""
        current = self.currentIndex()
        if self.selectionModel().isSelected(current):
            return sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [current.row()] if current.isValid() else []

    def left_out(self) -> int:
        """How many are selected, while the image in sight is not among them."""
        chosen = self.selectionModel()
        return 0 if chosen.isSelected(self.currentIndex()) else len(chosen.selectedIndexes())

    def advance(self) -> None:
        """To the first image behind the selection, or the one before it at the end; never to one that is being decided on."""
        rows = self._chosen_rows()
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
            behind = self.currentIndex().row() + 1
            if self._items.data(self._items.index(behind, 0), STACK_ROLE) is not None:  # what has opened is in sight, too
                self.scrollTo(self._items.index(behind, 0))
                self.scrollTo(self.currentIndex())

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
            self._look_at_selected()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl and Space selects the image in sight, too, or lets it go."""
        if event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self.selectionModel().select(self.currentIndex(), QItemSelectionModel.SelectionFlag.Toggle)
            self._look_at_selected()
        else:
            super().keyPressEvent(event)

    def _look_at_selected(self) -> None:
        """Whoever takes the image in sight out of the selection sees the nearest that is still in it."""
        chosen, current = self.selectionModel(), self.currentIndex()
        rows = [index.row() for index in chosen.selectedIndexes()]
        if rows and not chosen.isSelected(current):
            nearest = min(rows, key=lambda row: abs(row - current.row()))
            chosen.setCurrentIndex(self._items.index(nearest, 0), QItemSelectionModel.SelectionFlag.NoUpdate)

    def _after_removal(self, _: QModelIndex, first: int) -> None:
        """Where the image in sight has left, another selected one is in sight, or else the one behind it."""
        if self.selectionModel().hasSelection():
            self._look_at_selected()
        elif self._items.rowCount():
            self.go_to(min(first, self._items.rowCount() - 1))

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
