"""Hints from the operating system that something changed. The only module that knows watchdog."""

import errno
import logging
import os
import sys
from collections.abc import Callable, Sequence
from types import TracebackType

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)

# Only what means that a file may be complete. Reading makes events, too, and the default mask loses events in a burst.
_LINUX = [FileClosedEvent, FileMovedEvent, DirCreatedEvent, DirMovedEvent]
# Elsewhere nothing tells that a file was closed.
_OTHERS = [FileCreatedEvent, FileModifiedEvent, FileMovedEvent, DirCreatedEvent, DirMovedEvent]


class Watching:
    """Calls `hint` (from a thread of its own) with every path under `roots` that may have changed.

    A hint is no promise: paths may be gone, come twice, or never be named; the sweep is the truth. Use as a context manager.
    """

    def __init__(self, roots: Sequence[str], hint: Callable[[str], None]) -> None:
        self._roots = roots
        self._handler = _Hints(hint)
        self._observer: BaseObserver = Observer()
        self.unwatched: list[str] = []

    def __enter__(self) -> "Watching":
        """Start. Roots that cannot be watched are named in the log and in `unwatched`; sweeps still find their files."""
        self._observer.start()
        for root in self._roots:
            try:
                self._observer.schedule(
                    self._handler, root, recursive=True, event_filter=_LINUX if sys.platform == "linux" else _OTHERS
                )
            except OSError as error:
                self.unwatched.append(root)
                log.warning("%s is not watched, only swept: %s", root, _advice(error))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._observer.stop()
        self._observer.join(timeout=0.5)


class _Hints(FileSystemEventHandler):
    def __init__(self, hint: Callable[[str], None]) -> None:
        self._hint = hint

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Pass on both ends of a move: the one that is gone and the one that is new."""
        for path in (event.src_path, event.dest_path):
            if path:
                self._hint(os.fsdecode(path))


def _advice(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EMFILE):
        name = "max_user_watches" if error.errno == errno.ENOSPC else "max_user_instances"
        return f"the system's limit of inotify watches is reached; raise it: sysctl fs.inotify.{name}=1048576"
    return error.strerror or str(error)
