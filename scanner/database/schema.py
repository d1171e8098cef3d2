"""Creating and upgrading the schema. Alembic is slow to import, so it comes in only when there is something to do."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

import migrations

from ..base.errors import KnownError
from .backup import back_up, new_backup_path, sqlite_path
from .engine import Database
from .models import Base

if TYPE_CHECKING:
    from alembic.config import Config


log = logging.getLogger(__name__)


class SchemaError(KnownError):
    """The database's schema is not the one this program needs."""


def current_revision(database: Database) -> str | None:
    """The revision the database is at; None when it is empty."""
    with database.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        return session.execute(text("SELECT version_num FROM alembic_version")).scalar()


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

    A SQLite database that is not empty is backed up first. Raises BackupFailed, with nothing changed, when it cannot be.
    """
    from alembic import command

    path = sqlite_path(str(database.engine.url))
    if path is not None and current_revision(database) not in (None, migrations.HEAD):
        log.info("the database is backed up to %s before its schema changes", back_up(path, new_backup_path(path)))
    with database.write() as session:
        config = alembic_config()
        config.attributes["connection"] = session.connection()
        command.upgrade(config, revision)


def downgrade(database: Database, revision: str) -> None:
    """Undo migrations down to `revision` (`base` for none)."""
    from alembic import command

    with database.write() as session:
        config = alembic_config()
        config.attributes["connection"] = session.connection()
        command.downgrade(config, revision)


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
