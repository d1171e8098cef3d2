"""The SQLite file: copied while it is used, recognised when it is damaged, never overwritten."""

import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

import migrations
from scanner.base.addresses.sqlite_urls import sqlite_path
from scanner.database import schema
from scanner.database.backup import BackupFailed, back_up, new_backup_path, restore
from scanner.database.engine import Database, DatabaseUnavailable, open_database
from scanner.database.integrity import CorruptDatabase, demand_sound, find_damage
from scanner.database.models import Root


@pytest.fixture
def file(tmp_path: Path, current_sqlite: Callable[[Path], str]) -> Path:
    """A database file with 500 rows."""
    path = tmp_path / "dfscan.sqlite"
    database = open_database(current_sqlite(path))
    add_roots(database, 500)
    database.close()
    return path


def add_roots(database: Database, count: int, prefix: str = "/") -> None:
    with database.write() as session:
        session.execute(insert(Root), [{"path": f"{prefix}{number}", "added_at": datetime.now(UTC)} for number in range(count)])


def roots_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM roots").fetchone()[0])


def damage(path: Path) -> bytes:
    """Overwrite a page in the middle, as a failing disk does; returns the file's bytes then."""
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 4] = b"\x99" * 8192
    path.write_bytes(content)
    return bytes(content)


def test_a_backup_holds_everything_and_nothing_beside_it(file: Path) -> None:
    made = back_up(file, new_backup_path(file))
    assert made.parent == file.parent / "backups"
    assert roots_in(made) == 500
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    assert made.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_one_moment_of_a_database_in_use(file: Path, tmp_path: Path) -> None:
    """Rows are written in pairs; a copy of the file's bytes would now and then hold half of one."""
    database = open_database(f"sqlite:///{file}")
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            add_roots(database, 2, prefix=f"/pair{number}/")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = [roots_in(back_up(file, tmp_path / f"copy{number}.sqlite")) for number in range(10)]
    finally:
        stop.set()
        writer.join()
        database.close()
    assert all(count % 2 == 0 for count in counts)
    assert counts == sorted(counts)


def test_a_backup_never_overwrites(file: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(BackupFailed, match="is not overwritten"):
        back_up(file, tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"
    names = {back_up(file, new_backup_path(file)).name for _ in range(3)}
    assert len(names) == 3


def test_a_copy_that_does_not_fit_is_no_backup(file: Path, small_disk: Path) -> None:
    database = open_database(f"sqlite:///{file}")
    add_roots(database, 30_000, prefix="/" + "long" * 20)
    database.close()
    with pytest.raises(BackupFailed, match="free space"):
        back_up(file, small_disk / "copy.sqlite")
    assert list(small_disk.iterdir()) == []


def test_damage_is_recognised_and_kept_aside_untouched(file: Path) -> None:
    demand_sound(file)
    copy = back_up(file, new_backup_path(file))
    bytes_then = damage(file)
    assert find_damage(file) is not None
    with pytest.raises(CorruptDatabase, match="is damaged") as caught:
        demand_sound(file)
    [aside] = file.parent.glob("dfscan.sqlite.corrupt-*Z")
    assert aside.read_bytes() == bytes_then
    assert not file.exists()
    assert str(aside) in str(caught.value)
    assert f"dfscan db restore {copy}" in str(caught.value)


def test_two_damaged_databases_are_both_kept(file: Path) -> None:
    first = damage(file)
    with pytest.raises(CorruptDatabase):
        demand_sound(file)
    file.write_bytes(b"no database at all" * 1000)
    with pytest.raises(CorruptDatabase):
        demand_sound(file)
    kept = [path.read_bytes() for path in sorted(file.parent.glob("dfscan.sqlite.corrupt-*"))]
    assert len(kept) == 2
    assert first in kept


def test_an_absent_empty_or_busy_database_is_not_damaged(file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    for path in (tmp_path / "absent.sqlite", tmp_path / "empty.sqlite"):
        assert find_damage(path) is None
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert find_damage(file) is None


def test_restore_keeps_what_was_there(file: Path) -> None:
    copy = back_up(file, new_backup_path(file))
    database = open_database(f"sqlite:///{file}")
    add_roots(database, 1, prefix="/later")
    database.close()
    aside = restore(copy, file)
    assert roots_in(file) == 500
    assert aside is not None
    assert roots_in(aside) == 501
    assert copy.exists()


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_what_is_no_backup_is_not_restored(file: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "strange").write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(BackupFailed, match="cannot be restored"):
        restore(tmp_path / "strange", file)
    with pytest.raises(BackupFailed, match="is no file"):
        restore(tmp_path / "absent", file)
    assert file.read_bytes() == before


def test_a_migration_is_preceded_by_a_backup(file: Path) -> None:
    database = open_database(f"sqlite:///{file}")
    schema.upgrade(database)
    assert not (file.parent / "backups").exists()  # there was nothing to do
    schema.downgrade(database, "0001")
    schema.prepare_schema(database)
    [copy] = (file.parent / "backups").iterdir()
    assert schema.current_revision(database) == migrations.HEAD
    database.close()
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert roots_in(copy) == roots_in(file) == 500


def test_only_files_can_be_copied() -> None:
    assert sqlite_path("postgresql://host/x") is None
    assert sqlite_path("sqlite://") is None
    assert sqlite_path("sqlite:////a/b.sqlite") == Path("/a/b.sqlite")


def test_a_full_disk_is_a_clear_error_and_loses_nothing(small_disk: Path) -> None:
    path = small_disk / "dfscan.sqlite"
    database = open_database(f"sqlite:///{path}")
    schema.upgrade(database)
    add_roots(database, 10, prefix="/safe/")

    def fill() -> None:
        for number in range(1000):
            add_roots(database, 1000, prefix=f"/{number}/")

    with pytest.raises(DatabaseUnavailable, match="free space"):
        fill()
    assert schema.current_revision(database) == migrations.HEAD
    database.close()
    assert find_damage(path) is None
    assert roots_in(path) % 1000 == 10  # whole transactions only


def test_a_read_only_folder_is_a_clear_error(file: Path, tmp_path: Path) -> None:
    with read_only(file.parent):
        database = open_database(f"sqlite:///{file}")
        with pytest.raises(DatabaseUnavailable, match="DFSCAN_DATA_DIR"):
            add_roots(database, 1, prefix="/new")
        database.close()
    assert roots_in(file) == 500


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB; the test is skipped where none may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", folder):
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder, mounted over itself without the right to write, which holds for root, too."""
    with mounted("--bind", folder, folder):
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield


@contextmanager
def mounted(*arguments: str | Path) -> Iterator[None]:
    """Mount, and unmount in the end; skips the test where that is not allowed."""
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", arguments[-1]], check=True)
