"""Thumbnails for the grid: from memory at once, else from the background, what was asked for last first."""

from collections import OrderedDict

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage, QPainter

from scanner.base.errors import KnownError
from scanner.media.looking.not_shown import ChangedSince

from ..tasks.background import Background
from .qimage import as_qimage
from .thumbnail_cache import ThumbnailCache

_MEMORY_BYTES = 96 << 20
_AT_ONCE = 3
# More than a screen full; what was asked for before has been scrolled away.
_WAITING = 120
_WORDS_SIDE = 192


class Thumbnails(QObject):
    """Keeps what was shown lately in memory, up to a limit in bytes."""

    ready = Signal(str)

    def __init__(self, cache: ThumbnailCache, background: Background, size: str = "large", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache
        self._background = background
        self._size = size
        self._kept: OrderedDict[str, QImage] = OrderedDict()
        self._bytes = 0
        self._waiting: OrderedDict[str, None] = OrderedDict()
        self._asked: set[str] = set()

    def find(self, path: str) -> QImage | None:
        """The thumbnail if it is at hand (a null image: it cannot be made); otherwise `ready` is emitted once it is."""
        found = self._kept.get(path)
        if found is not None:
            self._kept.move_to_end(path)
            return found
        if path not in self._asked:
            self._waiting[path] = None
            self._waiting.move_to_end(path)
            while len(self._waiting) > _WAITING:
                self._waiting.popitem(last=False)
            self._ask()
        return None

    def forget(self, path: str) -> None:
        """Something else may have been judged there since."""
        dropped = self._kept.pop(path, None)
        self._bytes -= dropped.sizeInBytes() if dropped is not None else 0

    def _ask(self) -> None:
        while self._waiting and len(self._asked) < _AT_ONCE:
            path, _ = self._waiting.popitem(last=True)
            self._asked.add(path)
            self._background.ask(
                lambda path=path: (path, self._load(path)),  # type: ignore[misc]
                lambda answer: self._keep(*answer),
                lambda error, path=path: self._keep(path, QImage()),  # type: ignore[misc]
            )

    def _load(self, path: str) -> QImage:
        try:
            return as_qimage(self._cache.thumbnail(path, self._size))
        except KnownError:
            raise
        except ChangedSince:
            return _in_words("changed since\nit was judged")
        except Exception:  # whatever is wrong with the file: it has no picture to show, and the list goes on
            return QImage()

    def _keep(self, path: str, image: QImage) -> None:
        self._asked.discard(path)
        self._kept[path] = image
        self._bytes += image.sizeInBytes()
        while self._bytes > _MEMORY_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.sizeInBytes()
        self.ready.emit(path)
        self._ask()


def _in_words(words: str) -> QImage:
    """What stands in the place of a picture that is not shown."""
    image = QImage(_WORDS_SIDE, _WORDS_SIDE, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.lightGray)
    painter = QPainter(image)
    font = painter.font()
    font.setPixelSize(_WORDS_SIDE // 9)
    painter.setFont(font)
    painter.setPen(Qt.GlobalColor.black)
    painter.drawText(image.rect(), int(Qt.AlignmentFlag.AlignCenter), words)
    painter.end()
    return image
