"""What the files of kept embeddings have in common: the rows that they belong to, and what is said of their size."""

import json
import os
from collections.abc import Iterator, Sequence

from scanner.base.errors import KnownError

from .manifest import ManifestError, Row


class CacheUnusable(KnownError):
    """The folder for embeddings cannot be written, has no room for them, or another run writes there."""


def told_rows(rows: Sequence[Row]) -> Iterator[bytes]:
    """What embeddings of `rows` depend on, row by row, to be hashed. Raises ManifestError for a file that is not there."""
    for row in rows:
        told = (os.path.abspath(row.path), _bytes_of(row), row.label, row.source, row.family, row.group, row.split)
        yield json.dumps(told).encode()


def size_text(count: float) -> str:
    """So many bytes for people: "1.2 GB", "3.4 MB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _bytes_of(row: Row) -> int:
    """How large the file is: a picture that was replaced is most often told by it."""
    try:
        return row.path.stat().st_size
    except OSError as error:
        raise ManifestError(f"{row.path}: {error.strerror}. Mend it, or take its line out of the manifest") from None
