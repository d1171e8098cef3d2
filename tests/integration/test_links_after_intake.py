"""What took a file's place after it was found is not read, wherever it leads."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from scanner.database.engine import Database
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found, walk
from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Failed
from scanner.roots.roots import add_roots
from worker.pipeline.read import read_image
from worker.pipeline.types import Item

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
TIME = 1_500_000_000_000_000_000


@pytest.fixture(params=["watched", "scanned"])
def root(request: pytest.FixtureRequest, tmp_path: Path, database: Database, now: datetime) -> Path:
    """A watched folder, or one that was scanned only, so that the worker does not know it."""
    if database.engine.dialect.name != "sqlite":
        pytest.skip("the file system is what is tested")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    if request.param == "watched":
        add_roots(database, [str(root)], now)
    return root


@pytest.fixture
def found(root: Path, database: Database, lease: Callable[..., list[Claimed]], now: datetime, request) -> Callable[[], Claimed]:
    """Take in what is there, and claim the one file."""

    def take() -> Claimed:
        entries = [entry for entry in walk(str(root), root=str(root), ignore=()) if isinstance(entry, Found)]
        is_watched = "watched" in request.node.callspec.params.values()
        take_in(database, entries, root_id=1 if is_watched else None, now=now)
        [file] = lease()
        return file

    return take


def _picture(path: Path, content: bytes = b"\x89PNG\r\n\x1a\n inside") -> Path:
    path.write_bytes(content)
    os.utime(path, ns=(TIME, TIME))
    return path


def test_a_link_in_the_place_of_the_file(root: Path, found: Callable[[], Claimed], tmp_path: Path) -> None:
    """To a file of the same size and date, as the sender can see to."""
    picture = _picture(root / "sub" / "a.png")
    secret = _picture(tmp_path / "secret.png", b"\x89PNG\r\n\x1a\n secret")
    file = found()
    assert isinstance(read_image(file, 1000, root=file.root), Item)
    picture.unlink()
    picture.symlink_to(secret)

    outcome = read_image(file, 1000, root=file.root)

    assert isinstance(outcome, Failed)
    assert outcome.kind == "link"
    assert "it is a symbolic link now" in outcome.reason


def test_a_link_in_the_place_of_its_folder(root: Path, found: Callable[[], Claimed], tmp_path: Path) -> None:
    _picture(root / "sub" / "a.png")
    (tmp_path / "secrets").mkdir()
    _picture(tmp_path / "secrets" / "a.png", b"\x89PNG\r\n\x1a\n secret")
    file = found()
    (root / "sub").rename(root / "away")
    (root / "sub").symlink_to(tmp_path / "secrets")

    outcome = read_image(file, 1000, root=file.root)

    assert isinstance(outcome, Failed)
    assert outcome.kind == "link"


def test_a_link_that_the_walk_accepted_is_read(root: Path, found: Callable[[], Claimed]) -> None:
    _picture(root / "sub" / ".hidden.tmp")  # which the walk passes over itself
    (root / "a.png").symlink_to("sub/.hidden.tmp")
    file = found()

    assert file.path == str(root / "a.png")
    assert isinstance(read_image(file, 1000, root=file.root), Item)


def test_a_stored_path_with_two_dots(root: Path, tmp_path: Path) -> None:
    secret = _picture(tmp_path / "secret.png")
    file = Claimed(1, f"{root}/sub/../../secret.png", secret.stat().st_size, TIME, str(root))

    for known in (str(root), None):
        outcome = read_image(file, 1000, root=known)
        assert isinstance(outcome, Failed)
        assert outcome.kind == "link"
