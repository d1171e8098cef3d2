"""Stage "read": a claimed file is read once, in full, and only if it is what intake saw."""

import hashlib
import os
from collections.abc import Callable, Iterator
from io import BufferedReader

from scanner.base.access.beneath import LinkOnTheWay, open_as_found
from scanner.base.escape import printable
from scanner.base.file_times import storable_ns
from scanner.base.files import NotRegular
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Changed, ContentFacts, Failed, Outcome, Unreachable, Vanished
from scanner.jobs.path_map import local_path
from scanner.media.formats import HEAD, announced_container, has_video_suffix, image_format, video_container
from scanner.media.video_reader import has_video_reader
from scanner.roots.file_identity import identity_of

from ..decoding.video_frames import Video
from .reach import gone, unread
from .restless import read_at_rest
from .types import Item, Worker

# Seen through another mount, the same time may be cut off: to 100 ns by SMB, to 2 s by FAT.
_COARSEST_NS = 2_000_000_000
# Bytes that are read at once.
_PIECE = 4 << 20


def read(worker: Worker, file: Claimed) -> Item | Outcome:
    """The content of `file`, or what comes of a file that has none to look at."""
    settings, path = worker.settings, local_path(file.path, worker.path_map)
    root = worker.local_root(file)
    with worker.deadline.reading(file) as read_on:
        if not ((worker.reads_videos(file) or has_video_suffix(path)) and _container(file, path, root)):
            most = int(settings.max_file_megabytes * 1e6)

            def read_as(seen: Claimed) -> Item | Outcome:
                return read_image(seen, most, path=path, root=root, read_on=read_on)

            return read_at_rest(file, path, read_as, read_on) if file.is_restless else read_as(file)
        if worker.reads_videos(file) and not has_video_reader():
            return Unreachable(file, "it is a video, which no worker without the package `av` reads: pip install 'dfscan[video]'")
        if worker.reads_videos(file):
            return read_video(file, int(settings.max_video_megabytes * 1e6), path=path, root=root, read_on=read_on)
        return Failed(file, "video", "a video, and this worker reads none: set DFSCAN_VIDEOS=1 for it, then run `dfscan retry`")


def _container(file: Claimed, path: str, root: str | None) -> str | None:
    try:
        with _open(file, path, root) as opened:
            return announced_container(path, opened)
    except OSError:
        return None  # whoever reads it says what is wrong


def read_image(
    file: Claimed,
    max_bytes: int,
    *,
    path: str | None = None,
    root: str | None = None,
    read_on: Callable[[], None] = lambda: None,
) -> Item | Failed | Changed | Vanished | Unreachable:
    """The bytes of `file` and what they are, or why there are none. Never writes, never waits for a FIFO's writer.

    `path` is where it is on this machine, `root` where its watched folder is (where the file is known, when not given).
    `read_on` is called after each piece: a slow disk takes its time, a dead one is told by that.
    """
    path = path or file.path
    opened = _opened(file, max_bytes, "max_file_megabytes", path, root)
    if not isinstance(opened, BufferedReader):
        return opened
    with opened:
        try:
            # It may grow while it is read, beyond what is allowed, too: one byte more than it has tells that.
            most = min(max_bytes, os.fstat(opened.fileno()).st_size) + 1
            content = b"".join(_pieces(opened, most, read_on))
        except OSError as error:
            return unread(file, "read", error, path, root)
        after = os.fstat(opened.fileno())
    if _differs(file, after, path) or len(content) != after.st_size:
        return Changed(file, after.st_size, storable_ns(after.st_mtime_ns))
    facts = ContentFacts(hashlib.sha256(content).hexdigest(), len(content))
    if not content:
        return Failed(file, "empty", "empty: the file has 0 bytes", facts)
    if image_format(content[:HEAD]) is None:
        return Failed(file, "not-an-image", "its content is no image, whatever its name says", facts)
    return Item([file], facts, content)


def read_video(
    file: Claimed,
    max_bytes: int,
    *,
    path: str | None = None,
    root: str | None = None,
    read_on: Callable[[], None] = lambda: None,
) -> Item | Failed | Changed | Vanished | Unreachable:
    """A video for a decoder to open, hashed piece by piece, or why there is none; see `read_image`."""
    path = path or file.path
    opened = _opened(file, max_bytes, "max_video_megabytes", path, root)
    if not isinstance(opened, BufferedReader):
        return opened
    with opened:
        try:
            container = video_container(opened.peek(HEAD)[:HEAD])
            digest = hashlib.sha256()
            for piece in _pieces(opened, max_bytes + 1, read_on):
                digest.update(piece)
        except OSError as error:
            return unread(file, "read", error, path, root)
        after = os.fstat(opened.fileno())
    if _differs(file, after, path) or container is None:
        return Changed(file, after.st_size, storable_ns(after.st_mtime_ns))
    return Item([file], ContentFacts(digest.hexdigest(), file.size), _video(path, container, after))


def _video(path: str, container: str, status: os.stat_result) -> Video:
    inode = None if identity_of(status).inode is None else status.st_ino
    return Video(path, container, status.st_size, status.st_mtime_ns, inode)


def changed_since(file: Claimed, video: Video, root: str | None = None) -> Changed | Vanished | Unreachable | None:
    """What has become of a video since it was hashed, unless it is the same: what was decoded of it may be of something else."""
    try:
        now = os.stat(video.path)
    except (FileNotFoundError, NotADirectoryError):
        return gone(file, video.path, root)
    except OSError as error:
        return Unreachable(file, str(error.strerror))
    if not video.is_as_hashed(now):
        return Changed(file, now.st_size, storable_ns(now.st_mtime_ns))
    return None


def _pieces(opened: BufferedReader, most: int, read_on: Callable[[], None]) -> Iterator[bytes]:
    """What is left of the file, `most` bytes of it."""
    while most > 0:
        asked = min(_PIECE, most)
        piece = opened.read(asked)
        read_on()
        yield piece
        most = most - asked if len(piece) == asked else 0


def _differs(file: Claimed, now: os.stat_result, path: str) -> bool:
    """Whether it is not what intake saw."""
    changed_at = storable_ns(now.st_mtime_ns)
    if path == file.path:
        return (now.st_size, changed_at) != (file.size, file.mtime_ns)
    return now.st_size != file.size or abs(changed_at - file.mtime_ns) >= _COARSEST_NS


def _open(file: Claimed, path: str, root: str | None) -> BufferedReader:
    # Stored numbers are signed.
    inode = file.inode % 2**64 if file.inode is not None and path == file.path else None
    return open_as_found(path, root=root, inode=inode)


def _opened(
    file: Claimed, max_bytes: int, setting: str, path: str, root: str | None
) -> BufferedReader | Failed | Vanished | Unreachable:
    try:
        opened = _open(file, path, root)
    except NotRegular:
        return Failed(file, "not-a-file", "not a regular file")
    except LinkOnTheWay as error:
        where = "it" if error.filename == path else printable(str(error.filename))
        return Failed(
            file, "link", f"{where} is a symbolic link now, which is not followed: put it back, then run `dfscan retry`"
        )
    except (FileNotFoundError, NotADirectoryError):
        return gone(file, path, root)
    except OSError as error:
        return unread(file, "opened", error, path, root)
    size = os.fstat(opened.fileno()).st_size
    if size > max_bytes:
        opened.close()
        reason = f"too large: {size / 1e6:,.0f} MB, the limit is {max_bytes / 1e6:,.0f} MB (setting {setting})"
        return Failed(file, "too-large", reason)
    return opened
