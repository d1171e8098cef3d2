"""What lies under a folder: images to score, and what is passed over for a stated reason."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from .file_times import storable_ns
from .printing import printable
from .recognise import announces_image, has_image_suffix

_KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


@dataclass(frozen=True)
class Found:
    """A file that is to be scored. `size` in bytes."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Skipped:
    """Something that will not be read, and why. `is_error`: images may hide behind it."""

    path: str
    reason: str
    is_error: bool = False


Entry = Found | Skipped


def walk(path: str, *, root: str, ignore: Sequence[str]) -> Iterator[Entry]:
    """Everything under the folder `path` that is an image or needs a reason; `root` is the folder links may not leave.

    Ignored folders are not entered. Links to folders are never followed: inside the root the real folder is walked anyway.
    """
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            continue  # gone, or replaced, since its name was read
        except OSError as error:
            yield Skipped(folder, f"the folder cannot be read: {error.strerror}", is_error=True)
            continue
        folders = []
        for name in names:
            full = os.path.join(folder, name)
            if is_ignored(full, root=root, ignore=ignore):
                continue
            found = look_at(full, root=root)
            if found is FOLDER:
                folders.append(full)
            elif isinstance(found, Found | Skipped):
                yield found
        waiting.extend(reversed(folders))


class _Folder:
    """The answer of `look_at` for a folder."""


FOLDER = _Folder()


def look_at(path: str, *, root: str) -> Entry | _Folder | None:
    """What one path is: Found, Skipped, FOLDER, or None for nothing of ours (gone, or no image)."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return Skipped(path, f"cannot be looked at: {error.strerror}", is_error=True)
    if stat.S_ISLNK(status.st_mode):
        return _look_through_link(path, root)
    if stat.S_ISDIR(status.st_mode):
        return FOLDER
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, f"not a regular file but {_KINDS.get(stat.S_IFMT(status.st_mode), 'something else')}")
    if has_image_suffix(path) or announces_image(path):
        return Found(path, status.st_size, storable_ns(status.st_mtime_ns))
    return None


def is_ignored(path: str, *, root: str, ignore: Sequence[str]) -> bool:
    """Whether a name on the way from `root` to `path` is hidden, or matches one of the globs in `ignore`.

    A glob is tried on each name and on each path relative to the root.
    """
    relative = os.path.relpath(path, root)
    if relative == os.curdir:
        return False
    names = relative.split(os.sep)
    return any(_rule_for(names[:depth], ignore) for depth in range(1, len(names) + 1))


def ignoring_name(path: str, *, root: str, ignore: Sequence[str]) -> str | None:
    """The rule that passes over `path` by its own name or its path relative to `root`, in words; None when there is none."""
    return _rule_for(os.path.relpath(path, root).split(os.sep), ignore)


def _rule_for(names: Sequence[str], ignore: Sequence[str]) -> str | None:
    name, below_root = names[-1], "/".join(names)
    if name.startswith(".") and name not in (os.curdir, os.pardir):
        return "hidden"
    glob = next((glob for glob in ignore if fnmatch(name, glob) or fnmatch(below_root, glob)), None)
    return f"ignored by {glob}" if glob is not None else None


def _look_through_link(path: str, root: str) -> Entry | None:
    try:
        target = os.path.realpath(path, strict=True)
        status = os.stat(target)
    except FileNotFoundError:
        return Skipped(path, "a symbolic link to nothing") if has_image_suffix(path) else None
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
    if not stat.S_ISREG(status.st_mode) or not (has_image_suffix(path) or has_image_suffix(target)):
        return None
    if not inside:
        return Skipped(path, f"a symbolic link out of the folder, to {printable(target)}")
    return Found(path, status.st_size, storable_ns(status.st_mtime_ns))
