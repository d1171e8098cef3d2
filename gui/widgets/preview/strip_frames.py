"""Frames of the video or animation in sight for the strip and the card: one after the other, once a person stays with it."""

from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from ...media.previews import Previews, Shown

# Whoever leafs through does not want each one.
_REST_MILLISECONDS = 200
_SIDE = 960
_MEMORY_BYTES = 64 << 20
# More are not shown with a picture.
_MOST = 48

# A frame by its number, and its time in a video.
Place = tuple[int, float | None]


class StripFrames(QObject):
    """`came` gives the number of a frame, and the frame, reduced. What was seen lately is at hand."""

    came = Signal(int, object)

    def __init__(self, previews: Previews, parent: QObject) -> None:
        super().__init__(parent)
        self._previews = previews
        self._path = ""
        self._wanted: tuple[Place, ...] = ()
        self._missing: list[Place] = []
        self._kept: OrderedDict[tuple[str, int], Shown] = OrderedDict()
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(_REST_MILLISECONDS)
        self._resting.timeout.connect(self._ask)

    def begin(self, path: str, wanted: Sequence[Place]) -> None:
        """Give these frames of a file, in their order."""
        if path == self._path and tuple(wanted) == self._wanted:
            return
        self._path, self._wanted = path, tuple(wanted)
        self._missing = []
        for place in list(dict.fromkeys(wanted))[:_MOST]:
            found = self._kept.get((path, place[0]))
            if found is None:
                self._missing.append(place)
            else:
                self.came.emit(place[0], found)
        if self._missing:
            self._resting.start()

    def stop(self) -> None:
        """Another image is in sight."""
        self._path = ""
        self._missing.clear()
        self._resting.stop()

    def _ask(self) -> None:
        if not self._missing:
            return
        path, (frame, seconds) = self._path, self._missing.pop(0)

        def keep(shown: Shown) -> None:
            if path != self._path:
                return
            if not shown.image.isNull():
                self._kept[path, frame] = shown
                while sum(kept.image.sizeInBytes() for kept in self._kept.values()) > _MEMORY_BYTES and len(self._kept) > 1:
                    self._kept.popitem(last=False)
                self.came.emit(frame, shown)
            self._ask()

        self._previews.show_frame(path, frame, seconds, keep, topic="strip", side=_SIDE)
