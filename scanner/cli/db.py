"""`dfscan db`."""

import click

from ..settings import Settings, without_password
from .context import pass_settings


@click.group()
def db() -> None:
    """The database's schema."""


@db.command()
@pass_settings
def upgrade(settings: Settings) -> None:
    """Bring the schema to the version this program needs."""
    from ..database import schema
    from ..database.engine import open_database

    database = open_database(settings.url)
    schema.upgrade(database)
    click.echo(f"{without_password(settings.url)} is at revision {schema.current_revision(database)}")
    database.close()


@db.command()
@pass_settings
def current(settings: Settings) -> None:
    """Show the schema's version."""
    import migrations

    from ..database import schema
    from ..database.engine import open_database

    database = open_database(settings.url)
    found = schema.current_revision(database) or "none (empty)"
    click.echo(f"{without_password(settings.url)}: revision {found}, this program needs {migrations.HEAD}")
    database.close()
