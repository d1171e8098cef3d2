"""Quarantine and links: nothing is moved through one that came later, and nobody keeps a hand on what is kept."""

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from scanner.database.engine import Database
from scanner.domain.states import RemovalState
from scanner.quarantine.journal import Journal
from scanner.quarantine.manifest import MANIFEST
from scanner.quarantine.removals import kept_files, quarantine, restore
from scanner.quarantine.safe_move import MoveRefused
from scanner.roots.roots import add_roots

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
Picture = Callable[[str], tuple[Path, int]]


@pytest.fixture(autouse=True)
def _only_files(request: pytest.FixtureRequest, database: Database) -> None:
    if database.engine.dialect.name != "sqlite":
        pytest.skip("the file system is what is tested")


def test_a_file_does_not_come_back_through_a_folder_that_became_a_link(
    journal: Journal, picture: Picture, tmp_path: Path, database: Database
) -> None:
    path, number = picture("sub/a.jpg")
    kept = quarantine(journal, number, str(tmp_path / "q"), reviewer="anna")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.parent.rmdir()
    path.parent.symlink_to(elsewhere)

    with pytest.raises(MoveRefused, match="is a symbolic link now"):
        restore(journal, kept.id, reviewer="anna")

    assert list(elsewhere.iterdir()) == []
    assert [removal.id for removal in kept_files(database)] == [kept.id]
    path.parent.unlink()
    assert restore(journal, kept.id, reviewer="anna").state is RemovalState.RESTORED


def test_a_folder_high_above_that_became_a_link_is_none_either(journal: Journal, picture: Picture, tmp_path: Path) -> None:
    path, number = picture("sub/below/a.jpg")
    kept = quarantine(journal, number, str(tmp_path / "q"), reviewer="anna")
    (tmp_path / "pictures").rename(tmp_path / "moved")
    (tmp_path / "pictures").symlink_to(tmp_path / "moved")

    with pytest.raises(MoveRefused, match="pictures is a symbolic link now"):
        restore(journal, kept.id, reviewer="anna")
    assert Path(kept.kept_path or "").exists()
    assert not path.exists()


def test_a_link_that_led_to_the_file_before_is_no_hindrance(
    journal: Journal, picture: Picture, tmp_path: Path, database: Database, now: datetime
) -> None:
    """A watched folder that is itself a link, and files scanned by such a name."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "pictures").symlink_to(tmp_path / "disk")
    for is_root in (False, True):
        path, number = picture(f"sub/{is_root}.jpg")
        if is_root:
            add_roots(database, [str(tmp_path / "pictures")], now)
        content = path.read_bytes()

        kept = quarantine(journal, number, str(tmp_path / "q"), reviewer="anna")
        assert not path.exists()
        assert kept.real_folder == str(tmp_path / "disk" / "sub")
        assert restore(journal, kept.id, reviewer="anna").state is RemovalState.RESTORED
        assert path.read_bytes() == content

    kept = quarantine(journal, number, str(tmp_path / "q"), reviewer="anna")
    (tmp_path / "pictures").unlink()  # now to somewhere else
    (tmp_path / "other").mkdir()
    (tmp_path / "pictures").symlink_to(tmp_path / "other")
    with pytest.raises(MoveRefused, match="leads elsewhere now"):
        restore(journal, kept.id, reviewer="anna")
    assert Path(kept.kept_path or "").read_bytes() == content
    assert list((tmp_path / "other").iterdir()) == []


def test_a_file_of_elsewhere_is_not_moved_away_through_a_link(
    journal: Journal, picture: Picture, tmp_path: Path, database: Database, now: datetime
) -> None:
    """Below a watched folder no link is followed: the same picture elsewhere is another file."""
    path, number = picture("sub/a.jpg")
    add_roots(database, [str(tmp_path / "pictures")], now)
    path.parent.rename(tmp_path / "elsewhere")
    path.parent.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(MoveRefused, match="symbolic link"):
        quarantine(journal, number, str(tmp_path / "q"), reviewer="anna")
    assert (tmp_path / "elsewhere" / "a.jpg").exists()


def test_who_has_the_file_under_another_name_cannot_rewrite_what_is_kept(
    journal: Journal, picture: Picture, tmp_path: Path
) -> None:
    path, number = picture("a.jpg")
    content = path.read_bytes()
    other_name = tmp_path / "senders.jpg"
    os.link(path, other_name)

    kept = Path(quarantine(journal, number, str(tmp_path / "q"), reviewer="anna").kept_path or "")
    other_name.write_bytes(b"something else")

    assert kept.read_bytes() == content
    assert kept.stat().st_nlink == 1


def test_who_has_the_file_open_cannot_either(journal: Journal, picture: Picture, tmp_path: Path) -> None:
    path, number = picture("a.jpg")
    content = path.read_bytes()
    with path.open("r+b") as opened:
        kept = quarantine(journal, number, str(tmp_path / "q"), reviewer="anna")
        opened.write(b"something else")

    assert Path(kept.kept_path or "").read_bytes() == content
    assert restore(journal, kept.id, reviewer="anna").state is RemovalState.RESTORED


def test_a_kept_file_is_writable_by_no_one_else(journal: Journal, picture: Picture, tmp_path: Path) -> None:
    """In a quarantine folder that others may enter."""
    path, number = picture("a.jpg")
    path.chmod(0o666)
    folder = tmp_path / "q"
    folder.mkdir()
    (folder / "older").touch()
    folder.chmod(0o755)

    kept = quarantine(journal, number, str(folder), reviewer="anna")

    assert Path(kept.kept_path or "").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("what", ["symbolic link", "hard link", "FIFO", "folder"])
def test_the_manifest_is_not_written_through_what_lies_at_its_name(
    journal: Journal, picture: Picture, tmp_path: Path, what: str
) -> None:
    path, number = picture("a.jpg")
    victim, folder = tmp_path / "victim", tmp_path / "q"
    victim.write_text("precious")
    folder.mkdir(mode=0o700)
    manifest = folder / MANIFEST
    match what:
        case "symbolic link":
            manifest.symlink_to(victim)
        case "hard link":
            os.link(victim, manifest)
        case "FIFO":
            os.mkfifo(manifest)
        case _:
            manifest.mkdir()

    with pytest.raises(MoveRefused, match=MANIFEST):
        quarantine(journal, number, str(folder), reviewer="anna")

    assert victim.read_text() == "precious"
    assert path.exists()
    assert [file.name for file in folder.iterdir()] == [MANIFEST]


def test_a_manifest_that_became_a_link_meanwhile_costs_its_line(
    journal: Journal, picture: Picture, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, number = picture("a.jpg")
    kept = quarantine(journal, number, str(tmp_path / "q"), reviewer="anna")
    manifest, victim = tmp_path / "q" / MANIFEST, tmp_path / "victim"
    assert json.loads(manifest.read_text())["act"] == "quarantined"
    victim.write_text("precious")
    manifest.unlink()
    manifest.symlink_to(victim)

    assert restore(journal, kept.id, reviewer="anna").state is RemovalState.RESTORED
    assert path.exists()
    assert victim.read_text() == "precious"
    assert "it is a symbolic link" in caplog.text
