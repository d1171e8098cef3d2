"""Creating and upgrading the schema. Alembic is slow to import, so it comes in only when there is something to do."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

import migrations

from .backup import attempt_path, back_up, new_backup_path
from .engine import Database
from .migrating import SchemaError, migration
from .models import Base

if TYPE_CHECKING:
    from alembic.config import Config


__all__ = ["SchemaError", "alembic_config", "current_revision", "downgrade", "is_prepared", "prepare_schema", "upgrade"]

log = logging.getLogger(__name__)


def current_revision(database: Database) -> str | None:
    """The revision the database is at; None when it is empty."""
    with database.read() as session:
        connection = session.connection()
        _demand_unicode(connection)
        return _revision(connection)


def is_prepared(database: Database) -> bool:
    """Whether the database is at the current revision."""
    return current_revision(database) == migrations.HEAD


def _demand_unicode(connection: Connection) -> None:
    """File names may have any letter. (SQL_ASCII takes the bytes of each, whatever they mean.)"""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding not in ("UTF8", "SQL_ASCII"):
        raise SchemaError(
            f"the database's encoding is {encoding}, which lacks letters of file names; make it anew: CREATE DATABASE dfscan "
            "ENCODING 'UTF8' TEMPLATE template0, then run `dfscan db upgrade`"
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def prepare_schema(database: Database) -> None:
    """Bring SQLite to the current revision; demand it of a server. Raises SchemaError."""
    found = current_revision(database)
    if found == migrations.HEAD:
        return
    if found is not None and not _is_known(found):
        raise SchemaError(
            f"the database is at revision {found}, which this version does not know: a newer dfscan used it. Upgrade dfscan"
        )
    if database.engine.dialect.name != "sqlite":
        state = f"at revision {found}" if found else "empty"
        raise SchemaError(f"the database is {state}, dfscan needs revision {migrations.HEAD}: run `dfscan db upgrade` first")
    upgrade(database)


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations up to `revision`, in one transaction; a second process waits for the first.

    A SQLite database that is not empty is backed up first. Raises BackupFailed, with nothing changed, when it cannot be, and
    SchemaError when the result would not be sound.
    """
    from alembic import command

    path = database.file
    backup = None
    with migration(database) as connection:
        _demand_unicode(connection)
        found = _revision(connection)
        if path is not None and found not in (None, migrations.HEAD):
            backup = back_up(path, attempt_path(path), replaces=True)
            log.info("the database is backed up to %s before its schema changes", backup)
        command.upgrade(_config_on(connection), revision)
    if path is not None and backup is not None:
        # Only now has it a name of its own: any number of failed tries keep one copy.
        backup.rename(new_backup_path(path))


def downgrade(database: Database, revision: str) -> None:
    """Undo migrations down to `revision` (`base` for none)."""
    from alembic import command

    with migration(database) as connection:
        command.downgrade(_config_on(connection), revision)


def _config_on(connection: Connection) -> "Config":
    config = alembic_config()
    config.attributes["connection"] = connection
    return config


def alembic_config() -> "Config":
    """Alembic's configuration, wherever the package is installed."""
    from alembic.config import Config

    config = Config()
    config.attributes["metadata"] = Base.metadata
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    return config


def _folder() -> Path:
    return Path(migrations.__file__).parent


def _is_known(revision: str) -> bool:
    return any(path.name.startswith(f"{revision}_") for path in (_folder() / "versions").glob("*.py"))
