"""The queue as Qt sees it: files in the database's order, loaded page by page, with live changes put in their place."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from scanner.base.escape import printable
from scanner.review.criteria import Order
from scanner.review.ordering import QueueItem, sort_key

from ..media.thumbnails import Thumbnails
from ..texts.verdict_texts import item_line

ITEM_ROLE = int(Qt.ItemDataRole.UserRole)
SAVING_ROLE = ITEM_ROLE + 1
_Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()


class QueueModel(QAbstractListModel):
    """Rows are QueueItems; `more_wanted` asks whoever knows the database for the next page."""

    more_wanted = Signal()

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._order = Order.MOST_CERTAIN
        self._items: list[QueueItem] = []
        self._rows: dict[int, int] | None = {}  # by file id; None: to be counted anew
        self._complete = True
        self._saving: set[int] = set()
        thumbnails.ready.connect(self._show_thumbnail)

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:
        """Loaded rows."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: _Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Texts, the thumbnail, and the item itself."""
        if not index.isValid() or index.row() >= len(self._items):
            return None
        item = self._items[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return printable(item.path.rpartition("/")[2])
            case Qt.ItemDataRole.ToolTipRole:
                return printable(item.path)
            case Qt.ItemDataRole.DecorationRole:
                return self._thumbnails.find(item.path)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{printable(item.path.rpartition('/')[2])}, {item_line(item)}"
            case _ if role == ITEM_ROLE:
                return item
            case _ if role == SAVING_ROLE:
                return item.content_id in self._saving
        return None

    def canFetchMore(self, parent: _Index) -> bool:
        """Whether the database has more."""
        return not parent.isValid() and not self._complete

    def fetchMore(self, parent: _Index) -> None:
        """Ask for the next page; it comes later."""
        if self.canFetchMore(parent):
            self.more_wanted.emit()

    @property
    def is_complete(self) -> bool:
        """Whether all rows are loaded."""
        return self._complete

    @property
    def last(self) -> QueueItem | None:
        """The last loaded item."""
        return self._items[-1] if self._items else None

    def item(self, row: int) -> QueueItem | None:
        """The item of a row, if there is such a row."""
        return self._items[row] if 0 <= row < len(self._items) else None

    def row_of(self, file_id: int) -> int | None:
        """Where a file is, if it is loaded."""
        if self._rows is None:
            self._rows = {item.file_id: row for row, item in enumerate(self._items)}
        return self._rows.get(file_id)

    def start(self, order: Order, items: Iterable[QueueItem], *, complete: bool) -> None:
        """Show another queue from its beginning."""
        self.beginResetModel()
        self._order, self._items, self._complete = order, list(items), complete
        self._rows = None
        self.endResetModel()

    def append(self, items: Sequence[QueueItem], *, complete: bool) -> None:
        """The next page."""
        known = [item for item in items if self.row_of(item.file_id) is None]
        self._complete = complete
        if known:
            first = len(self._items)
            self.beginInsertRows(_NO_PARENT, first, first + len(known) - 1)
            self._items.extend(known)
            if self._rows is not None:
                self._rows.update((item.file_id, first + offset) for offset, item in enumerate(known))
            self.endInsertRows()

    def bring_up_to_date(self, touched: Collection[int], belonging: Iterable[QueueItem]) -> None:
        """Of the files `touched`, those `belonging` are put in their place, the others leave."""
        fresh = {item.file_id: item for item in belonging}
        leaving = set()
        for file_id in touched:
            row = self.row_of(file_id)
            if row is None:
                continue
            item = fresh.get(file_id)
            if item is None or sort_key(self._order, item) != sort_key(self._order, self._items[row]):
                leaving.add(file_id)
            elif item != self._items[row]:
                self._items[row] = item
                self.dataChanged.emit(self.index(row), self.index(row))
        self.remove(leaving)
        for item in fresh.values():
            if self.row_of(item.file_id) is None:
                self._insert(item)

    def remove(self, file_ids: Collection[int]) -> None:
        """Take rows out."""
        rows = sorted(row for file_id in file_ids if (row := self.row_of(file_id)) is not None)
        for first, last in reversed(_runs(rows)):
            self.beginRemoveRows(_NO_PARENT, first, last)
            del self._items[first : last + 1]
            self._rows = None
            self.endRemoveRows()

    def of_content(self, content_ids: Collection[int]) -> list[QueueItem]:
        """Loaded items with one of these contents."""
        return [item for item in self._items if item.content_id in content_ids]

    def mark_saving(self, content_ids: Collection[int], *, saving: bool) -> None:
        """Show that a decision on these contents is on its way to the database."""
        self._saving = self._saving | set(content_ids) if saving else self._saving - set(content_ids)
        for item in self.of_content(content_ids):
            row = self.row_of(item.file_id)
            if row is not None:
                self.dataChanged.emit(self.index(row), self.index(row), [SAVING_ROLE])

    def _insert(self, item: QueueItem) -> None:
        place = bisect_left(self._items, sort_key(self._order, item), key=lambda other: sort_key(self._order, other))
        if place == len(self._items) and not self._complete:
            return  # a later page brings it
        self.beginInsertRows(_NO_PARENT, place, place)
        self._items.insert(place, item)
        self._rows = None
        self.endInsertRows()

    def _show_thumbnail(self, path: str) -> None:
        # Which row it is would cost a search; the view redraws what is visible, which is little.
        if self._items:
            top, bottom = self.index(0), self.index(len(self._items) - 1)
            self.dataChanged.emit(top, bottom, [int(Qt.ItemDataRole.DecorationRole)])


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as runs of neighbours."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row - 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
