"""Quarantine and trash: the file is always somewhere, whole, and comes back as it was."""

import errno
import json
import os
import signal
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from files.spellings import find_by_any_spelling
from send2trash.plat_other import send2trash
from sqlalchemy import select

from scanner.database.engine import Database, open_database
from scanner.database.models import File, Removal
from scanner.domain.states import RemovalState, State
from scanner.quarantine import safe_move
from scanner.quarantine.manifest import MANIFEST
from scanner.quarantine.recovery import recover
from scanner.quarantine.removals import (
    Journal,
    RemovalRefused,
    check_quarantine_folder,
    kept_files,
    quarantine,
    restore,
    trash,
)
from scanner.quarantine.safe_move import MoveRefused, identify
from scanner.roots.roots import add_roots


@pytest.fixture(params=["one device", "two devices", "two devices without links"])
def devices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where hard links cannot be made between the folders, or not at all, the file is copied."""
    if request.param == "one device":
        return
    link = os.link

    def refuse(source: str, target: str, **options: Any) -> None:
        if request.param == "two devices" and source.endswith(".partial"):
            link(source, target, **options)
        else:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)


def state_of(database: Database, path: Path) -> str:
    with database.read() as session:
        return session.scalars(select(File.state).where(File.path == str(path))).one()


@pytest.mark.usefixtures("devices")
def test_quarantine_and_back(journal: Journal, database: Database, picture, tmp_path: Path) -> None:
    path, file_id = picture("näme \udcff.jpg" if os.name == "posix" else "name.jpg")
    content, before = path.read_bytes(), path.stat()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    folder = tmp_path / "quarantine"
    kept = quarantine(journal, file_id, str(folder), reviewer="anna")
    assert not path.exists()
    assert kept.kept_path is not None
    assert Path(kept.kept_path).read_bytes() == content
    assert state_of(database, path) == State.MISSING
    [line] = [json.loads(line) for line in (folder / MANIFEST).read_text().splitlines()]
    assert (line["act"], line["original_path"], line["by"]) == ("quarantined", str(path), "anna")
    assert line["kept_as"] == Path(kept.kept_path).name
    assert kept_files(database) == (kept,)

    path.parent.rmdir()  # the folder may have gone meanwhile
    assert restore(journal, kept.id, reviewer="ben").state is RemovalState.RESTORED
    after = path.stat()
    assert (after.st_mtime_ns, after.st_atime_ns, after.st_mode) == (before.st_mtime_ns, before.st_atime_ns, before.st_mode)
    assert path.read_bytes() == content
    assert sorted(p.name for p in folder.iterdir()) == [MANIFEST]
    assert [json.loads(line)["act"] for line in (folder / MANIFEST).read_text().splitlines()] == ["quarantined", "restored"]
    assert state_of(database, path) == State.SCORED
    with pytest.raises(RemovalRefused, match="not in quarantine any more"):
        restore(journal, kept.id, reviewer="ben")


def test_trash_and_back(journal: Journal, database: Database, picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setattr("send2trash.plat_other.HOMETRASH_B", os.fsencode(tmp_path / "share" / "Trash"))
    path, file_id = picture("a b.jpg")
    content, before = path.read_bytes(), path.stat()
    gone = trash(journal, file_id, send2trash, reviewer="anna")
    assert not path.exists()
    assert gone.kept_path is not None
    restore(journal, gone.id, reviewer="anna")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, before.st_mtime_ns)
    assert not list((tmp_path / "share" / "Trash" / "info").iterdir())


@pytest.mark.usefixtures("devices")
def test_nothing_is_overwritten(journal: Journal, picture, tmp_path: Path) -> None:
    path, file_id = picture("a.jpg")
    kept = quarantine(journal, file_id, str(tmp_path / "q"), reviewer="anna")
    path.write_text("another one")
    with pytest.raises(RemovalRefused, match="there is another file"):
        restore(journal, kept.id, reviewer="anna")
    with pytest.raises(MoveRefused, match="is not overwritten"):
        safe_move.move(kept.kept_path or "", str(path), identify(kept.kept_path or ""))
    assert path.read_text() == "another one"
    assert Path(kept.kept_path or "").exists()


def test_a_file_that_is_not_what_was_scored_stays(journal: Journal, database: Database, picture, tmp_path: Path) -> None:
    path, file_id = picture("a.jpg")
    path.write_text("changed")
    with pytest.raises(RemovalRefused, match="has changed since"):
        quarantine(journal, file_id, str(tmp_path / "q"), reviewer="anna")
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(MoveRefused, match="symbolic link"):
        quarantine(journal, file_id, str(tmp_path / "q"), reviewer="anna")
    assert path.is_symlink()
    assert kept_files(database) == ()


@pytest.mark.usefixtures("devices")
@pytest.mark.parametrize("moment", ["before it is linked", "before its name is taken away"])
def test_link_swapped_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """As ClamAV's quarantine could be led to a file of someone else's choice."""
    victim, path, target = tmp_path / "victim", tmp_path / "a.jpg", tmp_path / "kept.jpg"
    victim.write_text("not to be touched")
    path.write_text("a picture")
    identity = identify(str(path))
    sync = safe_move.sync_folder

    def swap(folder: str = "") -> None:
        path.unlink()
        path.symlink_to(victim)
        monkeypatch.setattr(safe_move, "sync_folder", sync)

    if moment == "before it is linked":
        swap()
    else:
        monkeypatch.setattr(safe_move, "sync_folder", swap)
    before = victim.stat()
    with pytest.raises(MoveRefused, match=r"replaced by another|changed while|cannot be moved"):
        safe_move.move(str(path), str(target), identity)
    assert path.is_symlink()
    assert not os.path.lexists(target)
    assert victim.read_text() == "not to be touched"
    assert (victim.stat().st_mtime_ns, victim.stat().st_nlink) == (before.st_mtime_ns, before.st_nlink)


def test_a_watched_folder_is_no_quarantine(journal: Journal, database: Database, tmp_path: Path, now: datetime) -> None:
    add_roots(database, [str(tmp_path)], now)
    with pytest.raises(RemovalRefused, match="choose one outside"):
        check_quarantine_folder(database, str(tmp_path / "q"), ())
    check_quarantine_folder(database, str(tmp_path / ".q"), ())
    check_quarantine_folder(database, "/somewhere/else", ())


def test_a_full_disk_leaves_the_file_where_it_is(
    journal: Journal, database: Database, picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, file_id = picture("a.jpg")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def other_device(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_device)
    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(MoveRefused, match="No space left"):
        quarantine(journal, file_id, str(tmp_path / "q"), reviewer="anna")
    assert path.exists()
    assert list((tmp_path / "q").iterdir()) == []
    assert state_of(database, path) == State.SCORED


def killed_at(step: int, copying: bool, act: Callable[[Journal], object], journal: Journal) -> bool:
    """Run `act` in a process that is killed before its `step`-th call of the file system; False when it got to its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads; this child uses none
        child = os.fork()
    if child == 0:
        try:
            database = open_database(str(journal.database.engine.url))
            _die_at(step, copying)
            act(Journal(database, journal.lock_file, journal.now))
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _die_at(step: int, copying: bool) -> None:
    link, left = os.link, step

    def no_link(source: str, target: str, **options: Any) -> None:
        if not source.endswith(".partial"):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        link(source, target, **options)

    def or_die(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    if copying:
        os.link = no_link  # type: ignore[assignment]
    for name in ("link", "unlink", "utime", "lstat", "fsync", "replace"):
        setattr(os, name, or_die(getattr(os, name)))


@pytest.mark.parametrize("copying", [False, True])
@pytest.mark.parametrize("act", ["quarantine", "restore"])
def test_a_kill_at_any_step_loses_nothing(
    database: Database, journal: Journal, picture, act: str, copying: bool, tmp_path: Path
) -> None:
    """The mover is killed before its 1st, 2nd, ... call of the file system; each time the file is whole at one place after."""
    if database.engine.dialect.name != "sqlite":
        pytest.skip("the file system is what is tested")
    folder = tmp_path / "q"
    for step in range(1, 30):
        path, number = picture(f"{step}.jpg")
        content = path.read_bytes()
        if act == "restore":
            number = quarantine(journal, number, str(folder), reviewer="anna").id

        def work(journal: Journal, number: int = number) -> object:
            if act == "restore":
                return restore(journal, number, reviewer="anna")
            return quarantine(journal, number, str(folder), reviewer="anna")

        killed = killed_at(step, copying, work, journal)
        recover(journal)
        with database.read() as session:
            row = session.scalars(select(Removal).where(Removal.original_path == str(path))).first()
        if row is None:  # killed before it began
            assert killed
            assert path.read_bytes() == content
            continue
        places = [Path(p) for p in (row.original_path, row.kept_path or "") if os.path.lexists(p)]
        assert [place.read_bytes() for place in places] == [content], (step, row.state)
        away = row.state == RemovalState.KEPT
        assert places == [Path(row.kept_path or "") if away else path]
        assert places[0].stat().st_mtime_ns == 1_500_000_000_222
        assert state_of(database, path) == (State.MISSING if away else State.SCORED)
        assert not [p for p in (*folder.iterdir(), *path.parent.iterdir()) if p.name.endswith(".partial")]
        if not killed:
            assert away == (act == "quarantine")
            return
    pytest.fail("the mover was killed every time")


def _twin(database: Database, known: int, path: Path) -> None:
    """Another row for the same content."""
    with database.write() as session:
        row = session.get_one(File, known)
        values = {"size": row.size, "mtime_ns": row.mtime_ns, "state": row.state, "attempts": 0}
        session.add(File(path=str(path), content_id=row.content_id, detection_id=row.detection_id, **values))


@pytest.mark.parametrize("how", ["spelling", "link"])
def test_the_only_file_behind_two_names_is_not_moved_away(
    journal: Journal, picture, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path, file_id = picture("IMG.JPG")
    twin = path.parent / ("img.jpg" if how == "spelling" else "link.jpg")
    _twin(database, file_id, twin)
    if how == "spelling":
        find_by_any_spelling(monkeypatch, path.parent)
    else:
        twin.symlink_to(path)
    with pytest.raises(RemovalRefused, match="one and the same"):
        quarantine(journal, file_id, str(tmp_path / "quarantine"), reviewer="anna")
    with pytest.raises(RemovalRefused, match="one and the same"):
        trash(journal, file_id, send2trash, reviewer="anna")
    assert path.exists()


def test_a_copy_and_a_hard_link_are_files_of_their_own(journal: Journal, picture, database: Database, tmp_path: Path) -> None:
    path, file_id = picture("IMG.JPG")
    for name in ("copy.jpg", "img.jpg"):
        _twin(database, file_id, path.parent / name)
    (path.parent / "copy.jpg").write_bytes(path.read_bytes())
    os.link(path, path.parent / "img.jpg")
    quarantine(journal, file_id, str(tmp_path / "quarantine"), reviewer="anna")
    assert not path.exists()
    assert (path.parent / "img.jpg").exists()
