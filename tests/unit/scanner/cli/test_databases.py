"""The database that is meant is the one that is opened, and none is made by looking."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from files.command import Dfscan, Here
from files.rows import fill
from sqlalchemy import text

import migrations
from scanner.base.addresses.sqlite_urls import SqliteUrlNotMeant, sqlite_path, sqlite_url
from scanner.database import schema
from scanner.database.backup import InUse, back_up, new_backup_path, restore
from scanner.database.engine import LOG_BYTES, DatabaseUnavailable, open_database
from scanner.reports import report

NAMES = ("plain", "with space", "100% sure", "50%20off", "what?", "a#b", "ä\udcff", "~tilde", "per%3Fcent")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name(laptop: Dfscan, here: Here, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    del laptop.environment["DFSCAN_DATABASE_URL"]
    laptop.environment["DFSCAN_DATA_DIR"] = str(folder)
    here("db", "upgrade")
    assert (folder / "dfscan.sqlite").is_file()
    assert here("db", "current").stdout.strip().endswith(f"{migrations.HEAD}, this program needs {migrations.HEAD}")
    assert sorted(os.listdir(tmp_path)) == sorted([name, *({"config"} & set(os.listdir(tmp_path)))])
    assert sqlite_path(sqlite_url(folder / "x")) == folder / "x"


def test_urls_as_people_write_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert sqlite_path("sqlite:///x.sqlite") == tmp_path / "x.sqlite"
    assert sqlite_path("sqlite:///~/x.sqlite") == tmp_path / "home" / "x.sqlite"
    assert sqlite_path("sqlite:////a/../b/My%20Pictures.sqlite") == Path("/b/My Pictures.sqlite")
    assert sqlite_path("sqlite+pysqlite:////a") == Path("/a")
    (tmp_path / "a%20b").touch()  # as an earlier version has made it
    assert sqlite_path("sqlite:///a%20b") == tmp_path / "a%20b"
    (tmp_path / "a b").touch()
    assert sqlite_path("sqlite:///a%20b") == tmp_path / "a b"
    for url in ("sqlite:////a?mode=ro", "sqlite://home/x.sqlite"):
        with pytest.raises(SqliteUrlNotMeant):
            sqlite_path(url)


@pytest.mark.parametrize("command", ["report", "status", "verify", "retry", "rescan", "db current", "service status"])
def test_a_mistyped_folder_is_an_error_and_stays_away(laptop: Dfscan, here: Here, tmp_path: Path, command: str) -> None:
    missing = tmp_path / "mistyped"
    del laptop.environment["DFSCAN_DATABASE_URL"]
    done = here("--data-dir", missing, *command.split(), exit_status=2)
    assert "there is no database" in done.stderr
    done = here("--database-url", f"sqlite:///{missing}/x.sqlite", *command.split(), exit_status=2)
    assert "there is no database" in done.stderr
    assert not missing.exists()


def test_before_the_first_scan_there_is_nothing_and_nothing_is_made(laptop: Dfscan, here: Here) -> None:
    done = here("report", "--json")
    assert json.loads(done.stdout)["items"] == []
    assert "there is no database" in done.stderr
    assert not laptop.data_dir.exists()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder mounted over itself without the right to write, which holds for root, too."""
    if subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)  # our own connections may still be open


def test_a_database_on_a_read_only_medium_is_reported(filled: Dfscan, here: Here) -> None:
    filled.database.close()
    with read_only(filled.data_dir):
        assert "3 files: 3 fake" in here("report").stdout
        assert "3 scored" in here("status").stdout
        assert "cannot be used" in here("retry", exit_status=2).stderr


def test_also_one_that_others_write_to_meanwhile(filled: Dfscan, here: Here) -> None:
    """As a container sees it that has the folder without the right to write."""
    with filled.database.write() as session:
        session.execute(text("UPDATE files SET state = 'failed'"))
    with read_only(filled.data_dir):
        assert "3 files: 3 failed" in here("report").stdout


def test_an_old_one_on_a_read_only_medium_is_said(laptop: Dfscan, here: Here) -> None:
    schema.upgrade(laptop.database, "0003")
    fill(laptop.database)
    laptop.database.close()
    with read_only(laptop.data_dir):
        assert "Traceback" not in here("report", exit_status=2).stderr


@pytest.mark.parametrize("at_most", [0, report.GROUPED_AT_MOST])
def test_who_prints_a_report_holds_no_transaction(filled: Dfscan, monkeypatch: pytest.MonkeyPatch, at_most: int) -> None:
    monkeypatch.setattr(report, "GROUPED_AT_MOST", at_most)
    with filled.database.read() as session:
        before = [dict(row._mapping) for row in session.execute(text("SELECT path, error FROM files ORDER BY id DESC"))]
    with report.opened_report(filled.database) as (summary, items):
        first = next(items)
        with filled.database.write() as session:
            session.execute(text("DELETE FROM files"))
        with filled.database.engine.connect() as connection:
            [busy, *_] = connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert busy == 0
        rest = list(items)
    assert summary.matching == len(before) == len([first, *rest]) == 3
    assert first.evidence is None
    assert {type(item.scanned_at) for item in (first, *rest)} == {type(first.scanned_at)}


def test_the_log_of_writes_is_cut_again(filled: Dfscan) -> None:
    log = filled.data_dir / "dfscan.sqlite-wal"
    reader = open_database(filled.environment["DFSCAN_DATABASE_URL"])
    with reader.read() as reading:
        reading.execute(text("SELECT count(*) FROM files")).all()
        with filled.database.write() as session:
            session.execute(text("CREATE TABLE large AS SELECT randomblob(30000000)"))
    reader.close()
    assert log.stat().st_size > LOG_BYTES
    for _ in range(2):
        with filled.database.write() as session:
            session.execute(text("UPDATE files SET attempts = 2"))
        with filled.database.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    with filled.database.write() as session:
        session.execute(text("UPDATE files SET attempts = 3"))
    assert log.stat().st_size <= LOG_BYTES


def test_a_database_that_is_open_elsewhere_is_not_replaced(filled: Dfscan, here: Here) -> None:
    """A scan, or the watch of another container: no row says so, as it works on the file itself."""
    file = filled.data_dir / "dfscan.sqlite"
    copy = back_up(file, new_backup_path(file))
    before = file.read_bytes()
    other = open_database(filled.environment["DFSCAN_DATABASE_URL"])
    with other.read() as session:
        session.execute(text("SELECT 1 FROM files")).all()
    filled.database.close()
    with pytest.raises(InUse):
        restore(copy, file)
    assert "stop it first" in here("db", "restore", copy, exit_status=2).stderr
    assert file.read_bytes() == before
    other.close()
    here("db", "restore", copy)


def test_an_unwritable_one_is_no_bug(filled: Dfscan) -> None:
    filled.database.close()
    with read_only(filled.data_dir):
        database = open_database(filled.environment["DFSCAN_DATABASE_URL"])
        with pytest.raises(DatabaseUnavailable, match="DFSCAN_DATA_DIR"), database.write() as session:
            session.execute(text("DELETE FROM files"))
        database.close()
