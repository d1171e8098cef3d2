"""What every command is given: the settings, and the database opened on them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ..base.access.private import private_folder
from ..base.errors import KnownError
from ..base.escape import printable
from ..base.logs import print_text
from ..base.settings import Settings

if TYPE_CHECKING:
    from ..database.engine import Database


pass_settings = click.make_pass_decorator(Settings)


@contextmanager
def opened_database(settings: Settings, *, check: bool = False, begins: bool = False) -> Iterator["Database"]:
    """The database, at the current schema. Raises DatabaseUnavailable and SchemaError.

    With `check` (for commands that write for long, as its time grows with the database) also CorruptDatabase. Only a command
    that `begins` something makes a database; the others raise NoDatabase where a flag names one that is not there, or are given
    an empty one in memory.
    """
    from ..database.engine import open_database
    from ..database.schema import prepare_schema

    url = settings.url if begins or check else known_url(settings)
    if begins or check:
        _prepare_data_folder(settings)
    if check:
        _demand_sound(settings)
    database = open_database(url)
    try:
        prepare_schema(database)
        yield database
    finally:
        database.close()


def _prepare_data_folder(settings: Settings) -> None:
    try:
        private_folder(settings.data_dir)
    except OSError as error:
        folder = printable(str(settings.data_dir))
        raise NoDataFolder(
            f"the data folder {folder} cannot be made: {error.strerror}. Choose another with DFSCAN_DATA_DIR"
        ) from None


class NoDataFolder(KnownError):
    """The folder for what the program writes cannot be made."""


class NoDatabase(KnownError):
    """A database that is not there."""


def known_url(settings: Settings) -> str:
    """The database's URL, or that of an empty one in memory. Raises NoDatabase."""
    from ..base.addresses.sqlite_urls import sqlite_path

    file = sqlite_path(settings.url)
    if file is None or file.exists():
        return settings.url
    if not next(folder for folder in file.parents if folder.exists()).is_dir():
        return settings.url  # it cannot be made either, and opening it says so
    said = f"there is no database {printable(str(file))} yet; `dfscan scan` or `dfscan watch` begins one"
    flags = click.get_current_context().meta.get("dfscan.flags", {})
    if flags.get("data_dir") or flags.get("database_url"):
        raise NoDatabase(f"{said}. Is --data-dir or --database-url written as it was then?")
    print_text(f"dfscan: {said}", err=True)
    return "sqlite://"


def _demand_sound(settings: Settings) -> None:
    from ..base.addresses.sqlite_urls import sqlite_path
    from ..database.integrity import demand_sound

    path = sqlite_path(settings.url)
    if path is not None:
        demand_sound(path)


def say_unknown(database: "Database", paths: Sequence[str]) -> None:
    """Say of which of `paths` nothing is known: nothing found there would be taken for nothing wrong."""
    from ..database.queries import knows_any

    if not paths:
        return
    with database.read() as session:
        unknown = [path for path in paths if not knows_any(session, path)]
    if unknown:
        more = f" (nor under {len(unknown) - 1:,} more)" if len(unknown) > 1 else ""
        print_text(f"dfscan: no file is known under {printable(unknown[0])}{more}: check the name, or scan it first", err=True)


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)
