"""The watcher's own process: says on standard output what the operating system hints at. The only module that knows watchdog.

A process of its own, because busy threads beside it starve the reader of events until the system's queue overflows (watchdog
issue 654). Reads {"roots": [...]} from standard input, ends with it, and writes a JSON object per line:

    {"hints": [path, ...]}            these may have changed
    {"overflow": true}                the system dropped events
    {"unwatched": root, "reason": ..} no dependable events come from this root
    {"ready": true}                   every root is watched that can be
    {"alive": true}                   nothing happened
"""

import errno
import json
import logging
import os
import sys
import threading
from queue import Empty, SimpleQueue
from typing import Any

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

from ..base.logs import log_to_stderr

# Only what means that a file may be complete. Reading makes events, too, and the default mask loses events in a burst.
_LINUX: list[type[FileSystemEvent]] = [FileClosedEvent, FileMovedEvent, DirCreatedEvent, DirMovedEvent]
# Elsewhere nothing tells that a file was closed.
_OTHERS: list[type[FileSystemEvent]] = [FileCreatedEvent, FileModifiedEvent, FileMovedEvent, DirCreatedEvent, DirMovedEvent]
ALIVE_SECONDS = 2.0
HINTS_PER_LINE = 1000
_LIMITS = {errno.ENOSPC: "max_user_watches", errno.EMFILE: "max_user_instances"}

Reports = SimpleQueue[dict[str, Any]]


def main() -> int:
    """Watch until standard input ends; 1 when a thread of the observer has died."""
    log_to_stderr("%(asctime)s %(message)s")
    logging.getLogger().setLevel(logging.ERROR)
    roots: list[str] = json.loads(sys.stdin.readline())["roots"]
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    reports: Reports = SimpleQueue()
    try:
        observer = _observer(reports)
        observer.start()
    except OSError as error:
        for root in roots:
            _write({"unwatched": root, "reason": _advice(error)})
        _write({"ready": True})
        return _stay_for(reports, None)
    # A thread of its own: in a huge tree it takes minutes, in which no one must think that we hang.
    threading.Thread(target=_watch_all, args=[observer, roots, reports], daemon=True).start()
    return _stay_for(reports, observer)


def _watch_all(observer: BaseObserver, roots: list[str], reports: Reports) -> None:
    try:
        for root in roots:
            _watch(observer, root, reports)
        reports.put({"ready": True})
    except BaseException:
        logging.exception("the watches cannot be set up")
        os._exit(1)


def _watch(observer: BaseObserver, root: str, reports: Reports) -> None:
    try:
        events = _LINUX if sys.platform == "linux" else _OTHERS
        observer.schedule(_Hints(reports), root, recursive=True, event_filter=events)
    except OSError as error:
        reports.put({"unwatched": root, "reason": _advice(error)})


def _stay_for(reports: Reports, observer: BaseObserver | None) -> int:
    while True:
        hints: dict[str, None] = {}
        try:
            report = reports.get(timeout=ALIVE_SECONDS)
            while True:
                if "hint" in report:
                    hints[report["hint"]] = None
                else:
                    _write(report)
                if len(hints) >= HINTS_PER_LINE:
                    break
                report = reports.get_nowait()
        except Empty:
            pass
        _write({"hints": list(hints)} if hints else {"alive": True})
        if observer is not None and not (observer.is_alive() and all(emitter.is_alive() for emitter in list(observer.emitters))):
            return 1


def _write(report: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


class _Hints(FileSystemEventHandler):
    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Pass on both ends of a move: the one that is gone and the one that is new."""
        for path in (event.src_path, event.dest_path):
            if path:
                self._reports.put({"hint": os.fsdecode(path)})


def _observer(reports: Reports) -> BaseObserver:
    if sys.platform != "linux":
        return Observer()
    from watchdog.observers.inotify import InotifyFullEmitter
    from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, Mask, WatchCallback, WatchDescriptor

    class Inotify(InotifyFD):
        """Tells what watchdog keeps to itself: dropped events, and folders inside a root for which there was no watch left."""

        def handle_event(self, event: InotifyEvent) -> None:
            if event.is_queue_overflow:
                reports.put({"overflow": True})
            super().handle_event(event)

        def add_callback(self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId) -> WatchDescriptor:
            try:
                return super().add_callback(path, mask, callback, id_)
            except OSError as error:
                if error.errno in _LIMITS:
                    reports.put({"unwatched": os.fsdecode(path), "reason": _advice(error)})
                raise

    class LinuxObserver(BaseObserver):
        """An observer on an `Inotify` of its own, that also tells of moves into and out of the root (the full emitter)."""

        def __init__(self) -> None:
            self._inotify = Inotify()
            self._inotify.start()
            super().__init__(InotifyFullEmitter, inotify_fd=self._inotify)

        def is_alive(self) -> bool:
            return super().is_alive() and self._inotify.is_alive()

    return LinuxObserver()


def _advice(error: OSError) -> str:
    if error.errno in _LIMITS:
        return f"the system's limit of inotify watches is reached; raise it: sysctl fs.inotify.{_LIMITS[error.errno]}=1048576"
    return error.strerror or str(error)


def _end_with_standard_input() -> None:
    # Not through sys.stdin: its lock, held by a thread that never ends, would break the interpreter's shutdown.
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    try:
        status = main()
    except BrokenPipeError:
        status = 0
    os._exit(status)
