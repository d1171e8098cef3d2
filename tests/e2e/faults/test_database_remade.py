"""A database that is taken away, or made anew, under a running watch and its worker: no file is charged, and the work goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from files.command import Dfscan
from guard import waits
from sqlalchemy import create_engine, make_url, select, text

from scanner.database.models import File

TAKES_AWAY = {
    "dropped": ("DROP SCHEMA public CASCADE; CREATE SCHEMA public", None),
    "read-only": (
        "ALTER DATABASE {name} SET default_transaction_read_only = on",
        "SET default_transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only",
    ),
}


@pytest.mark.parametrize("how", TAKES_AWAY)
def test_the_work_goes_on_in_it(
    laptop: Dfscan,
    new_postgres_url: Callable[[], str],
    originals: Path,
    make_picture: Callable[..., Path],
    wait_until: Callable[..., None],
    tmp_path: Path,
    how: str,
) -> None:
    # A worker finds out that the database was made anew when it shows a sign of life: every quarter of a lease.
    laptop.environment |= {"DFSCAN_DATABASE_URL": new_postgres_url(), "DFSCAN_MAX_ATTEMPTS": "1", "DFSCAN_LEASE_SECONDS": "24"}
    laptop.environment[waits.VARIABLE] = "2"
    laptop.data_dir.mkdir()
    laptop.run("db", "upgrade")
    make_picture(originals / "before.jpg", 1)
    watch = laptop.start("watch", originals)
    wait_until(lambda: states(laptop) == {"before.jpg": "scored"}, 300, "the first verdict")

    does, undoes = TAKES_AWAY[how]
    execute(laptop, does)
    make_picture(originals / "while.jpg", 2)
    log = tmp_path / "started-0.log"
    wait_until(lambda: "the database fails" in log.read_text(), 100, "the trouble to be said")
    if undoes:
        execute(laptop, undoes)
    else:
        laptop.run("db", "upgrade")
    make_picture(originals / "after.jpg", 3)
    expected = dict.fromkeys(("before.jpg", "while.jpg", "after.jpg"), "scored")
    wait_until(lambda: states(laptop) == expected, 300, "all verdicts")
    watch.terminate()
    assert watch.wait(60) == 0
    for said in (log.read_text(), laptop.worker_log()):
        assert "Traceback" not in said
    assert log.read_text().count("the database fails") == 1


def execute(laptop: Dfscan, statements: str) -> None:
    """Run them as the server's owner, and end the sessions that do not know of them."""
    url = make_url(laptop.environment["DFSCAN_DATABASE_URL"]).set(drivername="postgresql+psycopg")
    laptop.database.close()
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements.format(name=url.database).split(";"):
            connection.execute(text(statement))
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
    engine.dispose()


def states(laptop: Dfscan) -> dict[str, str]:
    with laptop.database.read() as session:
        return {Path(path).name: state for path, state in session.execute(select(File.path, File.state))}
