"""Reading a claimed file once, in full, and only if it is what intake saw."""

import errno
import hashlib
import os
import stat
from io import BufferedReader

from scanner.base.file_times import storable_ns
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Changed, ContentFacts, Failed, Unreachable, Vanished
from scanner.media.formats import HEAD, image_format, video_container

from ..decoding.video_frames import Video

# What speaks of the network, the drive or this process, not of the file.
_NETWORK = ("ESTALE", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ETIMEDOUT", "EREMOTEIO", "ENOLINK")
_MACHINE = ("ENODEV", "ENXIO", "EMFILE", "ENFILE", "ENOMEM")
# Seen through another mount, the same time may be cut off: to 100 ns by SMB, to 2 s by FAT.
_COARSEST_NS = 2_000_000_000
_TROUBLE = frozenset(getattr(errno, name) for name in (*_NETWORK, *_MACHINE) if hasattr(errno, name))


def read_image(
    file: Claimed, max_bytes: int, *, path: str | None = None, root: str | None = None
) -> tuple[bytes, ContentFacts] | Failed | Changed | Vanished | Unreachable:
    """The bytes of `file` and what they are, or why there are none. Never writes, never waits for a FIFO's writer.

    `path` is where it is on this machine, `root` where its watched folder is (where the file is known, when not given).
    """
    path = path or file.path
    opened = _opened(file, max_bytes, "max_file_megabytes", path, root)
    if not isinstance(opened, BufferedReader):
        return opened
    with opened:
        try:
            content = opened.read(max_bytes + 1)  # it may grow while it is read
        except OSError as error:
            return _unread(file, "read", error, path, root)
        after = os.fstat(opened.fileno())
    if _differs(file, after, path) or len(content) != after.st_size:
        return Changed(file, after.st_size, storable_ns(after.st_mtime_ns))
    facts = ContentFacts(hashlib.sha256(content).hexdigest(), len(content))
    if not content:
        return Failed(file, "empty", "empty: the file has 0 bytes", facts)
    if image_format(content[:HEAD]) is None:
        return Failed(file, "not-an-image", "its content is no image, whatever its name says", facts)
    return content, facts


def read_video(
    file: Claimed, max_bytes: int, *, path: str | None = None, root: str | None = None
) -> tuple[Video, ContentFacts] | Failed | Changed | Vanished | Unreachable:
    """A video for a decoder to open, hashed piece by piece, or why there is none; see `read_image`."""
    path = path or file.path
    opened = _opened(file, max_bytes, "max_video_megabytes", path, root)
    if not isinstance(opened, BufferedReader):
        return opened
    with opened:
        try:
            container = video_container(opened.peek(HEAD)[:HEAD])
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            return _unread(file, "read", error, path, root)
        after = os.fstat(opened.fileno())
    if _differs(file, after, path) or container is None:
        return Changed(file, after.st_size, storable_ns(after.st_mtime_ns))
    return Video(path, container, after.st_size, after.st_mtime_ns), ContentFacts(sha256, file.size)


def changed_since(file: Claimed, video: Video, root: str | None = None) -> Changed | Vanished | Unreachable | None:
    """What has become of a video since it was hashed, unless it is the same: what was decoded of it may be of something else."""
    try:
        now = os.stat(video.path)
    except (FileNotFoundError, NotADirectoryError):
        away = _why_out_of_reach(video.path, root)
        return Unreachable(file, away) if away else Vanished(file)
    except OSError as error:
        return Unreachable(file, str(error.strerror))
    if (now.st_size, now.st_mtime_ns) != (video.size, video.mtime_ns):
        return Changed(file, now.st_size, storable_ns(now.st_mtime_ns))
    return None


def _differs(file: Claimed, now: os.stat_result, path: str) -> bool:
    """Whether it is not what intake saw."""
    changed_at = storable_ns(now.st_mtime_ns)
    if path == file.path:
        return (now.st_size, changed_at) != (file.size, file.mtime_ns)
    return now.st_size != file.size or abs(changed_at - file.mtime_ns) >= _COARSEST_NS


def _opened(
    file: Claimed, max_bytes: int, setting: str, path: str, root: str | None
) -> BufferedReader | Failed | Vanished | Unreachable:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        away = _why_out_of_reach(path, root)
        return Unreachable(file, away) if away else Vanished(file)
    except OSError as error:
        return _unread(file, "opened", error, path, root)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return Failed(file, "not-a-file", "not a regular file")
    if status.st_size > max_bytes:
        os.close(descriptor)
        reason = f"too large: {status.st_size / 1e6:,.0f} MB, the limit is {max_bytes / 1e6:,.0f} MB (setting {setting})"
        return Failed(file, "too-large", reason)
    return os.fdopen(descriptor, "rb")


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
