"""Folders and files that are for one user alone, and whose word counts only where no other user could write it.

Owners and modes are checked as ssh does: of this user or the administrator, and written by nobody else. On Windows, which keeps
the folders of each user apart by itself, nothing is checked.
"""

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from ..errors import KnownError
from ..escape import in_shell, printable
from ..files import FILE_MODE

FOLDER_MODE = 0o700
_PRIVATE_UMASK = 0o077
# What the user's own umask was, for our child processes.
UMASK_VARIABLE = "DFSCAN_UMASK"


class NotPrivate(KnownError):
    """A folder or file that other users can write."""


def keep_files_private() -> None:
    """Let nothing that this process and its children make be open to other users; `user_umask` still tells what was set."""
    found = os.umask(_PRIVATE_UMASK)
    os.environ.setdefault(UMASK_VARIABLE, f"{found:o}")


def user_umask() -> int:
    """The umask that the user has set: for what is written where the user says, and for programs of the user's."""
    with suppress(KeyError, ValueError):
        return int(os.environ[UMASK_VARIABLE], 8) & 0o777
    found = os.umask(_PRIVATE_UMASK)
    os.umask(found)
    return found


def share_as_user_does(path: str | os.PathLike[str]) -> None:
    """Give a file or folder, with all in it, the mode that the user's umask gives new ones: it is no part of ours."""
    mask = user_umask()
    for folder, _, files in os.walk(path):
        os.chmod(folder, 0o777 & ~mask)
        for name in files:
            os.chmod(os.path.join(folder, name), 0o666 & ~mask)
    if not os.path.isdir(path):
        os.chmod(path, 0o666 & ~mask)


def private_folder(folder: Path) -> Path:
    """Make `folder`, and those above it that are not there, for this user alone; returns it. Raises OSError, NotPrivate.

    An empty one of this user's becomes private, too.
    """
    make_missing(folder)
    status = folder.stat()
    if os.name != "nt" and status.st_mode & 0o077 and status.st_uid == os.geteuid() and not any(folder.iterdir()):
        with suppress(OSError):  # on a medium that is only read
            folder.chmod(FOLDER_MODE)
    demand_own(folder)
    return folder


def make_missing(folder: Path) -> None:
    """Make `folder`, and those above it that are not there, for this user alone. Raises OSError."""
    # By hand: with `parents` pathlib gives those above the mode that the umask says.
    for one in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        one.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def demand_own(path: Path) -> None:
    """Raise NotPrivate where another user can write `path`, a file or folder; for what is not there nothing happens."""
    try:
        status = path.stat()
    except OSError:
        return
    is_folder = stat.S_ISDIR(status.st_mode)
    if is_folder and _is_empty(path):
        return  # nothing in it can be anyone's
    reason = why_not_own(status)
    if reason is None or (is_folder and status.st_uid in _trusted() and not _keeps_modes(path)):
        return
    raise _not_private(path, status, reason)


def own_text(path: Path) -> str:
    """What a settings file of this user's or the administrator's holds. Raises OSError, UnicodeDecodeError, NotPrivate."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if reason := why_not_own(status):
            raise _not_private(path, status, reason)
        demand_own(path.parent)
        return file.read().decode("utf-8-sig")


def is_own(folder: Path) -> bool:
    """Whether nobody else can write `folder`."""
    try:
        return why_not_own(folder.stat()) is None
    except OSError:
        return False


def _not_private(path: Path, status: os.stat_result, reason: str) -> NotPrivate:
    name = printable(str(path))
    mend = f"`chmod go-w {in_shell(str(path))}`" if status.st_uid in _trusted() else "`chown` it to yourself"
    return NotPrivate(f"{name} {reason}, so it is not used: {mend}, or use one of your own")


def why_not_own(status: os.stat_result) -> str | None:
    """Why what is there may be another user's word; None where it is not. In a folder that is sticky each owns their files."""
    if os.name == "nt":
        return None
    if status.st_uid not in _trusted():
        return f"belongs to {_user_name(status.st_uid)}"
    is_sticky_folder = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & 0o002 and not is_sticky_folder:
        return f"can be written by every user (mode {stat.S_IMODE(status.st_mode):04o})"
    # Which group root gives the right to is root's own decision.
    if status.st_mode & 0o020 and status.st_uid != 0 and not is_sticky_folder and not _is_private_group(status):
        return f"can be written by the group {_group_name(status.st_gid)} (mode {stat.S_IMODE(status.st_mode):04o})"
    return None


def _trusted() -> set[int]:
    """Whose files count: this user's, the administrator's, and of one who works as that by sudo, that user's."""
    own = os.geteuid()
    behind = os.environ.get("SUDO_UID", "") if own == 0 else ""
    return {0, own, int(behind)} if behind.isdecimal() else {0, own}


def _is_empty(folder: Path) -> bool:
    try:
        return not any(folder.iterdir())
    except OSError:
        return False


def _keeps_modes(folder: Path) -> bool:
    """Whether the file system knows modes: FAT, and shares of Windows, show the same for all files."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            os.fchmod(probe.fileno(), FILE_MODE)
            return not os.fstat(probe.fileno()).st_mode & 0o077
    except OSError:
        return True


def _is_private_group(status: os.stat_result) -> bool:
    """Whether its group has its owner alone, as many systems make one for each user."""
    import grp
    import pwd

    try:
        owner, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:
        return False
    return owner.pw_gid == group.gr_gid and owner.pw_name == group.gr_name and set(group.gr_mem) <= {owner.pw_name}


def _user_name(number: int) -> str:
    import pwd

    with suppress(KeyError):
        return f"the user {pwd.getpwuid(number).pw_name}"
    return f"the user with the number {number}"


def _group_name(number: int) -> str:
    import grp

    with suppress(KeyError):
        return grp.getgrgid(number).gr_name
    return str(number)
