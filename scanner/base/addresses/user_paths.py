"""Paths as people write them: the one place where they become what the database holds."""

import os

from ..errors import KnownError

EMPTY = "an empty path names nothing (a variable that is not set?); write . for the working folder"


class PathNotMeant(KnownError):
    """A path that can hardly be what was meant."""


def user_path(text: str | os.PathLike[str]) -> str:
    """`text` as an absolute path: `~`, `.`, `..` and doubled separators resolved, links kept under the names they were given.

    Raises PathNotMeant for an empty one: a variable of a shell that is not set would otherwise name the working folder.
    """
    written = os.fspath(text)
    if not written:
        raise PathNotMeant(EMPTY)
    path = os.path.expanduser(written)
    home = path.split(os.sep)[0]
    if home.startswith("~") and not os.path.lexists(home):
        raise PathNotMeant(f"{written} is in a home folder that is not known: set HOME, or write the path in full")
    if os.pardir not in path.split(os.sep):
        return os.path.abspath(path)
    return _without_parents(path if os.path.isabs(path) else os.path.join(os.getcwd(), path))


def _without_parents(path: str) -> str:
    """`..` behind a link is the parent of what the link leads to, as the system understands it."""
    drive, rest = os.path.splitdrive(path)
    found = drive + os.sep
    for part in rest.split(os.sep):
        if part == os.pardir:
            found = os.path.dirname(os.path.realpath(found) if os.path.islink(found) else found)
        elif part not in ("", os.curdir):
            found = os.path.join(found, part)
    return found
