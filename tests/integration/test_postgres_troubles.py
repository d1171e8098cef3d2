"""What people do to a Postgres server under a running program: each is said with what mends it, and none is a file's fault."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, make_url, text

from scanner.database import schema
from scanner.database.engine import Database, DatabaseChanged, DatabaseUnavailable, open_database
from scanner.database.migrating import SchemaError
from scanner.domain.outcomes import ContentFacts, Scored
from scanner.jobs.leases import claim
from scanner.results.record import record, register_model

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def postgres(current_postgres: Callable[[], str]) -> Iterator[Database]:
    opened = open_database(current_postgres())
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("does", "advice"),
    [
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "name the primary"),
        ("CREATE ROLE mallory LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO mallory", "GRANT|grant"),
        ("DROP SCHEMA public CASCADE; CREATE SCHEMA public", "db upgrade"),
    ],
    ids=["read-only", "no rights", "dropped and made anew"],
)
def test_it_is_said_with_what_mends_it(postgres: Database, does: str, advice: str) -> None:
    url = postgres.engine.url
    with postgres.write() as session:
        session.execute(text(does.format(name=url.database)))
    postgres.close()  # what was pooled may not know
    as_other = url.set(username="mallory") if "mallory" in does else url
    other = open_database(as_other.render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable, match=advice):
        claim(other, "worker", 1, now=NOW, lease_seconds=60, max_attempts=3)
    other.close()
    if "read_only" in does:
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("SET default_transaction_read_only = off"))
            connection.execute(text(f"ALTER DATABASE {url.database} RESET default_transaction_read_only"))
        engine.dispose()
    if "mallory" in does:
        with postgres.write() as session:
            session.execute(text("DROP OWNED BY mallory; DROP ROLE mallory"))


def test_a_worker_that_knows_rows_of_the_old_database_stops_instead_of_charging_files(postgres: Database) -> None:
    model = register_model(postgres, sha256="11" * 32, name="lite", card={}, threshold=0.75, band_low=0.5, now=NOW)
    with postgres.write() as session:
        session.execute(text("INSERT INTO files (path, size, mtime_ns, state, attempts) VALUES ('/a', 1, 1, 'pending', 0)"))
    [file] = claim(postgres, "worker", 1, now=NOW, lease_seconds=60, max_attempts=3)
    with postgres.write() as session:
        session.execute(text("DELETE FROM models"))
    with pytest.raises(DatabaseChanged):
        record(postgres, "worker", [Scored(file, ContentFacts("aa" * 32, 1), 0.9, 0.1)], model, device="cpu", now=NOW)


def test_no_statement_is_prepared_which_a_pooler_would_give_to_another_session(postgres: Database) -> None:
    with postgres.read() as session:
        for _ in range(12):  # psycopg prepares what it sees the sixth time
            session.execute(text("SELECT count(*) FROM files"))
        assert session.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar() == 0


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_KR"])
def test_an_encoding_that_lacks_letters_is_refused(new_postgres_url: Callable[[], str], encoding: str) -> None:
    url = make_url(new_postgres_url()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"{url.database}_other"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"))
    engine.dispose()
    other = open_database(url.set(database=name).render_as_string(hide_password=False))
    for refuses in (schema.upgrade, schema.prepare_schema):
        with pytest.raises(SchemaError, match=encoding):
            refuses(other)
    other.close()


def test_names_go_through_whatever_the_environment_says(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    other = open_database(postgres.engine.url.render_as_string(hide_password=False))
    with other.read() as session:
        assert session.execute(text("SELECT '猫' || chr(29483)")).scalar() == "猫猫"
    other.close()


def test_the_clock_is_the_servers(postgres: Database) -> None:
    with postgres.read() as session:
        server = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert server <= postgres.now()
    assert postgres.now().tzinfo is not None
