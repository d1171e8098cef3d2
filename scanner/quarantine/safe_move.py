"""Moving a file so that no moment exists at which it could be lost: never overwriting, and across devices by a verified copy."""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from enum import StrEnum

from ..base.errors import KnownError
from ..base.escape import printable
from ..base.files import NotRegular, open_regular

_CHUNK = 1 << 20
_FOLLOWS = os.utime not in os.supports_follow_symlinks  # where it cannot be asked not to
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
# What os.link says where hard links cannot be made: another device, a file system without them.
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES, errno.EINVAL}


class MoveRefused(KnownError):
    """The file is not what it was, or something is in the way; nothing was moved."""


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


def identify(path: str) -> Identity:
    """Read a regular file (no link to one). Raises MoveRefused."""
    try:
        file = open_regular(path, follow=False)
    except NotRegular:
        raise MoveRefused(f"{printable(path)} is not a regular file; it was left where it is") from None
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise MoveRefused(f"{printable(path)} cannot be read: {reason}; it was left where it is") from None
    with file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Identity(digest, status.st_size, status.st_mtime_ns, status.st_atime_ns, status.st_dev, status.st_ino)


def move(source: str, target: str, identity: Identity) -> None:
    """Move the file that `identify` saw. Times, mode and extended attributes go along. Raises MoveRefused.

    At every moment the whole file is at `source` or at `target`, or at both.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise MoveRefused(f"{printable(target)} exists already and is not overwritten; {printable(source)} stays") from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise _refusal(source, error) from None
        _copy(source, target, identity)
    else:
        if not _is_same(os.lstat(target), identity):
            os.unlink(target)
            raise MoveRefused(f"{printable(source)} was replaced by another file meanwhile; it was left where it is")
    os.utime(target, ns=(identity.atime_ns, identity.mtime_ns), follow_symlinks=_FOLLOWS)
    sync_folder(os.path.dirname(target))
    _remove(source, target, identity)


def settle(source: str, target: str, sha256: str) -> Where:
    """After a move that was cut short: leave the file at one place, and say at which.

    A name is only taken away while the same bytes are under the other one, so a file that came to either place since is safe.
    """
    at_source, at_target = _digest(source), _digest(target)
    _discard(_partial(target))
    if at_target == sha256:
        if at_source == sha256:
            os.unlink(source)
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


def _copy(source: str, target: str, identity: Identity) -> None:
    """Copy under a name of our own, make it durable, read it back, compare, then give it its name. On trouble the copy goes."""
    partial = _partial(target)
    try:
        with open_regular(source, follow=False) as original:
            writing = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
            with os.fdopen(writing, "wb") as copy:
                shutil.copyfileobj(original, copy, _CHUNK)
                copy.flush()
                os.fsync(copy.fileno())
        if _digest(partial) != identity.sha256:
            raise MoveRefused(f"the copy of {printable(source)} is not the same as the file; it was left where it is")
        shutil.copystat(source, partial, follow_symlinks=False)
        _name_without_overwriting(partial, target)
    except FileExistsError:
        raise MoveRefused(f"{printable(target)} exists already and is not overwritten; {printable(source)} stays") from None
    except OSError as error:
        raise _refusal(source, error) from None
    finally:
        _discard(partial)


def _name_without_overwriting(partial: str, target: str) -> None:
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))  # takes the name; then it is ours to replace
        os.replace(partial, target)


def _partial(target: str) -> str:
    digest = hashlib.sha256(os.fsencode(target)).hexdigest()[:24]
    return os.path.join(os.path.dirname(target), f".dfscan-{digest}.partial")


def _discard(partial: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(partial)


def _remove(source: str, target: str, identity: Identity) -> None:
    """Take the first name away, unless it means another file by now."""
    if not _is_same(os.lstat(source), identity):
        os.unlink(target)
        raise MoveRefused(f"{printable(source)} changed while it was moved; it was left where it is")
    try:
        os.unlink(source)
    except OSError as error:
        os.unlink(target)
        raise _refusal(source, error) from None
    sync_folder(os.path.dirname(source))


def _is_same(status: os.stat_result, identity: Identity) -> bool:
    """A number alone would not do: file systems give a freed one to the next file, which may be a link to somewhere else."""
    found = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return stat.S_ISREG(status.st_mode) and found == (identity.device, identity.inode, identity.size, identity.mtime_ns)


def _digest(path: str) -> str | None:
    try:
        return identify(path).sha256
    except MoveRefused:
        return None


def _refusal(path: str, error: OSError) -> MoveRefused:
    return MoveRefused(f"{printable(path)} cannot be moved: {error.strerror}; nothing was changed")
