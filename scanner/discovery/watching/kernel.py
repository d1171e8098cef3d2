"""The system calls of inotify(7)."""

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from watchdog.observers.inotify_c import InotifyConstants as Mask
from watchdog.observers.inotify_c import WatchDescriptor, inotify_add_watch, inotify_init, inotify_rm_watch

_BUFFER = 256 * 1024
# What completes a file, or changes which folders there are. Reading makes events, too, and each one more costs in a burst.
_WANTED = Mask.IN_CREATE | Mask.IN_CLOSE_WRITE | Mask.IN_MOVED_FROM | Mask.IN_MOVED_TO | Mask.IN_DELETE_SELF | Mask.IN_MOVE_SELF
_HOW = Mask.IN_ONLYDIR | Mask.IN_EXCL_UNLINK
_HEAD = struct.Struct("iIII")


class Event(NamedTuple):
    """What happened to `name` in a watched folder, or to the folder itself (no name)."""

    watch: int
    mask: int
    name: str

    @property
    def is_overflow(self) -> bool:
        """Whether events were dropped, no one knows which."""
        return bool(self.mask & Mask.IN_Q_OVERFLOW)

    @property
    def is_end(self) -> bool:
        """Whether the watch ended: the folder was deleted, or its file system unmounted."""
        return bool(self.mask & (Mask.IN_IGNORED | Mask.IN_UNMOUNT))

    @property
    def is_of_itself(self) -> bool:
        """Whether the watched folder itself was moved or deleted."""
        return bool(self.mask & (Mask.IN_MOVE_SELF | Mask.IN_DELETE_SELF))

    @property
    def is_of_folder(self) -> bool:
        """Whether `name` is a folder."""
        return bool(self.mask & Mask.IN_ISDIR)

    @property
    def is_creation(self) -> bool:
        """Whether `name` is new; a file may still have to be written."""
        return bool(self.mask & Mask.IN_CREATE)


class Inotify:
    """One instance. A folder has one watch, under however many paths it is reached. Raises OSError where none is left."""

    def __init__(self) -> None:
        self._fd = inotify_init()
        if self._fd == -1:
            raise _last_error()

    def add(self, folder: str, *, follow: bool = False) -> int:
        """Watch `folder`, and return its watch: the same one again for the same folder. Raises OSError, also for what is none."""
        mask = _WANTED | _HOW | (0 if follow else Mask.IN_DONT_FOLLOW)
        watch = inotify_add_watch(self._fd, os.fsencode(folder), mask)
        if watch == -1:
            raise _last_error()
        return watch

    def remove(self, watch: int) -> None:
        """Watch that folder no more; it may be gone already."""
        inotify_rm_watch(self._fd, WatchDescriptor(watch))

    def read(self) -> Iterator[Event]:
        """Wait for events."""
        buffer = os.read(self._fd, _BUFFER)
        start = 0
        while start < len(buffer):
            watch, mask, _, length = _HEAD.unpack_from(buffer, start)
            start += _HEAD.size
            yield Event(watch, mask, os.fsdecode(buffer[start : start + length].rstrip(b"\0")))
            start += length


def _last_error() -> OSError:
    number = ctypes.get_errno()
    if number == errno.EMFILE:
        return OSError(number, "no inotify instance is left")
    return OSError(number, os.strerror(number))
