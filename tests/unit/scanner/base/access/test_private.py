"""Folders and files for one user: made so whatever the umask says, and not followed where others can write them."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.base.access.private import (
    NotPrivate,
    demand_own,
    keep_files_private,
    own_text,
    private_folder,
    share_as_user_does,
    user_umask,
)
from scanner.base.choices import choose_model, chosen_model
from scanner.base.files import write_whole
from scanner.base.settings import load_settings
from scanner.database.engine import open_database
from scanner.database.schema import upgrade

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
as_root = pytest.mark.skipif(os.name != "nt" and os.geteuid() != 0, reason="only root gives files to other users")
STRANGER = 54321


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The umask that the user has set."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_private_with_all_that_were_missing(tmp_path: Path, umask: int) -> None:
    private_folder(tmp_path / "a" / "b" / "c")

    assert [_mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_a_choice_makes_a_private_data_folder(tmp_path: Path, umask: int) -> None:
    choose_model(tmp_path / "data", "lite")

    assert _mode(tmp_path / "data") == 0o700
    assert _mode(tmp_path / "data" / "chosen.toml") == 0o600


def test_an_empty_folder_becomes_private_and_another_stays(tmp_path: Path) -> None:
    empty, used = tmp_path / "empty", tmp_path / "used"
    for folder in (empty, used):
        folder.mkdir()
        folder.chmod(0o755)
    (used / "file").touch()

    private_folder(empty)
    private_folder(used)

    assert _mode(empty) == 0o700
    assert _mode(used) == 0o755


def test_a_database_is_private_with_what_lies_beside_it(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "open to all"
    folder.mkdir()
    database = open_database(f"sqlite:///{folder / 'dfscan.sqlite'}")
    upgrade(database)
    with database.write() as session:
        session.connection().exec_driver_sql("CREATE TABLE more (number)")

        assert {_mode(file) for file in folder.iterdir()} == {0o600}
        assert {file.name for file in folder.iterdir()} >= {"dfscan.sqlite", "dfscan.sqlite-wal"}
    database.close()


@pytest.mark.parametrize("mode", [0o777, 0o707])
def test_a_data_folder_that_others_write_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "chosen.toml").write_text("")
    tmp_path.chmod(mode)

    with pytest.raises(NotPrivate, match=r"can be written by every user.*chmod go-w"):
        demand_own(tmp_path)
    with pytest.raises(NotPrivate):
        load_settings({"data_dir": tmp_path}, {}, tmp_path.parent / "config.toml")


def test_a_sticky_folder_is_fit(tmp_path: Path) -> None:
    """As /tmp is: each owns their files there."""
    choose_model(tmp_path, "lite")
    tmp_path.chmod(0o1777)

    assert chosen_model(tmp_path) == "lite"


@pytest.mark.parametrize("name", ["config.toml", "chosen.toml"])
def test_settings_that_others_can_write_are_not_followed(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text('model = "theirs"')
    file.chmod(0o666)

    with pytest.raises(NotPrivate, match=rf"{name} can be written by every user \(mode 0666\)"):
        load_settings({"data_dir": tmp_path}, {}, tmp_path / "config.toml")


@as_root
@pytest.mark.parametrize("name", ["config.toml", "chosen.toml"])
def test_settings_of_others_are_not_followed(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text('model = "theirs"')
    os.chown(file, STRANGER, STRANGER)

    with pytest.raises(NotPrivate, match=rf"{name} belongs to the user with the number {STRANGER}"):
        load_settings({"data_dir": tmp_path}, {}, tmp_path / "config.toml")


@as_root
def test_what_a_link_leads_to_counts(tmp_path: Path) -> None:
    theirs, linked = tmp_path / "theirs.toml", tmp_path / "config.toml"
    theirs.write_text('model = "theirs"')
    os.chown(theirs, STRANGER, STRANGER)
    linked.symlink_to(theirs)

    with pytest.raises(NotPrivate):
        own_text(linked)


@as_root
def test_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dfscan.sqlite").touch()
    os.chown(tmp_path, STRANGER, -1)

    with pytest.raises(NotPrivate, match="chown"):
        private_folder(tmp_path)


@as_root
def test_a_user_is_known_behind_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    os.chown(tmp_path, STRANGER, -1)
    monkeypatch.setenv("SUDO_UID", str(STRANGER))

    demand_own(tmp_path)


@as_root
def test_the_right_of_a_group_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several users; a group that root has chosen is root's own decision."""
    os.chown(tmp_path, os.geteuid(), STRANGER)
    tmp_path.chmod(0o775)
    (tmp_path / "file").touch()
    demand_own(tmp_path)

    os.chown(tmp_path, STRANGER, STRANGER + 1)
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    with pytest.raises(NotPrivate, match=rf"can be written by the group {STRANGER + 1} \(mode 0775\)"):
        demand_own(tmp_path)


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    """The name under which a file is written first can be guessed."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target = tmp_path / "target"
    guessed = tmp_path / f"target.{os.getpid()}-{threading.get_ident()}.partial"
    guessed.symlink_to(victim)

    write_whole(target, "new")

    assert victim.read_text() == "precious"
    assert target.read_text() == "new"
    assert not target.is_symlink()


def test_what_the_user_asked_for_has_the_users_modes(tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DFSCAN_UMASK", raising=False)
    folder = tmp_path / "report"
    keep_files_private()
    try:
        folder.mkdir()
        (folder / "index.html").touch()
        assert _mode(folder) == 0o700

        share_as_user_does(folder)

        assert user_umask() == umask
        assert (_mode(folder), _mode(folder / "index.html")) == (0o777 & ~umask, 0o666 & ~umask)
    finally:
        os.environ.pop("DFSCAN_UMASK")
