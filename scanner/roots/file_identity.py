"""Which file it is beside its name, size and date: the number of its inode, and when anything of it changed last (ctime)."""

import os
import sys
from typing import NamedTuple, Protocol

from ..base.file_times import storable_ns

# These number their files anew each time they are mounted, or whenever they need the memory.
_UNSTEADY = ("vfat", "msdos", "exfat", "fuse", "cifs", "smb", "9p", "virtiofs")
_steady: dict[int, bool] = {}


class FileIdentity(NamedTuple):
    """`inode` as a signed number of 64 bits and `ctime_ns`; both are None where the file system cannot be relied on for it."""

    inode: int | None = None
    ctime_ns: int | None = None


class HasIdentity(Protocol):
    """A file as it was found, or as the database has it."""

    @property
    def inode(self) -> int | None:
        """See FileIdentity."""

    @property
    def ctime_ns(self) -> int | None:
        """See FileIdentity."""


def identity_of(status: os.stat_result) -> FileIdentity:
    """The identity of a file."""
    if not _is_steady(status.st_dev):
        return FileIdentity()
    number = status.st_ino & (2**64 - 1)
    return FileIdentity(number - 2**64 if number >= 2**63 else number, storable_ns(status.st_ctime_ns))


def is_in_doubt(found: HasIdentity, known: HasIdentity) -> bool:
    """Whether it may be another file, or other content, though size and date agree. What one of them does not know is no doubt.

    Names that were exchanged give another inode, content that was written under the old date another ctime. So do a change of
    rights and another hard link: the content decides.
    """
    if found.inode is None or known.inode is None:
        return False
    return found.inode != known.inode or found.ctime_ns != known.ctime_ns


def is_unnoted(found: HasIdentity, known: HasIdentity) -> bool:
    """Whether the identity is known now and was not when the row was written, as in databases of earlier versions."""
    return found.inode is not None and known.inode is None


def forget_mounts() -> None:
    """Ask again what is mounted where."""
    _steady.clear()


def _is_steady(device: int) -> bool:
    known = _steady.get(device)
    if known is None:
        kinds = _kinds_by_device()
        known = _steady[device] = not kinds.get(device, "").startswith(_UNSTEADY)
    return known


def _kinds_by_device() -> dict[int, str]:
    """The types of the mounted file systems. Those of which nothing is known (subvolumes, parts of an overlay) are steady."""
    if sys.platform != "linux":
        return {}
    kinds = {}
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                before, _, after = line.partition(" - ")
                major, _, minor = before.split()[2].partition(":")
                kinds[os.makedev(int(major), int(minor))] = after.split()[0]
    except (OSError, ValueError, IndexError):
        return {}
    return kinds
