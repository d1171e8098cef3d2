"""Whether a root is what it was: an unmounted, renamed or unplugged one must not read as "all files deleted".

Nothing is written into a user's folder for this. The mark of a root is the folder's own device and inode number, and where the
device differs (drives get another number each time) the files that are known to be in it.
"""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """A folder's device and inode number (stat(2)), as text: they may be larger than a database's integers."""

    device: str
    inode: str


@dataclass(frozen=True)
class Present:
    """The root can be read; this is what it is now."""

    identity: Identity


@dataclass(frozen=True)
class Away:
    """The root is not there, or something else is in its place."""

    reason: str


def presence(path: str, known: Identity | None, witnesses: Callable[[], Sequence[str]]) -> Present | Away:
    """Compare the folder `path` with what it was when it was last seen (`known`).

    `witnesses` gives some paths of files that should be in it; they are asked for only when the device has changed.
    """
    try:
        status = os.stat(path)
        with os.scandir(path):
            pass
    except OSError as error:
        return Away(f"it cannot be read: {error.strerror} (unmounted, renamed, or its drive unplugged?)")
    if not stat.S_ISDIR(status.st_mode):
        return Away("it is no folder any more")
    identity = Identity(str(status.st_dev), str(status.st_ino))
    if known is None or known.device == identity.device:
        return Present(identity)
    expected = witnesses()
    if expected and not any(os.path.lexists(witness) for witness in expected):
        return Away("another file system is in its place, without the files that were here (unmounted, or another drive?)")
    return Present(identity)
