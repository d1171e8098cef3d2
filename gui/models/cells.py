"""What is drawn of a row of the queue, and the thumbnails that are on their way to rows."""

from typing import NamedTuple

from PySide6.QtGui import QImage

from scanner.base.escape import printable
from scanner.review.ordering import QueueItem

from ..media.thumbnails import Thumbnails
from ..texts.verdict_texts import item_line
from .stacks import StackPart

_AWAITED = 1_000


class Cell(NamedTuple):
    """All that is drawn of a row; `picture` None: it is on its way, null: there is none."""

    item: QueueItem
    name: str
    picture: QImage | None
    part: StackPart | None
    is_saving: bool


class RowThumbnails:
    """Remembers for which row a thumbnail was asked: to look for it among a hundred thousand would cost more than to draw it."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails
        self._rows: dict[str, int] = {}

    def find(self, path: str, row: int) -> QImage | None:
        """The thumbnail, if it is at hand."""
        found = self._thumbnails.find(path)
        if found is None:
            if len(self._rows) > _AWAITED:  # most of them have been scrolled away, and are no longer made
                self._rows.clear()
            self._rows[path] = row
        return found

    def forget(self, path: str) -> None:
        """Something else may have been judged there since."""
        self._thumbnails.forget(path)

    def row_for(self, path: str) -> int | None:
        """Where a thumbnail that has come was asked for; rows may have moved since."""
        return self._rows.pop(path, None)


def file_name(item: QueueItem) -> str:
    """As it is shown."""
    return printable(item.path.rpartition("/")[2])


def accessible_text(item: QueueItem, part: StackPart | None) -> str:
    """For a screen reader."""
    stack = f", a stack of {part.size}" if part is not None and part.is_head else ""
    return f"{file_name(item)}, {item_line(item)}{stack}"
