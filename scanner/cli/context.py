"""What every command is given: the settings, and the database opened on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ..settings import Settings

if TYPE_CHECKING:
    from ..database.engine import Database

pass_settings = click.make_pass_decorator(Settings)


@contextmanager
def opened_database(settings: Settings) -> Iterator["Database"]:
    """The database, at the current schema. Raises DatabaseUnavailable and SchemaError."""
    from ..database.engine import open_database
    from ..database.schema import prepare_schema

    database = open_database(settings.url)
    try:
        prepare_schema(database)
        yield database
    finally:
        database.close()


def utc_now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)
