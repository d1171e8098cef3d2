"""Rows that are read now and printed later, however many: a file without a name holds what memory should not."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from ..base.errors import KnownError

# As much stays in memory.
MEMORY_BYTES = 16 << 20


class NoRoomToRead(KnownError):
    """The file for temporary things is full."""


@contextmanager
def set_aside(rows: Iterable[dict[str, Any]]) -> Iterator[Iterator[dict[str, Any]]]:
    """Read all of `rows` at once, and give them again, one by one; moments stay moments. Raises NoRoomToRead."""
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES, "w+", encoding="ascii") as spool:
        try:
            for row in rows:
                # Bytes of a name that are not UTF-8 are lone surrogates, which JSON escapes.
                spool.write(json.dumps(row, default=_marked) + "\n")
            spool.seek(0)
        except OSError as error:
            folder = tempfile.gettempdir()
            raise NoRoomToRead(
                f"what was found does not fit into {folder}: {error.strerror}. Free space there, or name another with TMPDIR"
            ) from None
        yield (json.loads(line, object_hook=_unmarked) for line in spool)


_MOMENT = "\0moment"


def _marked(moment: object) -> dict[str, str]:
    assert isinstance(moment, datetime)
    return {_MOMENT: moment.isoformat()}


def _unmarked(found: dict[str, Any]) -> Any:
    return datetime.fromisoformat(found[_MOMENT]) if _MOMENT in found else found
