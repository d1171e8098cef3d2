"""The queue as Qt sees it: files in the database's order, loaded page by page, with live changes put in their place.

Near copies stand behind one tile (`gui.models.stacks`): they have rows, behind that of their head, only while the stack is open.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from scanner.base.escape import printable
from scanner.review.criteria import Order
from scanner.review.ordering import QueueItem, sort_key

from ..media.thumbnails import Thumbnails
from ..texts.outside import tip
from .cells import Cell, RowThumbnails, accessible_text, file_name
from .stacks import Stacks, runs

SAVING_ROLE = int(Qt.ItemDataRole.UserRole)
STACK_ROLE = SAVING_ROLE + 1  # a StackPart; None of what is alone
_Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()


class QueueModel(QAbstractListModel):
    """Rows are QueueItems; `more_wanted` asks whoever knows the database for the next page, `stacks_changed` tells of counts."""

    more_wanted = Signal()
    stacks_changed = Signal()

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = RowThumbnails(thumbnails)
        self._order = Order.MOST_CERTAIN
        self._items: list[QueueItem] = []
        self._rows: dict[int, int] | None = {}  # by file id; None: to be counted anew
        self._complete = True
        self._saving: set[int] = set()
        self._last: QueueItem | None = None
        self.stacking = True
        self._stacks = Stacks()
        self._places: dict[int, tuple[Any, Any]] = {}  # by file id, of rows that stand behind another one
        thumbnails.ready.connect(self._show_thumbnail)

    def rowCount(self, parent: _Index = _NO_PARENT) -> int:
        """Loaded rows."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: _Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Texts, the thumbnail, and what is drawn on it."""
        if not index.isValid() or index.row() >= len(self._items):
            return None
        item = self._items[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return file_name(item)
            case Qt.ItemDataRole.ToolTipRole:
                return tip(printable(item.path))
            case Qt.ItemDataRole.DecorationRole:
                return self._thumbnails.find(item.path, index.row())
            case Qt.ItemDataRole.AccessibleTextRole:
                return accessible_text(item, self._stacks.part(item.file_id))
            case _ if role == SAVING_ROLE:
                return item.content_id in self._saving
            case _ if role == STACK_ROLE:
                return self._stacks.part(item.file_id)
        return None

    def cell(self, row: int) -> Cell | None:
        """The same at once, for whoever draws it."""
        if not 0 <= row < len(self._items):
            return None
        item = self._items[row]
        part = self._stacks.part(item.file_id)
        return Cell(item, file_name(item), self._thumbnails.find(item.path, row), part, item.content_id in self._saving)

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
        """The last item that was loaded, in the database's order, whatever has become of it."""
        return self._last

    def item(self, row: int) -> QueueItem | None:
        """The item of a row, if there is such a row."""
        return self._items[row] if 0 <= row < len(self._items) else None

    def row_of(self, file_id: int) -> int | None:
        """Where a file is, if it is loaded."""
        return self._row_numbers().get(file_id)

    def start(self, order: Order, items: Sequence[QueueItem], *, complete: bool) -> None:
        """Show another queue from its beginning."""
        self.beginResetModel()
        self._order, self._complete, self._rows = order, complete, None
        self._stacks, self._places, self._items = Stacks(), {}, []
        self._last = items[-1] if items else None
        self._items = self._stacks.take(items) if self.stacking else list(items)
        self.endResetModel()

    def append(self, items: Sequence[QueueItem], *, complete: bool) -> None:
        """The next page."""
        self._complete = complete
        self._last = items[-1] if items else self._last
        rows, members = self._row_numbers(), self._stacks.member_ids
        ids = {item.file_id for item in items}
        known = ids & rows.keys() | ids & members  # most pages bring nothing that has come already
        new = [item for item in items if item.file_id not in known] if known else items
        alone = self._stacks.take(new) if self.stacking else new
        if alone:
            first = len(self._items)
            self.beginInsertRows(_NO_PARENT, first, first + len(alone) - 1)
            self._items.extend(alone)
            rows.update(zip([item.file_id for item in alone], range(first, len(self._items)), strict=True))
            self.endInsertRows()
        if len(alone) < len(new):
            for item in new:  # into a stack that is open
                head = self._stacks.head_of(item.file_id)
                if head is not None and self._stacks.is_open(head.file_id):
                    self._insert_member(item, head)
            self._redraw()
        if not alone and not complete:
            self.more_wanted.emit()  # all of it is hidden: no view has moved, and none will ask

    def bring_up_to_date(self, touched: Collection[int], belonging: Iterable[QueueItem]) -> None:
        """Of the files `touched`, those `belonging` are put in their place, the others leave."""
        fresh = {item.file_id: item for item in belonging}
        leaving = set()
        for file_id in touched:
            item, before = fresh.get(file_id), self._known(file_id)
            if before is None or item == before:
                continue
            if item is None or self._identity(item) != self._identity(before) or self._stacks.is_hidden(file_id):
                leaving.add(file_id)
            elif (row := self.row_of(file_id)) is not None:
                self._items[row] = item
                self._stacks.renew(item)
                self._thumbnails.forget(item.path)
                self.dataChanged.emit(self.index(row), self.index(row))
        self.remove(leaving)
        for item in fresh.values():
            if self._known(item.file_id) is None:
                self._place(item)

    def remove(self, file_ids: Collection[int]) -> None:
        """Take images out; of a stack that loses its head, the others find another place."""
        homeless: list[QueueItem] = []
        leaving = [item for file_id in file_ids if (item := self._known(file_id)) is not None]
        going = [item.file_id for item in leaving]
        for file_id in going:
            if self._stacks.head_of(file_id) is not None:
                self._stacks.leave(file_id)
        for item in leaving:
            was_open = self._stacks.is_open(item.file_id)
            left = sorted(self._stacks.disband(item), key=self._sort_key)
            if was_open:
                self._stacks.regroup(left)  # their rows stay where they are, as one of them may be in sight
            else:
                homeless += left
        rows = sorted(row for file_id in going if (row := self.row_of(file_id)) is not None)
        for file_id in going:
            self._places.pop(file_id, None)
        self._remove_rows(rows)
        for item in sorted(homeless, key=self._sort_key):
            self._place(item)
        if len(rows) < len(going):
            self._redraw()

    def of_content(self, content_ids: Collection[int]) -> list[QueueItem]:
        """Loaded items with one of these contents, also those without a row."""
        return [item for item in chain(self._items, self._stacks.hidden()) if item.content_id in content_ids]

    def hidden_behind(self, file_id: int) -> int:
        """How many images stand behind one and have no row."""
        return 0 if self._stacks.is_open(file_id) else self._stacks.count(file_id)

    def toggle_stack(self, file_id: int) -> int | None:
        """Open or close the stack that a file is in; gives its head, or None where there is no stack."""
        head = self._stacks.head_of(file_id) or self._known(file_id)
        members = sorted(self._stacks.members(head.file_id), key=self._sort_key) if head is not None else []
        if head is None or not members:
            return None
        head_id = head.file_id
        opened = not self._stacks.is_open(head_id)
        rows = sorted(row for item in members if (row := self.row_of(item.file_id)) is not None)
        self._stacks.set_open(head_id, opened=opened)
        for item in members:
            self._places.pop(item.file_id, None)
        self._remove_rows(rows)
        for item in members if opened else ():
            self._insert_member(item, head)
        self._redraw()
        return head_id

    def reveal(self, file_ids: Iterable[int]) -> None:
        """Open the stacks that hide these files."""
        for file_id in file_ids:
            if self._stacks.is_hidden(file_id):
                self.toggle_stack(file_id)

    def mark_saving(self, content_ids: Collection[int], *, saving: bool) -> None:
        """Show that a decision on these contents is on its way to the database."""
        self._saving = self._saving | set(content_ids) if saving else self._saving - set(content_ids)
        for item in self.of_content(content_ids):
            if (row := self.row_of(item.file_id)) is not None:
                self.dataChanged.emit(self.index(row), self.index(row), [SAVING_ROLE])

    def _row_numbers(self) -> dict[int, int]:
        if self._rows is None:
            self._rows = {item.file_id: row for row, item in enumerate(self._items)}
        return self._rows

    def _stack(self, item: QueueItem) -> QueueItem | None:
        """Let an image stand behind a head that is near to it, and give that; None where it has become one itself."""
        head = self._stacks.head_for(item) if self.stacking else None
        if head is not None and self._sort_key(head) < self._sort_key(item):
            self._stacks.join(head, item)
            return head
        self._stacks.lead(item)
        return None

    def _place(self, item: QueueItem) -> None:
        """Put one image where it belongs, unless a later page brings it."""
        if not self._complete and (self._last is None or self._sort_key(item) > self._sort_key(self._last)):
            return
        head = self._stack(item)
        if head is None:
            self._insert(item)
        elif self._stacks.is_open(head.file_id):
            self._insert_member(item, head)
        else:
            self._redraw()

    def _insert_member(self, item: QueueItem, head: QueueItem) -> None:
        """A row for a member of an open stack."""
        self._places[item.file_id] = (self._key(head)[0], self._sort_key(item))
        self._insert(item)

    def _insert(self, item: QueueItem) -> None:
        place = bisect_left(self._items, self._key(item), key=self._key)
        self.beginInsertRows(_NO_PARENT, place, place)
        self._items.insert(place, item)
        self._rows = None
        self.endInsertRows()

    def _remove_rows(self, rows: Sequence[int]) -> None:
        """Ascending numbers of rows."""
        for first, last in reversed(runs(rows)):
            self.beginRemoveRows(_NO_PARENT, first, last)
            del self._items[first : last + 1]
            self._rows = None
            self.endRemoveRows()

    def _key(self, item: QueueItem) -> tuple[Any, Any]:
        """What rows are sorted by: members of an open stack stand behind its head."""
        return self._places.get(item.file_id) or (self._sort_key(item), ())

    def _sort_key(self, item: QueueItem) -> tuple[Any, ...]:
        return sort_key(self._order, item)

    def _identity(self, item: QueueItem) -> tuple[Any, ...]:
        return (*self._sort_key(item), item.label, item.fingerprint)

    def _known(self, file_id: int) -> QueueItem | None:
        """A file that is loaded, with a row or behind one."""
        row = self.row_of(file_id)
        return self._items[row] if row is not None else self._stacks.member(file_id)

    def _redraw(self) -> None:
        """Counts on tiles have changed; which ones would cost a search, and views redraw what is visible."""
        self._show_all(STACK_ROLE)
        if self._items:
            self.stacks_changed.emit()

    def _show_thumbnail(self, path: str) -> None:
        row = self._thumbnails.row_for(path)
        if row is not None and (item := self.item(row)) is not None and item.path == path:
            self.dataChanged.emit(self.index(row), self.index(row), [int(Qt.ItemDataRole.DecorationRole)])
        else:  # rows have moved since
            self._show_all(int(Qt.ItemDataRole.DecorationRole))

    def _show_all(self, role: int) -> None:
        if self._items:
            self.dataChanged.emit(self.index(0), self.index(len(self._items) - 1), [role])
