"""Names in folders that are held open: what becomes of the way there changes nothing of where a file is moved from and to."""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from ..base.access.beneath import LinkOnTheWay, folder_beneath
from ..base.errors import KnownError
from ..base.escape import printable


class MoveRefused(KnownError):
    """The file is not what it was, or something is in the way; nothing was moved."""


@dataclass(frozen=True)
class Place:
    """`path`, whose last name is one in the open folder `folder` (a descriptor; None where the system has no such)."""

    path: str
    folder: int | None = None

    @property
    def name(self) -> str:
        """What calls of the system are given, with `folder` as their dir_fd."""
        return self.path if self.folder is None else os.path.basename(self.path)

    def beside(self, name: str) -> "Place":
        """Another name in the same folder."""
        return Place(os.path.join(os.path.dirname(self.path), name), self.folder)

    def status(self) -> os.stat_result:
        """Of what is there, a link itself included. Raises OSError."""
        return os.lstat(self.name, dir_fd=self.folder)

    def is_link(self) -> bool:
        """Whether a symbolic link is there."""
        try:
            return stat.S_ISLNK(self.status().st_mode)
        except OSError:
            return False

    def unlink(self) -> None:
        """Take the name away. Raises OSError."""
        os.unlink(self.name, dir_fd=self.folder)


@contextmanager
def place_at(path: str, *, real_folder: str | None = None, make: bool = False) -> Iterator[Place]:
    """`path` in its folder, or in `real_folder`, where links led to it. Links that are on the way now are not followed.

    Raises MoveRefused.
    """
    folder = real_folder or os.path.dirname(path)
    if real_folder and os.path.realpath(os.path.dirname(path)) != real_folder:
        raise MoveRefused(f"{printable(path)} was in {printable(real_folder)}, and leads elsewhere now: nothing was moved")
    with ExitStack() as opened:
        try:
            descriptor = opened.enter_context(folder_beneath(_top(folder), folder, make=make))
        except LinkOnTheWay as error:
            raise MoveRefused(
                f"{printable(str(error.filename))} is a symbolic link now, and may lead elsewhere: nothing was moved; "
                "put the folder back, or move the file by hand"
            ) from None
        except OSError as error:
            raise MoveRefused(f"{printable(folder)} cannot be opened: {error.strerror}; nothing was moved") from None
        yield Place(path if descriptor is not None else os.path.join(folder, os.path.basename(path)), descriptor)


def real_folder_of(path: str, root: str | None) -> str | None:
    """The real path of the folder of `path`, where links lead to it; None where none do. Beneath `root` none may: MoveRefused."""
    folder = os.path.dirname(path)
    try:
        with folder_beneath(_top(folder), folder):
            return None
    except LinkOnTheWay:
        real = os.path.realpath(folder)
    except OSError:
        return None  # whoever opens it says what is wrong
    if root is not None and real != os.path.normpath(os.path.join(os.path.realpath(root), os.path.relpath(folder, root))):
        raise MoveRefused(f"{printable(folder)} leads through a symbolic link now; {printable(path)} was left where it is")
    return real


def _top(path: str) -> str:
    return os.path.splitdrive(path)[0] + os.sep
