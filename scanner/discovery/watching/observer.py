"""Watching elsewhere than on Linux: by watchdog, which follows folders itself. Nothing tells there that a file was closed."""

import logging
import os
import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

_EVENTS: list[type[FileSystemEvent]] = [FileCreatedEvent, FileModifiedEvent, FileMovedEvent, DirCreatedEvent, DirMovedEvent]


class Observed:
    """The observer of this system on `roots`."""

    def __init__(self, reports: SimpleQueue[dict[str, Any]], roots: Sequence[str]) -> None:
        self._reports = reports
        self._roots = roots
        self._observer = Observer()

    def start(self) -> None:
        """Begin; all that can be watched is, once that is reported."""
        self._observer.start()
        # A thread of its own: in a huge tree it takes minutes, in which no one must think that we hang.
        threading.Thread(target=self._watch_all, daemon=True).start()

    def is_alive(self) -> bool:
        """Whether every thread is at work; watchdog itself would go on as if nothing happened (its issue 699)."""
        return self._observer.is_alive() and all(emitter.is_alive() for emitter in list(self._observer.emitters))

    def _watch_all(self) -> None:
        try:
            for root in self._roots:
                self._watch(root)
            self._reports.put({"ready": True})
        except BaseException:
            logging.exception("the watches cannot be set up")
            os._exit(1)

    def _watch(self, root: str) -> None:
        try:
            self._observer.schedule(_Hints(self._reports), root, recursive=True, event_filter=_EVENTS)
        except OSError as error:
            self._reports.put({"unwatched": root, "reason": error.strerror or str(error)})


class _Hints(FileSystemEventHandler):
    def __init__(self, reports: SimpleQueue[dict[str, Any]]) -> None:
        self._reports = reports

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Pass on both ends of a move: the one that is gone and the one that is new."""
        for path in (event.src_path, event.dest_path):
            if path:
                self._reports.put({"hint": os.fsdecode(path)})
