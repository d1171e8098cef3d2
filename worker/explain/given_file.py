"""The file that shall be explained, read as a worker reads it. Imports no torch: what cannot be read is said at once."""

import os

from scanner.base.errors import KnownError
from scanner.base.escape import escaped, printable
from scanner.base.settings import Settings
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Changed, Failed, Unreachable, Vanished

from ..pipeline.read import read_image
from ..pipeline.types import Item


class CannotExplain(KnownError):
    """The file has no score to explain; the text says why."""


def read_file(path: str, settings: Settings) -> tuple[bytes, str]:
    """The bytes of an image file and their sha256, read as a worker reads them. Raises CannotExplain."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise CannotExplain(f"{printable(path)} cannot be read: {error.strerror}; check the name") from None
    except ValueError as error:
        raise CannotExplain(f"{escaped(path)} is no file name: {error}") from None
    match read_image(Claimed(0, path, status.st_size, status.st_mtime_ns), int(settings.max_file_megabytes * 1e6)):
        case Failed(reason=reason) | Unreachable(reason=reason):
            raise CannotExplain(f"{printable(path)}: {reason}")
        case Vanished():
            raise CannotExplain(f"{printable(path)} is no longer there")
        case Changed():
            raise CannotExplain(f"{printable(path)} changed while it was read; try again when it is complete")
        case Item(source=content, facts=facts):
            assert isinstance(content, bytes)
            return content, facts.sha256
