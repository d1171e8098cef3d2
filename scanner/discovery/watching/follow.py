"""What the system tells of the watched folders, as reports for the service (`scanner.discovery.watcher`)."""

import os
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from ...roots.mounts import mount_table, mounts_inside, why_kind_is_polled
from .advice import advice
from .kernel import Event, Inotify
from .tree import Folder, Tree

# How often the roots, what could not be read and what is mounted are looked at.
LOOK_SECONDS = 1.0
RETRIED_AT_ONCE = 1000
# Most files that are made are written and closed at once: then the close is told, and not that they were made.
MADE_SECONDS = 1.0
# Events that wait for us. The system's own queue has 16,384; while a large tree is walked more come.
MOST_WAITING = 200_000

Reports = SimpleQueue[dict[str, Any]]


class Follower:
    """Two threads: one that takes events from the system before it drops any, and one that follows them.

    What is mounted in a root is followed, too; with `everywhere` also what gives no dependable events, and may not answer.
    """

    def __init__(self, reports: Reports, roots: Sequence[str], *, everywhere: bool = False) -> None:
        self._reports = reports
        self._roots = roots
        self._everywhere = everywhere
        self._inotify = Inotify()
        self._tree = Tree(self._inotify, self._no_watch_left)
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._is_dropping = False
        self._made: dict[str, float] = {}
        self._limited: set[str] = set()
        self._unreadable = 0
        self._mounts_version = 0
        self._mounts: frozenset[str] = frozenset()
        self._next_look = 0.0
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._follow)]

    def start(self) -> None:
        """Begin; all that can be watched is, once that is reported."""
        for thread in self._threads:
            thread.start()

    def is_alive(self) -> bool:
        """Whether both threads are at work."""
        return all(thread.is_alive() for thread in self._threads)

    def _read(self) -> None:
        while True:
            for event in self._inotify.read():
                if self._events.qsize() < MOST_WAITING:
                    self._events.put(event)
                else:
                    self._is_dropping = True

    def _follow(self) -> None:
        self._read_mounts()
        for root in self._roots:
            self._tree.look_at_top(root)
        self._reports.put({"ready": True})
        while True:
            try:
                self._take(self._events.get(timeout=LOOK_SECONDS / 4))
            except Empty:
                if self._is_dropping:
                    self._is_dropping = False
                    self._catch_up()
            self._tell_made()
            if monotonic() >= self._next_look:
                self._look()

    def _take(self, event: Event) -> None:
        if event.is_overflow:
            self._catch_up()
        elif event.is_end:
            self._tree.end(event.watch)
        elif event.is_of_itself:
            self._next_look = 0.0  # it may be a root
        else:
            for folder in self._tree.at(event.watch):
                self._take_in(folder, event)

    def _take_in(self, folder: Folder, event: Event) -> None:
        inside = folder.path
        path = os.path.join(inside or "", event.name)
        if event.is_of_folder or inside is None:
            is_other = self._tree.look_at(folder, event.name)
            # A new folder may be known: the one above it was walked after it was made, and told of.
            if inside is not None and (is_other or not event.is_creation):
                self._reports.put({"hint": path})
        elif event.is_creation:
            self._made[path] = monotonic()
        else:
            self._made.pop(path, None)
            self._reports.put({"hint": path})

    def _tell_made(self) -> None:
        """Tell of files that were made and not closed since: links, and what is still written."""
        now = monotonic()
        while self._made:
            path = next(iter(self._made))
            if now - self._made[path] < MADE_SECONDS:
                return
            del self._made[path]
            self._reports.put({"made": path})

    def _look(self) -> None:
        for root in self._roots:
            if self._tree.look_at_top(root):
                self._reports.put({"hint": root})
        for path in self._read_mounts():
            # A single file may be mounted, too; what may not answer is not asked what it is.
            if self._tree.look_at_path(path) or (path not in self._tree.left_out and os.path.isfile(path)):
                self._reports.put({"hint": path})
        for path in self._tree.retry_unreadable(RETRIED_AT_ONCE):
            self._reports.put({"hint": path})
        self._tree.drop_loose()
        unreadable, first = self._tree.unreadable()
        if unreadable != self._unreadable:
            self._unreadable = unreadable
            self._reports.put({"unreadable": unreadable, "first": first})
        self._next_look = monotonic() + LOOK_SECONDS

    def _read_mounts(self) -> list[str]:
        """Where something is, or was, mounted in the roots, the outer first; nothing while that is as it was."""
        table = mount_table()
        if table.version == self._mounts_version:
            return []
        self._mounts_version = table.version
        mounts = {path: mount for root in self._roots for path, mount in mounts_inside(root, table.mounts).items()}
        if not self._everywhere:
            self._tree.left_out = frozenset(path for path, mount in mounts.items() if why_kind_is_polled(mount.kind))
        before, self._mounts = self._mounts, frozenset(mounts)
        return sorted(before | self._mounts, key=len)

    def _catch_up(self) -> None:
        self._reports.put({"overflow": True})
        self._tree.look_at_all()

    def _no_watch_left(self, path: str, error: OSError) -> None:
        root = max((root for root in self._roots if path.startswith(root)), key=len, default=path)
        if root not in self._limited:
            self._limited.add(root)
            self._reports.put({"unwatched": root, "reason": advice(error)})
