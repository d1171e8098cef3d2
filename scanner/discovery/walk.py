"""What lies under a folder: images to score, and what is passed over for a stated reason."""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..base.addresses.stored_paths import encode_path, is_stored_plainly
from ..base.escape import printable
from ..base.file_times import storable_ns
from ..media.formats import is_announced, is_promised
from ..roots.file_identity import forget_mounts, identity_of
from .ignore import IgnoreRules

LINK_TO_NOTHING = "a symbolic link to nothing"
_KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


class Found(NamedTuple):
    """A file that is to be scored. `size` in bytes; `inode` and `ctime_ns` as in FileIdentity. (A tuple: a tree has many.)"""

    path: str
    size: int
    mtime_ns: int
    inode: int | None = None
    ctime_ns: int | None = None


@dataclass(frozen=True)
class Skipped:
    """Something that will not be read, and why. `is_error`: images may hide behind it."""

    path: str
    reason: str
    is_error: bool = False


Entry = Found | Skipped
_ENTRY = (Found, Skipped)


def walk(path: str, *, root: str, ignore: Sequence[str], videos: bool = False, apart: Collection[str] = ()) -> Iterator[Entry]:
    """Everything under the folder `path` that is an image (with `videos`: or a video) or needs a reason; `root` is the folder
    links may not leave. The folders `apart` are not entered.

    In the database's order of paths, so that the two can be compared side by side. Ignored folders are not entered. Links to
    folders are never followed: inside the root the real folder is walked anyway. Only the names of the folders on the way to
    the present one are in memory.
    """
    rules = IgnoreRules(ignore)
    if rules.rule_on_the_way(path, root=root):
        return
    forget_mounts()
    above_root = len(os.path.join(root, ""))
    inside = os.path.join(path, "")
    levels = [(inside, _listed(inside, inside[above_root:], rules))]
    while levels:
        inside, names = levels[-1]
        for name in names:
            if isinstance(name, Skipped):
                yield name
            elif name[-1] == os.sep:
                below = inside + name
                if below[:-1] in apart:
                    continue
                levels.append((below, _listed(below, below[above_root:], rules)))
                break
            elif isinstance(found := look_at(inside + name, root=root, videos=videos), _ENTRY):
                yield found
        else:
            levels.pop()


def _listed(inside: str, below_root: str, rules: IgnoreRules) -> Iterator[str | Skipped]:
    """The names in a folder (whose paths end with a separator) that no rule passes over, sorted as the paths below them are:
    `a/x` is after `a.jpg`. Those of folders end with a separator, too. For a folder that cannot be read, that instead.
    """
    try:
        with os.scandir(inside) as entries:
            names = [entry.name + os.sep if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return iter(())  # gone, or replaced, since its name was read
    except OSError as error:
        folder = inside.rstrip(os.sep) or os.sep
        return iter((Skipped(folder, f"the folder cannot be read: {error.strerror}", is_error=True),))
    names = rules.keep(names, below_root)
    names.sort(key=None if is_stored_plainly("".join(names)) else encode_path)
    return iter(names)


class _Folder:
    """The answer of `look_at` for a folder."""


FOLDER = _Folder()


def look_at(path: str, *, root: str, videos: bool = False) -> Entry | _Folder | None:
    """What one path is: Found, Skipped, FOLDER, or None for nothing of ours (gone, or no image)."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Skipped(path, f"cannot be looked at: {error.strerror}", is_error=True)
    if stat.S_ISREG(status.st_mode):
        is_image = is_promised(path, videos=videos) or is_announced(path, videos=videos)
        return _found(path, status) if is_image else None
    if stat.S_ISDIR(status.st_mode):
        return FOLDER
    if stat.S_ISLNK(status.st_mode):
        return _look_through_link(path, root, videos)
    return Skipped(path, f"not a regular file but {_KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}")


def _look_through_link(path: str, root: str, videos: bool) -> Entry | None:
    try:
        target = os.path.realpath(path, strict=True)
        status = os.stat(target)
    except FileNotFoundError:
        return Skipped(path, LINK_TO_NOTHING) if is_promised(path, videos=videos) else None
    except OSError as error:
        return Skipped(path, f"a symbolic link that cannot be followed: {error.strerror}")
    inside = os.path.commonpath([target, os.path.realpath(root)]) == os.path.realpath(root)
    if stat.S_ISDIR(status.st_mode):
        where = (
            "inside the folder: its files are scanned at their real place"
            if inside
            else f"out of the folder, to {printable(target)}"
        )
        return Skipped(path, f"a symbolic link {where}")
    if not stat.S_ISREG(status.st_mode) or not any(is_promised(name, videos=videos) for name in (path, target)):
        return None
    if not inside:
        return Skipped(path, f"a symbolic link out of the folder, to {printable(target)}")
    return _found(path, status)


def _found(path: str, status: os.stat_result) -> Found:
    return Found(path, status.st_size, storable_ns(status.st_mtime_ns), *identity_of(status))
