"""Several real processes on one database at once."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select

from scanner.database.engine import Database, open_database
from scanner.database.models import Detection, File

PROGRAM = Path(__file__).with_name("one_process.py")


def run_together(database: Database, *roles: tuple[str, ...]) -> list[dict[str, int]]:
    """Start a process for each role, let all begin when all are there, and return what they print."""
    url = database.engine.url.render_as_string(hide_password=False)
    processes = [
        subprocess.Popen(
            [sys.executable, PROGRAM, url, *role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for role in roles
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
        ended = [process.communicate(timeout=300) for process in _told(processes)]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    for process, (_, errors) in zip(processes, ended, strict=True):
        assert process.returncode == 0, errors
        assert "locked" not in errors
    return [json.loads(printed) for printed, _ in ended]


def _told(processes: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return processes


def test_same_files_taken_in_at_once(database: Database) -> None:
    """Processes that take in the same make one row each."""
    taken = run_together(database, ("take-in", "/a", "100"), ("take-in", "/a", "100", "backwards"))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(File)) == 100
    assert sum(count["new"] for count in taken) >= 100  # on Postgres both may say so of a file that they bring at once
    assert sum(count["changed"] for count in taken) == 0


def test_sqlite_under_four_writers(tmp_path: Path, current_sqlite: Callable[[Path], str]) -> None:
    """Four processes write and one reads and none finds sqlite locked."""
    database = open_database(current_sqlite(tmp_path / "test.sqlite"))
    first, second, *_ = run_together(
        database,
        ("work", "anna", "160"),
        ("work", "bert", "160"),
        ("take-in", "/a", "80"),
        ("take-in", "/b", "80"),
        ("read", "160"),
    )
    assert first["done"] + second["done"] == 160
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Detection)) == 160
    database.close()


def test_start_on_new_sqlite_at_once(tmp_path: Path) -> None:
    """Processes that start on a new sqlite at once all find the schema."""
    program = (
        "import sys; from scanner.database.engine import open_database; from scanner.database.schema import prepare_schema;"
        "database = open_database(sys.argv[1]); input(); prepare_schema(database); database.close()"
    )
    url = f"sqlite:///{tmp_path}/new/test.sqlite"
    processes = [
        subprocess.Popen([sys.executable, "-c", program, url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process, (_, errors) in [(process, process.communicate(timeout=120)) for process in _told(processes)]:
        assert process.returncode == 0, errors
