"""Moving a file so that no moment exists at which it could be lost: never overwriting, and by a verified copy where it has to.

Names are those of places whose folders are held open; a path alone is a place, too.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from enum import StrEnum

from ..base.escape import printable
from ..base.files import FILE_MODE, NotRegular, open_regular
from .places import MoveRefused, Place

_CHUNK = 1 << 20
_FOLLOWS = os.utime not in os.supports_follow_symlinks  # where it cannot be asked not to
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
# What os.link says where hard links cannot be made: another device, a file system without them.
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EINVAL}


@dataclass(frozen=True)
class Identity:
    """What a file is: its bytes (sha256 in hex) and what os.stat says. Size in bytes."""

    sha256: str
    size: int
    mtime_ns: int
    atime_ns: int
    device: int
    inode: int


class Where(StrEnum):
    """Where a file is after a move that may have been cut short."""

    SOURCE = "source"
    TARGET = "target"
    NOWHERE = "nowhere"
    UNCLEAR = "unclear"


def identify(at: str | Place) -> Identity:
    """Read a regular file (no link to one). Raises MoveRefused."""
    place = _place(at)
    path = place.path
    try:
        file = open_regular(place.name, follow=False, folder=place.folder)
    except NotRegular:
        raise MoveRefused(f"{printable(path)} is not a regular file; it was left where it is") from None
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise MoveRefused(f"{printable(path)} cannot be read: {reason}; it was left where it is") from None
    with file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Identity(digest, status.st_size, status.st_mtime_ns, status.st_atime_ns, status.st_dev, status.st_ino)


def move(source: str | Place, target: str | Place, identity: Identity, *, as_own: bool = False) -> None:
    """Move the file that `identify` saw. Times, mode and extended attributes go along. Raises MoveRefused.

    At every moment the whole file is at `source` or at `target`, or at both. With `as_own` the one at `target` is a new file:
    whoever has the old one open, or under another name, cannot change it.
    """
    old, new = _place(source), _place(target)
    if as_own:
        _copy(old, new, identity, mode_mask=_kept_mode_mask(new))
    else:
        _link_or_copy(old, new, identity)
    os.utime(new.name, ns=(identity.atime_ns, identity.mtime_ns), dir_fd=new.folder, follow_symlinks=_FOLLOWS)
    sync_folder(os.path.dirname(new.path))
    _remove(old, new, identity)


def _link_or_copy(source: Place, target: Place, identity: Identity) -> None:
    try:
        os.link(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder, follow_symlinks=False)
    except FileExistsError:
        raise _exists(source, target) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise _refusal(source, error) from None
        _copy(source, target, identity)
    else:
        if not _is_same(target.status(), identity):
            target.unlink()
            raise MoveRefused(f"{printable(source.path)} was replaced by another file meanwhile; it was left where it is")


def settle(source: str | Place | None, target: str | Place | None, sha256: str) -> Where:
    """After a move that was cut short: leave the file at one place, and say at which. None: the folder is not there.

    A name is only taken away while the same bytes are under the other one, so a file that came to either place since is safe.
    """
    old, new = _place(source) if source else None, _place(target) if target else None
    at_source, at_target = _digest(old), _digest(new)
    if new is not None:
        _discard(_partial(new))
    if at_target == sha256:
        if old is not None and at_source == sha256:
            old.unlink()
        return Where.TARGET
    if at_source == sha256:
        return Where.SOURCE
    return Where.NOWHERE if at_source is None and at_target is None else Where.UNCLEAR


def sync_folder(folder: str) -> None:
    """Make names in `folder` survive a power cut, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems cannot
    finally:
        os.close(descriptor)


def _copy(source: Place, target: Place, identity: Identity, *, mode_mask: int = 0o7777) -> None:
    """Copy under a name of our own, make it durable, read it back, compare, then give it its name. On trouble the copy goes."""
    partial = _partial(target)
    try:
        with open_regular(source.name, follow=False, folder=source.folder) as original:
            writing = os.open(partial.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, FILE_MODE, dir_fd=partial.folder)
            with os.fdopen(writing, "wb") as copy:
                shutil.copyfileobj(original, copy, _CHUNK)
                copy.flush()
                _copy_attributes(original.fileno(), copy.fileno(), mode_mask)
                os.fsync(copy.fileno())
        os.utime(partial.name, ns=(identity.atime_ns, identity.mtime_ns), dir_fd=partial.folder)
        if _digest(partial) != identity.sha256:
            raise MoveRefused(f"the copy of {printable(source.path)} is not the same as the file; it was left where it is")
        _name_without_overwriting(partial, target)
    except FileExistsError:
        raise _exists(source, target) from None
    except OSError as error:
        raise _refusal(source, error) from None
    finally:
        _discard(partial)


def _kept_mode_mask(target: Place) -> int:
    """Where others may enter the folder, they get no right to write the file that is kept there."""
    is_private = target.folder is not None and not os.fstat(target.folder).st_mode & 0o077
    return 0o777 if is_private else 0o755


def _copy_attributes(original: int, copy: int, mode_mask: int) -> None:
    """Extended attributes and mode, where the system has such."""
    if hasattr(os, "listxattr"):
        for name in _attributes(original):
            with contextlib.suppress(OSError):  # not kept there, or not to be set by everyone
                os.setxattr(copy, name, os.getxattr(original, name))
    if hasattr(os, "fchmod"):
        os.fchmod(copy, os.fstat(original).st_mode & mode_mask)


def _attributes(file: int) -> list[str]:
    try:
        return os.listxattr(file)
    except OSError:
        return []


def _name_without_overwriting(partial: Place, target: Place) -> None:
    try:
        os.link(partial.name, target.name, src_dir_fd=partial.folder, dst_dir_fd=target.folder)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Takes the name; then it is ours to replace.
        os.close(os.open(target.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE, dir_fd=target.folder))
        os.replace(partial.name, target.name, src_dir_fd=partial.folder, dst_dir_fd=target.folder)


def _partial(target: Place) -> Place:
    digest = hashlib.sha256(os.fsencode(target.path)).hexdigest()[:24]
    return target.beside(f".dfscan-{digest}.partial")


def _discard(partial: Place) -> None:
    with contextlib.suppress(OSError):
        partial.unlink()


def _remove(source: Place, target: Place, identity: Identity) -> None:
    """Take the first name away, unless it means another file by now."""
    if not _is_same(source.status(), identity):
        target.unlink()
        raise MoveRefused(f"{printable(source.path)} changed while it was moved; it was left where it is")
    try:
        source.unlink()
    except OSError as error:
        target.unlink()
        raise _refusal(source, error) from None
    sync_folder(os.path.dirname(source.path))


def _is_same(status: os.stat_result, identity: Identity) -> bool:
    """A number alone would not do: file systems give a freed one to the next file, which may be a link to somewhere else."""
    found = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return stat.S_ISREG(status.st_mode) and found == (identity.device, identity.inode, identity.size, identity.mtime_ns)


def _place(at: str | Place) -> Place:
    return Place(at) if isinstance(at, str) else at


def _digest(at: Place | None) -> str | None:
    if at is None:
        return None
    try:
        return identify(at).sha256
    except MoveRefused:
        return None


def _exists(source: Place, target: Place) -> MoveRefused:
    return MoveRefused(f"{printable(target.path)} exists already and is not overwritten; {printable(source.path)} stays")


def _refusal(place: Place, error: OSError) -> MoveRefused:
    return MoveRefused(f"{printable(place.path)} cannot be moved: {error.strerror}; nothing was changed")
