"""A grid of equal cells that stays quick with any number of rows: places are computed, never stored."""

from PySide6.QtCore import (
    QAbstractItemModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QRegion, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem, QWidget

_Index = QModelIndex | QPersistentModelIndex
_NO_INDEX = QModelIndex()
# Rows of cells below the visible ones that must be loaded, else the next page is asked for.
_AHEAD = 6


class GridView(QAbstractItemView):
    """Cells of `cell` pixels, left to right and top to bottom."""

    end_wanted = Signal()

    def __init__(self, cell: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cell = cell
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)

    def set_cell(self, cell: QSize) -> None:
        """Other cells; the current one stays in sight."""
        self._cell = cell
        self.updateGeometries()
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())
        self.viewport().update()

    @property
    def columns(self) -> int:
        """Cells in a row."""
        return max(1, self.viewport().width() // self._cell.width())

    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Follow `model`."""
        super().setModel(model)
        if model is not None:
            model.rowsRemoved.connect(self._rows_changed)
            model.rowsInserted.connect(self._rows_changed)
            model.modelReset.connect(self._rows_changed)

    def visualRect(self, index: _Index) -> QRect:
        """Where a cell is in the viewport."""
        if not index.isValid():
            return QRect()
        row, column = divmod(index.row(), self.columns)
        width, spare = self._cell.width(), self.viewport().width() - self.columns * self._cell.width()
        left = spare // 2 + column * width
        return QRect(left, row * self._cell.height() - self.verticalOffset(), width, self._cell.height())

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The cell at a place in the viewport."""
        spare = self.viewport().width() - self.columns * self._cell.width()
        column = (point.x() - spare // 2) // self._cell.width()
        row = (point.y() + self.verticalOffset()) // self._cell.height()
        if self.model() is None or not 0 <= column < self.columns or row < 0:
            return QModelIndex()
        return self.model().index(row * self.columns + column, 0)

    def scrollTo(self, index: _Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible) -> None:
        """Scroll as little as needed."""
        rect, bar = self.visualRect(index), self.verticalScrollBar()
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + rect.center().y() - self.viewport().height() // 2)
        elif rect.top() < 0:
            bar.setValue(bar.value() + rect.top())
        elif rect.bottom() > self.viewport().height():
            bar.setValue(bar.value() + rect.bottom() - self.viewport().height() + 1)

    def horizontalOffset(self) -> int:
        """Nothing is ever to the left."""
        return 0

    def verticalOffset(self) -> int:
        """Pixels above the viewport."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: _Index) -> bool:
        """No cell is hidden."""
        return False

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Arrows, Page, Home and End."""
        count = self.model().rowCount() if self.model() else 0
        if count == 0:
            return QModelIndex()
        page = max(1, self.viewport().height() // self._cell.height()) * self.columns
        steps = {
            QAbstractItemView.CursorAction.MoveLeft: -1,
            QAbstractItemView.CursorAction.MovePrevious: -1,
            QAbstractItemView.CursorAction.MoveRight: 1,
            QAbstractItemView.CursorAction.MoveNext: 1,
            QAbstractItemView.CursorAction.MoveUp: -self.columns,
            QAbstractItemView.CursorAction.MoveDown: self.columns,
            QAbstractItemView.CursorAction.MovePageUp: -page,
            QAbstractItemView.CursorAction.MovePageDown: page,
        }
        row = max(0, self.currentIndex().row())
        if action == QAbstractItemView.CursorAction.MoveHome:
            target = 0
        elif action == QAbstractItemView.CursorAction.MoveEnd:
            target = count - 1
            self.end_wanted.emit()
        else:
            target = row + steps[action]
            if abs(steps[action]) > 1 and not 0 <= target < count:
                target = min(max(target, 0), count - 1) if abs(steps[action]) == page else row
        return self.model().index(min(max(target, 0), count - 1), 0)

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Select the cells that a rectangle of the viewport touches."""
        selection = QItemSelection()
        if self.model() is not None and (count := self.model().rowCount()):
            rect = rect.normalized()
            spare = (self.viewport().width() - self.columns * self._cell.width()) // 2
            left = min(max((rect.left() - spare) // self._cell.width(), 0), self.columns - 1)
            right = min(max((rect.right() - spare) // self._cell.width(), 0), self.columns - 1)
            top = max((rect.top() + self.verticalOffset()) // self._cell.height(), 0)
            bottom = (rect.bottom() + self.verticalOffset()) // self._cell.height()
            for row in range(top, min(bottom, (count - 1) // self.columns) + 1):
                first, last = row * self.columns + left, min(row * self.columns + right, count - 1)
                if first <= last:
                    selection.select(self.model().index(first, 0), self.model().index(last, 0))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """Only what is in sight counts."""
        region = QRegion()
        for row in range(*self._visible_rows()):
            index = self.model().index(row, 0)
            if selection.contains(index):
                region += self.visualRect(index)
        return region

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cells in sight."""
        if self.model() is None:
            return
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        plain, drawn = option.state, event.rect()
        model, selection, current = self.model(), self.selectionModel(), self.currentIndex().row()
        columns, width, height = self.columns, self._cell.width(), self._cell.height()
        left, offset = (self.viewport().width() - columns * width) // 2, self.verticalOffset()
        for row in range(*self._visible_rows()):
            down, across = divmod(row, columns)
            option.rect = QRect(left + across * width, down * height - offset, width, height)
            if not option.rect.intersects(drawn):
                continue
            index = model.index(row, 0)
            option.state = plain
            if selection.isSelected(index):
                option.state |= QStyle.StateFlag.State_Selected
            if row == current:
                option.state |= QStyle.StateFlag.State_HasFocus
            self.itemDelegateForIndex(index).paint(painter, option, index)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other columns, other places: keep the current cell in sight."""
        super().resizeEvent(event)
        self.updateGeometries()
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; Ctrl and Shift have no meaning here."""
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters are for shortcuts: no search by typing."""
        if event.text() and event.text().isprintable():
            event.ignore()
            return
        super().keyPressEvent(event)

    def updateGeometries(self) -> None:
        """Range of the scroll bar."""
        super().updateGeometries()
        count = self.model().rowCount() if self.model() else 0
        rows = -(-count // self.columns)
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._cell.height() // 3)
        bar.setRange(0, max(0, rows * self._cell.height() - self.viewport().height()))
        self._ask_ahead()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Draw anew, and ask for the next page in time."""
        self.viewport().update()
        self._ask_ahead()

    def dataChanged(self, top_left: _Index, bottom_right: _Index, roles: object = ()) -> None:
        """One cell is drawn again; of several, all in sight: cheaper than to find out which have changed."""
        if top_left.row() == bottom_right.row():
            self.viewport().update(self.visualRect(top_left))
        else:
            self.viewport().update()

    def _rows_changed(self) -> None:
        self.updateGeometries()
        self.viewport().update()

    def _ask_ahead(self) -> None:
        model = self.model()
        if model is None or not model.canFetchMore(_NO_INDEX):
            return
        bottom = (self.verticalOffset() + self.viewport().height()) // self._cell.height() + _AHEAD
        if bottom * self.columns >= model.rowCount():
            model.fetchMore(_NO_INDEX)

    def _visible_rows(self) -> tuple[int, int]:
        first = self.verticalOffset() // self._cell.height() * self.columns
        last = ((self.verticalOffset() + self.viewport().height()) // self._cell.height() + 1) * self.columns
        return first, min(last, self.model().rowCount())
