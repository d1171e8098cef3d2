"""Names that the file system finds by any spelling: one file is one row, under the name that the disk has."""

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from files.spellings import find_by_any_spelling
from sqlalchemy import select

from scanner.base.addresses.spelling import as_spelled
from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.candidates import Finding
from scanner.domain.states import State
from scanner.roots.roots import add_roots
from scanner.services.scan import take_in_paths
from scanner.services.verify import prove

ACCENT = "é.jpg"


@pytest.fixture
def folder(tmp_path: Path, make_picture: Callable[..., Path]) -> Path:
    """Pictures, one of them in a folder."""
    top = tmp_path / "top"
    (top / "Old").mkdir(parents=True)
    for number, name in enumerate(("IMG.JPG", unicodedata.normalize("NFC", ACCENT), "Old/b.jpg", "123.jpg")):
        make_picture(top / name, number)
    return top


@pytest.fixture
def scan(database: Database, tmp_path: Path, folder: Path, now) -> Callable[..., set[str]]:
    """`scan(path)`: an intake; what is known to be there afterwards, below the folder."""
    settings = Settings(tmp_path / "data", settle_seconds=0.01)

    def call(path: Path = folder) -> set[str]:
        take_in_paths(settings, database, [as_spelled(str(path))], lambda: now)
        return _there(database, folder)

    return call


def _there(database: Database, folder: Path) -> set[str]:
    with database.read() as session:
        paths = session.scalars(select(File.path).where(File.state != State.MISSING)).all()
    return {os.path.relpath(path, folder) for path in paths}


RENAMES = [
    ("IMG.JPG", "img.jpg", "img.jpg"),
    (unicodedata.normalize("NFC", ACCENT), unicodedata.normalize("NFD", ACCENT), unicodedata.normalize("NFD", ACCENT)),
    ("Old", "OLD", "OLD/b.jpg"),
]


@pytest.mark.parametrize(("before", "after", "expected"), RENAMES)
def test_another_spelling_of_a_name_leaves_no_twin(
    folder: Path, scan, database: Database, monkeypatch: pytest.MonkeyPatch, before: str, after: str, expected: str
) -> None:
    known = scan()
    (folder / before).rename(folder / after)
    find_by_any_spelling(monkeypatch, folder)
    assert (folder / before).exists()  # under the old spelling, too
    assert prove(database, [str(folder)], roots=[], ignore=()).gone == 1
    there = scan()
    assert len(there) == len(known)
    assert expected in there
    assert prove(database, [str(folder)], roots=[], ignore=()).gone == 0


@pytest.mark.parametrize(("before", "after", "expected"), RENAMES[:2])
def test_an_event_for_another_spelling(
    folder: Path,
    scan,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    now,
    before: str,
    after: str,
    expected: str,
) -> None:
    known = scan()
    finding = Finding(Settings(tmp_path / "data", settle_seconds=0.0), database, lambda: now, lambda: True)
    finding.roots = add_roots(database, [str(folder)], now)
    (folder / before).rename(folder / after)
    find_by_any_spelling(monkeypatch, folder)
    finding.hint(str(folder / before))  # which is what it was moved from
    finding.settle()
    there = _there(database, folder)
    assert len(there) == len(known)
    assert expected in there


def test_a_path_is_taken_as_the_disk_spells_it(folder: Path, scan, monkeypatch: pytest.MonkeyPatch) -> None:
    find_by_any_spelling(monkeypatch, folder)
    assert scan(folder / "img.jpg") == {"IMG.JPG"}
    assert scan(folder / "OLD" / "B.JPG") == {"IMG.JPG", "Old/b.jpg"}
    assert scan(folder / "123.JPG") == {"IMG.JPG", "Old/b.jpg", "123.jpg"}


def test_where_spellings_are_told_apart_nothing_is_bent(folder: Path, scan) -> None:
    os.link(folder / "IMG.JPG", folder / "img.jpg")
    assert len(scan()) == 5
    assert len(scan(folder / "img.jpg")) == 5
    assert as_spelled(str(folder / "never" / "SEEN.jpg")) == str(folder / "never" / "SEEN.jpg")
