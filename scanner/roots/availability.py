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
    """A folder's device and inode number (stat(2)), as text: they may be larger than a database's integers.

    `is_mount`: a file system, or another folder, is mounted there.
    """

    device: str
    inode: str
    is_mount: bool = False


@dataclass(frozen=True)
class Present:
    """The root can be read; this is what it is now."""

    identity: Identity


@dataclass(frozen=True)
class Away:
    """The root is not there, or something else is in its place."""

    reason: str


def presence(
    path: str,
    known: Identity | None,
    witnesses: Callable[[], Sequence[str]],
    *,
    is_mount: Callable[[str], bool] = lambda _path: False,
) -> Present | Away:
    """Compare the folder `path` with what it was when it was last seen (`known`).

    `witnesses` gives some paths of files that should be in it; they are asked for only when the device has changed, or nothing
    is mounted there any more. `is_mount` tells whether something is.
    """
    try:
        status = os.stat(path)
        with os.scandir(path):
            pass
    except OSError as error:
        return Away(f"it cannot be read: {error.strerror} (unmounted, renamed, or its drive unplugged?)")
    if not stat.S_ISDIR(status.st_mode):
        return Away("it is no folder any more")
    identity = Identity(str(status.st_dev), str(status.st_ino), is_mount(path))
    is_unmounted = known is not None and known.is_mount and not identity.is_mount
    if known is None or (known.device == identity.device and not is_unmounted):
        return Present(identity)
    expected = witnesses()
    found = sum(os.path.lexists(witness) for witness in expected)
    # Below a mount there may be a folder with a few files of the same names; one that was filled with the files has most.
    if is_unmounted and expected and found <= len(expected) / 2:
        return Away("nothing is mounted there any more (unmounted, or its drive unplugged?)")
    if expected and not found:
        return Away("another file system is in its place, without the files that were here (unmounted, or another drive?)")
    return Present(identity)
