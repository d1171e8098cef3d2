"""`dfscan db`."""

from contextlib import closing, suppress
from pathlib import Path

import click

import migrations

from ..base.addresses.parameters import USER_PATH
from ..base.addresses.redaction import without_password
from ..base.errors import KnownError
from ..base.logs import print_text
from ..base.settings import Settings
from .context import known_url, pass_settings


class NotSqlite(KnownError):
    """A command that is for SQLite only."""


@click.group()
def db() -> None:
    """The database: its schema, and copies of it."""


@db.command()
@pass_settings
def upgrade(settings: Settings) -> None:
    """Bring the schema to the version this program needs."""
    from ..database import schema
    from ..database.engine import open_database

    database = open_database(settings.url)
    schema.upgrade(database)
    print_text(f"{without_password(settings.url)} is at revision {schema.current_revision(database)}")
    database.close()


@db.command()
@pass_settings
def current(settings: Settings) -> None:
    """Show the schema's version."""
    from ..database import schema
    from ..database.engine import open_database

    database = open_database(known_url(settings))
    found = schema.current_revision(database) or "none (empty)"
    print_text(f"{without_password(settings.url)}: revision {found}, this program needs {migrations.HEAD}")
    database.close()


@db.command()
@click.option("-o", "--output", type=USER_PATH, help="The file to make; by default a new one in the data folder.")
@pass_settings
def backup(settings: Settings, output: str | None) -> None:
    """Copy the database, while others may use it."""
    from ..database.backup import back_up, new_backup_path

    path = _sqlite_file(settings, "pg_dump makes its backups")
    made = back_up(path, Path(output) if output else new_backup_path(path))
    print_text(f"{path} is backed up to {made} ({made.stat().st_size / 1e6:,.1f} MB)")


@db.command()
@click.argument("copy", type=USER_PATH)
@pass_settings
def restore(settings: Settings, copy: str) -> None:
    """Put a backup in the database's place; what was there is kept beside it. Stop watch, workers and the interface first."""
    from ..database.backup import restore as put_back

    path = _sqlite_file(settings, "pg_restore restores it")
    _demand_unused(path, settings)
    aside = put_back(Path(copy), path)
    print_text(f"{path} is the backup {copy} now" + (f"; what was there is kept as {aside}" if aside else ""))


def _demand_unused(path: Path, settings: Settings) -> None:
    """Who has it open would go on with the file that was moved away. One too damaged to say who does is of use to no one."""
    from ..database.backup import InUse
    from ..database.engine import DatabaseUnavailable, open_database
    from ..database.schema import current_revision
    from ..jobs.lock import WATCH, current_holder
    from ..jobs.workers import live_workers

    if not path.exists():
        return
    database = open_database(settings.url)
    users = []
    with closing(database), suppress(DatabaseUnavailable):
        if current_revision(database) == migrations.HEAD:
            holder = current_holder(database, WATCH, database.now())
            users = [f"`dfscan watch` (process {holder.pid} on {holder.host})"] if holder else []
            users += [f"a worker (process {seen.pid} on {seen.host})" for seen in live_workers(database, database.now())]
    if users:
        raise InUse(f"{users[0]} uses {path}; stop it first (one that was killed counts for a minute and a half more)")


def _sqlite_file(settings: Settings, instead: str) -> Path:
    from ..base.addresses.sqlite_urls import sqlite_path

    path = sqlite_path(settings.url)
    if path is None:
        raise NotSqlite(f"{without_password(settings.url)} is a server's database: {instead}")
    return path
