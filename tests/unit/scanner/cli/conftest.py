"""The command on a database with rows, without a worker."""

from collections.abc import Callable
from pathlib import Path

import pytest
from files.command import Dfscan
from files.rows import WHEN, fill
from sqlalchemy import insert

from scanner.base.access.private import private_folder
from scanner.database.models import File, Root


@pytest.fixture
def filled(laptop: Dfscan, current_sqlite: Callable[[Path], str]) -> Dfscan:
    """`dfscan` with three scored files, a review and a watched folder in its database."""
    current_sqlite(private_folder(laptop.data_dir) / "dfscan.sqlite")
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
