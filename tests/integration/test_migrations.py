"""The schema's history leads to the models, on every kind of database, and back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import migrations
from scanner.database import schema
from scanner.database.engine import Database, DatabaseUnavailable, open_database
from scanner.database.models import Base


def tables(database: Database) -> set[str]:
    with database.read() as session:
        return set(inspect(session.connection()).get_table_names())


def test_the_migrations_lead_to_the_models(database: Database) -> None:
    with database.write() as session:
        config = schema.alembic_config()
        config.attributes["connection"] = session.connection()
        command.check(config)


def test_down_to_nothing_and_up_again(database: Database) -> None:
    schema.downgrade(database, "base")
    assert tables(database) == {"alembic_version"}
    schema.upgrade(database)
    assert tables(database) == {"alembic_version", *Base.metadata.tables}
    assert schema.current_revision(database) == migrations.HEAD


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    schema.upgrade(database)
    assert schema.current_revision(database) == migrations.HEAD


def test_the_head_is_alembics_head() -> None:
    assert ScriptDirectory.from_config(schema.alembic_config()).get_heads() == [migrations.HEAD]


def test_every_migration_can_be_told_by_its_file_name() -> None:
    """`prepare_schema` looks at names only, so that a start needs no alembic."""
    script = ScriptDirectory.from_config(schema.alembic_config())
    for revision in script.walk_revisions():
        assert Path(revision.path).name.startswith(f"{revision.revision}_")


def test_an_empty_sqlite_is_upgraded(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/new folder/new.sqlite")
    assert schema.current_revision(database) is None
    schema.prepare_schema(database)
    assert schema.current_revision(database) == migrations.HEAD
    database.close()
    assert (tmp_path / "new folder").stat().st_mode & 0o777 == 0o700


def test_empty_server_is_left_alone(new_postgres_url: Callable[[], str]) -> None:
    """An empty server is left alone and the next step named."""
    database = open_database(new_postgres_url())
    with pytest.raises(schema.SchemaError, match=r"is empty.*run `dfscan db upgrade` first"):
        schema.prepare_schema(database)
    assert tables(database) == set()
    schema.upgrade(database)
    schema.prepare_schema(database)
    database.close()


def test_a_prepared_database_is_left_as_it_is(database: Database) -> None:
    schema.prepare_schema(database)
    assert schema.current_revision(database) == migrations.HEAD


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.SchemaError, match=r"revision 9999.*newer dfscan.*Upgrade dfscan"):
        schema.prepare_schema(database)


def test_a_failing_migration_leaves_nothing_half_done(database: Database) -> None:
    schema.downgrade(database, "base")
    with database.write() as session:
        session.execute(text("CREATE TABLE files (id INTEGER)"))  # the last table that the first migration makes
    with pytest.raises(Exception, match="files"):
        schema.upgrade(database)
    assert tables(database) == {"alembic_version", "files"}


def test_unreachable_databases_are_known_errors(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for url in (
        "nonsense",
        "mysql://host/x",
        f"sqlite:///{tmp_path}/file/x.sqlite",
        "postgresql://[::1",
        "postgresql://host:port/x",
    ):
        with pytest.raises(DatabaseUnavailable):
            open_database(url)
    (tmp_path / "text.sqlite").write_text("no database" * 1000)
    for url in (f"sqlite:///{tmp_path}/text.sqlite", "postgresql://anna:secret@127.0.0.1:1/x"):
        database = open_database(url)
        with pytest.raises(DatabaseUnavailable) as caught:
            schema.current_revision(database)
        assert "secret" not in str(caught.value)
        database.close()
