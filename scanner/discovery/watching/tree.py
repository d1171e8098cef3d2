"""The folders that are watched, and where they are: brought up to date with the disk one entry at a time.

A watch is a folder's identity: the system gives the same one for the same folder, wherever it is. So an entry is compared by
asking for its watch, and neither the order of events nor what they say about moves has to be trusted.
"""

import errno
import os
from collections.abc import Callable, Iterable
from itertools import islice
from time import monotonic

from .kernel import Inotify

# A folder that left its place may come to another one: the two events are read one after the other.
_LOOSE_SECONDS = 2.0
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
_NO_WATCH_LEFT = (errno.ENOSPC, errno.ENOMEM)
_UNREADABLE = -1


class Folder:
    """A folder at its place; a top has no parent and its path as its name. One that left its place has neither."""

    __slots__ = ("children", "name", "parent", "watch")

    def __init__(self, parent: "Folder | None", name: str, watch: int) -> None:
        self.parent = parent
        self.name = name
        self.watch = watch
        self.children: dict[str, Folder] = {}

    @property
    def path(self) -> str | None:
        """Where it is; None for one that left its place, or is in one that did."""
        names = []
        folder = self
        while folder.parent is not None:
            names.append(folder.name)
            folder = folder.parent
        return os.path.join(folder.name, *reversed(names)) if folder.name else None


class Tree:
    """All folders below the tops. `no_watch_left` is told of a folder for which there was none.

    `left_out` are paths of folders that are not watched, nor what is below them.
    """

    def __init__(self, inotify: Inotify, no_watch_left: Callable[[str, OSError], None]) -> None:
        self.left_out: frozenset[str] = frozenset()
        self._inotify = inotify
        self._no_watch_left = no_watch_left
        self._tops: dict[str, Folder] = {}
        self._by_watch: dict[int, list[Folder]] = {}
        self._loose: dict[Folder, float] = {}
        self._unreadable: dict[Folder, None] = {}

    def at(self, watch: int) -> list[Folder]:
        """The folders with this watch: more than one where a folder is mounted at a second place."""
        return list(self._by_watch.get(watch, ()))

    def unreadable(self) -> tuple[int, str | None]:
        """How many folders cannot be read, and so not be watched, and the path of one."""
        return len(self._unreadable), next((path for folder in self._unreadable if (path := folder.path)), None)

    def look_at_top(self, path: str) -> bool:
        """Watch what is at `path` now, a link followed, with all below it; whether that is another folder than before."""
        top = self._tops.get(path)
        try:
            watch = self._inotify.add(path, follow=True)
        except OSError as error:
            if error.errno in _NO_WATCH_LEFT:
                self._no_watch_left(path, error)
            elif top is not None:
                self._loosen(top)
            return False
        if top is not None and top.watch == watch:
            return False
        if top is not None:
            self._loosen(top)
        self._tops[path] = top = self._new(None, path, watch)
        self._fill(top, path)
        return True

    def look_at(self, parent: Folder, name: str) -> bool:
        """Bring one entry of a folder up to date, with all below it; whether another folder is there than before, or none."""
        inside = parent.path
        if inside is None:
            self._drop(_topmost(parent))
            return False
        path = os.path.join(inside, name)
        before = parent.children.get(name)
        if (placed := self._place(parent, name, path)) is not None:
            self._fill(placed, path)
        return parent.children.get(name) is not before

    def look_at_path(self, path: str) -> bool:
        """The same for a path, of which the folder above may be none of ours."""
        for top_path, folder in self._tops.items():
            inside = os.path.join(top_path, "")
            if path.startswith(inside):
                above: Folder | None = folder
                *names, name = path[len(inside) :].split(os.sep)
                for each in names:
                    above = above.children.get(each) if above is not None else None
                if above is not None and self.look_at(above, name):
                    return True
        return False

    def look_at_all(self) -> None:
        """Bring everything up to date: events were dropped."""
        for path, top in list(self._tops.items()):
            if not self.look_at_top(path):
                self._fill(top, path)

    def retry_unreadable(self, most: int) -> list[str]:
        """Try `most` of the folders that could not be read; returns the paths of those that can be now."""
        readable = []
        for folder in list(islice(self._unreadable, most)):
            del self._unreadable[folder]
            path, parent, name = folder.path, folder.parent, folder.name
            if path is None or parent is None:
                continue
            self._unreadable[folder] = None  # at the end: the others are tried first next time
            if self.look_at(parent, name) and name in parent.children:
                readable.append(path)
        return readable

    def end(self, watch: int) -> None:
        """The system ended this watch: its folder was deleted, or its file system unmounted."""
        for folder in self._by_watch.pop(watch, ()):
            self._take_out(folder)
            self._loose.pop(folder, None)

    def drop_loose(self) -> None:
        """Watch those no more that left their place and came to no other."""
        now = monotonic()
        for folder, since in list(self._loose.items()):
            if now - since >= _LOOSE_SECONDS and folder in self._loose:
                self._drop(folder)

    def _place(self, parent: Folder, name: str, path: str) -> Folder | None:
        """Put what is at `path` now in its place; it is returned where it was not there before: look at what is below it."""
        child = parent.children.get(name)
        try:
            if path in self.left_out:
                raise NotADirectoryError(errno.ENOTDIR, "left out")
            watch = self._inotify.add(path)
            if not os.access(path, os.X_OK):
                self._let_go(watch)
                raise PermissionError(errno.EACCES, "what is in it cannot be looked at")
        except OSError as error:
            if error.errno in _NO_WATCH_LEFT:
                self._no_watch_left(path, error)
            elif child is not None and (child.watch != _UNREADABLE or error.errno in _NO_FOLDER):
                self._loosen(child)
            if error.errno not in (*_NO_FOLDER, *_NO_WATCH_LEFT) and name not in parent.children:
                parent.children[name] = unreadable = Folder(parent, name, _UNREADABLE)
                self._unreadable[unreadable] = None
            return None
        if child is not None and child.watch == watch:
            return None
        if child is not None:
            self._loosen(child)
        for other in self._by_watch.get(watch, ()):
            if not self._is_in_place(other):
                self._take_out(other)
                self._loose.pop(other, None)
                other.parent, other.name = parent, name
                parent.children[name] = other
                return other
        parent.children[name] = new = self._new(parent, name, watch)
        return new

    def _fill(self, folder: Folder, path: str) -> None:
        """Watch everything below `folder`, which is watched already, so that nothing comes in between.

        What is known there is gone into, too: the folder may have been moved while it was walked before.
        """
        waiting = [(folder, path)]
        while waiting:
            folder, path = waiting.pop()
            names = _folders_in(path)
            for gone in set(folder.children).difference(names):
                self._loosen(folder.children[gone])
            for name in names:
                below = os.path.join(path, name)
                self._place(folder, name, below)
                if name in folder.children:
                    waiting.append((folder.children[name], below))

    def _is_in_place(self, folder: Folder) -> bool:
        path = folder.path
        try:
            return path is not None and self._inotify.add(path, follow=folder.parent is None) == folder.watch
        except OSError:
            return False

    def _new(self, parent: Folder | None, name: str, watch: int) -> Folder:
        folder = Folder(parent, name, watch)
        self._by_watch.setdefault(watch, []).append(folder)
        return folder

    def _let_go(self, watch: int) -> None:
        if watch not in self._by_watch:
            self._inotify.remove(watch)

    def _take_out(self, folder: Folder) -> None:
        """Out of its place; what is in it stays in it."""
        if folder.parent is not None:
            if folder.parent.children.get(folder.name) is folder:
                del folder.parent.children[folder.name]
        elif self._tops.get(folder.name) is folder:
            del self._tops[folder.name]
        folder.parent, folder.name = None, ""

    def _loosen(self, folder: Folder) -> None:
        self._take_out(folder)
        self._unreadable.pop(folder, None)
        if folder.watch != _UNREADABLE:
            self._loose[folder] = monotonic()

    def _drop(self, folder: Folder) -> None:
        """End the watches of a folder and of all in it."""
        self._loose.pop(folder, None)
        waiting = [folder]
        while waiting:
            folder = waiting.pop()
            waiting += folder.children.values()
            folder.children = {}
            folder.parent, folder.name = None, ""
            self._unreadable.pop(folder, None)
            folders = self._by_watch.get(folder.watch)
            if folders is not None and folder in folders:
                folders.remove(folder)
                if not folders:
                    del self._by_watch[folder.watch]
                    self._inotify.remove(folder.watch)


def _topmost(folder: Folder) -> Folder:
    while folder.parent is not None:
        folder = folder.parent
    return folder


def _folders_in(path: str) -> Iterable[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if _is_folder(entry)]
    except OSError:
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False
