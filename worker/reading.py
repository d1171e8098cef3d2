"""Reading a claimed file once, in full, and only if it is what intake saw."""

import errno
import hashlib
import os
import stat

from scanner.file_times import storable_ns
from scanner.leases import Claimed
from scanner.recognise import image_format
from scanner.verdicts import Changed, ContentFacts, Failed, Unreachable, Vanished

# What speaks of the network, the drive or this process, not of the file.
_NETWORK = ("ESTALE", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ETIMEDOUT", "EREMOTEIO", "ENOLINK")
_MACHINE = ("ENODEV", "ENXIO", "EMFILE", "ENFILE", "ENOMEM")
_COARSEST_NS = 2_000_000_000
_TROUBLE = frozenset(getattr(errno, name) for name in (*_NETWORK, *_MACHINE) if hasattr(errno, name))


def read_image(
    file: Claimed, max_bytes: int, *, path: str | None = None, root: str | None = None
) -> tuple[bytes, ContentFacts] | Failed | Changed | Vanished | Unreachable:
    """The bytes of `file` and what they are, or why there are none. Never writes, never waits for a FIFO's writer.

    `path` is where it is on this machine, `root` where its watched folder is (where the file is known, when not given).
    """
    path = path or file.path
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        away = _why_out_of_reach(path, root)
        return Unreachable(file, away) if away else Vanished(file)
    except OSError as error:
        return _unread(file, "opened", error, path, root)
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        os.close(descriptor)
        return Failed(file, "not-a-file", "not a regular file")
    with os.fdopen(descriptor, "rb") as opened:
        if before.st_size > max_bytes:
            return Failed(
                file,
                "too-large",
                f"too large: {before.st_size / 1e6:,.0f} MB, the limit is {max_bytes / 1e6:,.0f} MB (setting max_file_megabytes)",
            )
        try:
            content = opened.read(max_bytes + 1)  # it may grow while it is read
        except OSError as error:
            return _unread(file, "read", error, path, root)
        after = os.fstat(descriptor)
    changed_at = storable_ns(after.st_mtime_ns)
    # Seen through another mount, the same time may be cut off: to 100 ns by SMB, to 2 s by FAT.
    differs = abs(changed_at - file.mtime_ns) >= _COARSEST_NS if path != file.path else changed_at != file.mtime_ns
    if differs or after.st_size != file.size or len(content) != after.st_size:
        return Changed(file, after.st_size, changed_at)
    facts = ContentFacts(hashlib.sha256(content).hexdigest(), len(content))
    if not content:
        return Failed(file, "empty", "empty: the file has 0 bytes", facts)
    if image_format(content[:32]) is None:
        return Failed(file, "not-an-image", "its content is no image, whatever its name says", facts)
    return content, facts


def _unread(file: Claimed, what: str, error: OSError, path: str, root: str | None) -> Failed | Unreachable:
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
