"""What every command is given: the settings, and the database opened on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ..base.settings import Settings

if TYPE_CHECKING:
    from ..database.engine import Database

pass_settings = click.make_pass_decorator(Settings)


@contextmanager
def opened_database(settings: Settings, *, check: bool = False) -> Iterator["Database"]:
    """The database, at the current schema. Raises DatabaseUnavailable and SchemaError.

    With `check` (for commands that write for long, as its time grows with the database) also CorruptDatabase.
    """
    from ..database.engine import open_database
    from ..database.schema import prepare_schema

    if check:
        _demand_sound(settings)
    database = open_database(settings.url)
    try:
        prepare_schema(database)
        yield database
    finally:
        database.close()


def _demand_sound(settings: Settings) -> None:
    from ..database.backup import sqlite_path
    from ..database.integrity import demand_sound

    path = sqlite_path(settings.url)
    if path is not None:
        demand_sound(path)


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)
