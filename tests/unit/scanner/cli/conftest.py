"""The command on a database with rows, without a worker."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from files.command import Dfscan
from files.rows import WHEN, fill
from sqlalchemy import insert

from scanner.cli.main import main
from scanner.database import schema
from scanner.database.models import File, Root


@dataclass(frozen=True)
class Said:
    """What a command ended with, and what it said."""

    returncode: int
    stdout: str
    stderr: str


Here = Callable[..., Said]


@pytest.fixture
def here(laptop: Dfscan, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """`here(arguments..., exit_status=0)`: the command in this process, which takes a tenth of the time."""

    def run(*arguments: str | Path, exit_status: int | tuple[int, ...] = 0) -> Said:
        for name in set(os.environ) - set(laptop.environment):
            monkeypatch.delenv(name)
        for name, value in laptop.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(laptop.data_dir.parent)
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)  # pytest-qt has one of its own
        monkeypatch.setattr(sys, "argv", ["dfscan", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = Said(int(left.value.code or 0), *capfd.readouterr())
        expected = exit_status if isinstance(exit_status, tuple) else (exit_status,)
        assert said.returncode in expected, f"{arguments}: {said}"
        return said

    return run


@pytest.fixture
def filled(laptop: Dfscan) -> Dfscan:
    """`dfscan` with three scored files, a review and a watched folder in its database."""
    schema.upgrade(laptop.database)
    fill(laptop.database)
    return laptop


@pytest.fixture
def pictures(filled: Dfscan, tmp_path: Path) -> Path:
    """A watched folder with one picture, which has failed."""
    folder = tmp_path / "pics"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"a picture")
    row = {"path": str(folder / "a.jpg"), "size": 9, "mtime_ns": 1, "state": "failed", "attempts": 1, "finished_at": WHEN}
    with filled.database.write() as session:
        session.execute(insert(Root), [{"path": str(folder), "added_at": WHEN}])
        session.execute(insert(File), [{**row, "error_kind": "undecodable", "error": "it is none"}])
    return folder
