"""Whose fault it is that a file cannot be read: its own, or that of the network, the drive or this machine."""

import errno
import os

from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Failed, Unreachable, Vanished

# What speaks of the network, the drive or this process, not of the file.
_NETWORK = ("ESTALE", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ETIMEDOUT", "EREMOTEIO", "ENOLINK")
_MACHINE = ("ENODEV", "ENXIO", "EMFILE", "ENFILE", "ENOMEM")
_TROUBLE = frozenset(getattr(errno, name) for name in (*_NETWORK, *_MACHINE) if hasattr(errno, name))


def gone(file: Claimed, path: str, root: str | None) -> Vanished | Unreachable:
    """A file that is not at `path`."""
    away = _why_out_of_reach(path, root)
    return Unreachable(file, away) if away else Vanished(file)


def unread(file: Claimed, what: str, error: OSError, path: str, root: str | None) -> Failed | Unreachable:
    """A file that is there and cannot be `what` ("opened", "read")."""
    away = str(error.strerror) if error.errno in _TROUBLE else None
    if error.errno == errno.EIO:  # a bad sector, or a drive that was pulled out
        away = _why_out_of_reach(path, root)
    if away is not None:
        return Unreachable(file, away)
    return Failed(file, "unreadable", f"cannot be {what}: {error.strerror}; mend that, then run `dfscan retry`")


def _why_out_of_reach(path: str, root: str | None) -> str | None:
    """Why a file that cannot be found may be there all the same; None when its folder can be looked into."""
    folder = root or os.path.dirname(path)
    try:
        with os.scandir(folder) as entries:
            if root is None or next(entries, None) is not None:
                return None
            return f"{folder} is empty on this machine: is it mounted? (setting path_map, if it is at another place)"
    except OSError as error:
        return f"{folder} cannot be reached from this machine: {error.strerror} (setting path_map, if it is at another place)"
