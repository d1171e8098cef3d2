"""URLs of SQLite files: any name there and back, as SQLAlchemy's own lose those with %, ? or ~."""

import os
from pathlib import Path
from urllib.parse import quote, unquote

from ..errors import KnownError
from .user_paths import user_path


class SqliteUrlNotMeant(KnownError):
    """A SQLite URL that can hardly be what was meant."""


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite `file`."""
    return "sqlite:///" + "".join(quote(char) if char in "%?#" else char for char in str(file))


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite `url`, absolute; None for a database in memory, or of a server. Raises SqliteUrlNotMeant.

    `%20` and the like are read as what they stand for, unless a file that is so called is there and the other is not.
    """
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] != "sqlite" or rest in ("", "/", "/:memory:"):
        return None
    if not rest.startswith("/"):
        raise SqliteUrlNotMeant(f"{url} names a server; a file has three slashes: sqlite:///{rest}, or four for /{rest}")
    if "?" in rest:
        raise SqliteUrlNotMeant(f"{url}: SQLite takes no parameters here; a ? in a file's name is written %3F")
    as_written, meant = user_path(rest[1:]), user_path(unquote(rest[1:]))
    return Path(as_written if os.path.exists(as_written) and not os.path.exists(meant) else meant)
