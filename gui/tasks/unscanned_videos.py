"""Counts the videos in watched folders, off the window's thread and off the database's: a folder may be on a slow network."""

import threading
from collections.abc import Sequence
from datetime import datetime
from importlib.util import find_spec

from PySide6.QtCore import QObject, Signal

from scanner.discovery.videos import count_videos

from .background import Background


class UnscannedVideos(QObject):
    """`counted` tells how many there are, each time that the folders are others or were looked through anew."""

    counted = Signal(int)

    def __init__(self, ignore: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ignore = ignore
        self._background = Background("videos", 1, self)
        self._ending = threading.Event()
        self._known: Sequence[tuple[str, datetime | None]] | None = None

    def look(self, folders: Sequence[tuple[str, datetime | None]]) -> None:
        """Count anew if anything has changed: `folders` with when they were last swept."""
        if folders == self._known:
            return
        self._known = folders
        roots = [path for path, _ in folders]
        work = self._background
        work.ask(lambda: count_videos(roots, self._ignore, self._goes_on), self.counted.emit, lambda _: None, "count")

    def forget(self) -> None:
        """Count anew at the next look."""
        self._known = None

    def close(self) -> None:
        """End at once."""
        self._ending.set()
        self._background.close()

    def _goes_on(self) -> bool:
        return not self._ending.is_set()


def video_reader_is_installed() -> bool:
    """Whether videos can be read on this machine; nothing is imported."""
    return find_spec("av") is not None
