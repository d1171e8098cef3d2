"""Files written whole or not at all, and regular files opened without waiting for a writer."""

import os
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

# Of files that the program keeps: for this user alone.
FILE_MODE = 0o600
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
# What is there already, a link above all, is not written through.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_BINARY", 0)


class NotRegular(OSError):
    """A folder, FIFO, socket or device, where a regular file is needed."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to: after the block it takes the place of `path`; when the block raises, it is removed.

    Nobody reads half a file, and several processes and threads may write the same one. Raises OSError.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    with suppress(OSError):  # of a killed process with the same number
        partial.unlink(missing_ok=True)
    try:
        yield partial
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> None:
    """Write `content` (text as UTF-8) in the place of `path`, whole or not at all, for this user alone. Raises OSError."""
    with written_whole(path) as partial, os.fdopen(os.open(partial, _NEW, FILE_MODE), "wb") as file:
        file.write(content.encode("utf-8") if isinstance(content, str) else content)


def try_writing(folder: Path) -> None:
    """Make `folder`, and a file in it that is gone at once: work of hours shall not end at a folder like this. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


# Files that were opened for this process, which may open none, by the paths that they have for it.
_handed: dict[str, BufferedReader] = {}


@contextmanager
def handed_over(path: str, file: BufferedReader | None) -> Iterator[None]:
    """Let `open_regular` open `file` in the place of `path`; None: as it is."""
    if file is None:
        yield
        return
    _handed[path] = file
    try:
        yield
    finally:
        _handed.pop(path).close()


def open_regular(path: str | os.PathLike[str], *, follow: bool = True, folder: int | None = None) -> BufferedReader:
    """Open a regular file to read its bytes; without `follow`, a symbolic link is none. Raises OSError, NotRegular.

    `path` may be a name in `folder`, a descriptor. A name may have become a FIFO's since it was looked at: opening that must
    not wait for a writer.
    """
    if folder is None and (handed := _handed.get(os.fspath(path))) is not None:
        opened = os.fdopen(os.dup(handed.fileno()), "rb")
        opened.seek(0)
        return opened
    descriptor = os.open(path, _READ if follow else _READ | _NO_FOLLOW, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotRegular(None, "not a regular file", os.fspath(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
