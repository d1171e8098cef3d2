"""What the files of a run's caches have in common: the rows that they belong to, their room, and what is said of their size."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from scanner.base.errors import KnownError
from scanner.base.files import try_writing

from .manifest import ManifestError, Row


class CacheUnusable(KnownError):
    """The folder of a cache cannot be written, has no room for them, or another run writes there."""


def told_rows(rows: Sequence[Row]) -> Iterator[bytes]:
    """What embeddings of `rows` depend on, row by row, to be hashed. Raises ManifestError for a file that is not there."""
    for row in rows:
        told = (os.path.abspath(row.path), _bytes_of(row), row.label, row.source, row.family, row.group, row.split)
        yield json.dumps(told).encode()


def demand_folder(folder: Path) -> None:
    """Make the folder of a cache, before any picture is read. Raises CacheUnusable where nothing can be written to it."""
    try:
        try_writing(folder)
    except OSError as error:
        raise CacheUnusable(f"{folder} cannot be written: {error.strerror or error}; name another folder") from None


def demand_room(folder: Path, needed: int, what: str, advice: str) -> None:
    """Raise CacheUnusable where a file of `needed` bytes would find no room in `folder`, which is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise CacheUnusable(f"{folder} cannot be written: {error.strerror or error}; {advice}") from None
    if needed > free:
        raise CacheUnusable(f"{what} need {size_text(needed)} and {folder} has {size_text(free)} left: {advice}")


def with_room(path: Path, needed: int, what: str, advice: str) -> None:
    """Make the file at `path`, `needed` bytes long, with its room on the disk; one that is there and as long stays as it is.

    A disk that gets full would end the run by a signal when a mapped file is written to. Raises CacheUnusable.
    """
    try:
        size = path.stat().st_size if path.exists() else 0
        if size == 0:
            demand_room(path.parent, needed, what, advice)
        if size != needed:
            with path.open("ab") as opened:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(opened.fileno(), 0, needed)
                else:
                    opened.truncate(needed)
    except OSError as error:
        raise CacheUnusable(f"{path} cannot be written: {error.strerror or error}; {advice}") from None


def size_text(count: float) -> str:
    """So many bytes for people: "1.2 GB", "3.4 MB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _bytes_of(row: Row) -> int:
    """How large the file is: a picture that was replaced is most often told by it."""
    try:
        return row.path.stat().st_size
    except OSError as error:
        raise ManifestError(f"{row.path}: {error.strerror}. Mend it, or take its line out of the manifest") from None
