"""Paths that are opened part by part beneath a folder, so that no link on the way leads elsewhere, whenever it came there."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader

from ..files import open_regular
from .private import user_umask

# Windows opens nothing relative to a folder.
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.mkdir in os.supports_dir_fd
# O_PATH: folders are only passed through, for which no right to list them is needed, and no question to a server.
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_PATH", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class LinkOnTheWay(OSError):
    """A path that leads elsewhere than its names say: through a symbolic link, or by `..`."""


@contextmanager
def folder_beneath(root: str, folder: str, *, make: bool = False) -> Iterator[int | None]:
    """A descriptor of `folder`, which is `root` or lies in it; None where the system has none. Links may lead to `root` itself.

    With `make` folders that are missing are made, as open as the user's umask says. Raises LinkOnTheWay, OSError.
    """
    names = _names_below(root, folder)
    if not _BY_DESCRIPTOR:
        if make:
            os.makedirs(folder, exist_ok=True)
        if os.path.normcase(os.path.realpath(folder)) != os.path.normcase(os.path.join(os.path.realpath(root), *names)):
            raise _link(folder)
        yield None
        return
    descriptor = os.open(root, _FOLDER)
    try:
        way = root
        for name in names:
            way = os.path.join(way, name)
            below = _entered(descriptor, name, way, make)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_beneath(root: str, path: str) -> BufferedReader:
    """Open the regular file `path`, which lies in `root`, to read its bytes. Raises LinkOnTheWay, OSError, NotRegular.

    A link in the place of the file is followed as the walk does: to a file in `root`, whose real place is opened likewise.
    """
    try:
        return _open_strictly(root, path)
    except LinkOnTheWay as error:
        if error.filename != path:
            raise
    real_root, target = os.path.realpath(root), os.path.realpath(path, strict=True)
    if os.path.commonpath([real_root, target]) != real_root:
        raise _link(path)
    return _open_strictly(real_root, target)


def open_as_found(path: str, *, root: str | None, inode: int | None) -> BufferedReader:
    """Open the regular file `path`, as it was found, to read its bytes. Raises LinkOnTheWay, OSError, NotRegular.

    Beneath `root`, where that is known. Else links may have led to the file when it was found: they are followed unless they
    lead to another one than `inode` (None: not known).
    """
    if root is not None and path.startswith(os.path.join(root, "")):
        return open_beneath(root, path)
    try:
        return _open_strictly(os.path.splitdrive(path)[0] + os.sep, path)
    except LinkOnTheWay:
        if os.pardir in path.split(os.sep):
            raise
    opened = open_regular(path)
    if inode is not None and os.fstat(opened.fileno()).st_ino != inode:
        opened.close()
        raise _link(path)
    return opened


def _open_strictly(root: str, path: str) -> BufferedReader:
    with folder_beneath(root, os.path.dirname(path)) as folder:
        try:
            if folder is None:
                return open_regular(path, follow=False)
            return open_regular(os.path.basename(path), follow=False, folder=folder)
        except OSError as error:
            error.filename = path
            if error.errno in (errno.ELOOP, errno.EMLINK):
                raise _link(path) from None
            raise


def _names_below(root: str, path: str) -> list[str]:
    inside = os.path.join(root, "")
    names = [] if path == root else path[len(inside) :].split(os.sep)
    if not (path == root or path.startswith(inside)) or {"", os.curdir, os.pardir} & set(names):
        raise _link(path)
    return names


def _entered(folder: int, name: str, way: str, make: bool) -> int:
    try:
        return os.open(name, _FOLDER | _NO_FOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
        os.mkdir(name, dir_fd=folder)
        os.chmod(name, 0o777 & ~user_umask(), dir_fd=folder)
        return os.open(name, _FOLDER | _NO_FOLLOW, dir_fd=folder)
    except OSError as error:
        error.filename = way
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise _link(way) from None
        raise


def _link(path: str) -> LinkOnTheWay:
    return LinkOnTheWay(errno.ELOOP, "a symbolic link is on the way, and is not followed", path)
