"""Roots and folders that are not what they were, quicker than anyone looks: what is written in them afterwards is named."""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

import pytest
from files.watched import Heard, mount, unmount

from scanner.discovery.watcher_supervisor import Unreadable, Watching

WaitUntil = Callable[[Callable[[], bool], float, str], None]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="replaces and mounts as Linux does")
_RENAME_EXCHANGE = 2


def _replace(folder: Path) -> None:
    folder.rename(folder.with_name("before"))
    folder.mkdir()


def _make_anew(folder: Path) -> None:
    """The new one may get the number of the old one."""
    shutil.rmtree(folder)
    folder.mkdir()


def _swap_in_three(folder: Path) -> None:
    other = folder.with_name("other")
    folder.rename(folder.with_name("between"))
    other.rename(folder)
    folder.with_name("between").rename(other)


def _swap_at_once(folder: Path) -> None:
    if _exchange(folder, folder.with_name("other")):
        pytest.skip("two names cannot be exchanged on this file system")


def _exchange(one: Path, other: Path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(other), _RENAME_EXCHANGE))


def _replace_twice(folder: Path) -> None:
    _replace(folder)
    _make_anew(folder)


CHANGES = [_replace, _make_anew, _swap_in_three, _swap_at_once, _replace_twice]


def _is_named(heard: Heard, folder: Path, wait_until: WaitUntil) -> None:
    """What is written in `folder` from now on is named."""
    numbers = count()

    def written() -> bool:
        path = folder / f"{next(numbers)}.jpg"
        path.write_bytes(b"x")
        return any(os.path.dirname(hint) == str(folder) for hint in heard.paths())

    wait_until(written, 60, f"a hint from {folder.name}")


@pytest.fixture
def other(root: Path) -> Path:
    """A folder beside the root, with one in it."""
    (root.with_name("other") / "deep").mkdir(parents=True)
    return root.with_name("other")


@pytest.mark.parametrize("change", CHANGES)
def test_replaced_roots_are_watched(
    watched: Watching, other: Path, root: Path, heard: Heard, wait_until: WaitUntil, change: Callable[[Path], None]
) -> None:
    assert other.is_dir()
    change(root)
    wait_until(lambda: str(root) in heard.paths(), 60, "the root")
    (root / "deep").mkdir(exist_ok=True)
    _is_named(heard, root, wait_until)
    _is_named(heard, root / "deep", wait_until)


@pytest.mark.parametrize("change", CHANGES)
def test_replaced_folders_are_watched(root: Path, heard: Heard, wait_until: WaitUntil, change: Callable[[Path], None]) -> None:
    """Both of those that change places, and what is in them."""
    for name in ("folder", "other"):
        (root / name / "deep").mkdir(parents=True)
    with Watching(heard.queue) as watching:
        watching.watch([str(root)])
        wait_until(lambda: watching.is_set_up, 60, "the watches")
        change(root / "folder")
        wait_until(lambda: str(root / "folder") in heard.paths(), 60, "the folder")
        for name in ("folder", "other"):
            (root / name / "deep").mkdir(exist_ok=True)
            _is_named(heard, root / name, wait_until)
            _is_named(heard, root / name / "deep", wait_until)


def test_what_was_moved_away_is_not_named(
    watched: Watching, root: Path, tmp_path: Path, heard: Heard, wait_until: WaitUntil
) -> None:
    """As it is at a place that no one watches, or as what came in its place."""
    (root / "folder").mkdir()
    _is_named(heard, root / "folder", wait_until)
    (root / "folder").rename(tmp_path / "away")
    (root / "folder").mkdir()
    (tmp_path / "away" / "away.jpg").write_bytes(b"x")
    _is_named(heard, root, wait_until)
    assert not any(hint.endswith("away.jpg") for hint in heard.paths())


def test_many_changes_lose_no_folder(watched: Watching, root: Path, tmp_path: Path, heard: Heard, wait_until: WaitUntil) -> None:
    """Folders are made, moved in, out and within, exchanged and deleted, quicker than anyone follows."""
    chance = Random(3)
    outside = tmp_path / "outside"
    outside.mkdir()
    for number in range(600):
        inside = [Path(folder) for folder, _, _ in os.walk(root)]
        one, other = chance.choice(inside[1:] or [root / "none"]), chance.choice(inside)
        away = chance.choice([outside / "none", *outside.iterdir()])
        acts: list[Callable[[], object]] = [
            partial((one / f"{number}" / "a" / "b").mkdir, parents=True),
            partial(one.rename, other / f"{number} moved"),
            partial(one.rename, outside / f"{number}"),
            partial(away.rename, other / f"{number} back"),
            partial(_exchange, one, other),
            partial(shutil.rmtree, one if number % 3 == 0 else one / "none"),
            partial(_replace_and_refill, root if number % 50 == 0 else one / "none"),
        ]
        with suppress(OSError):
            chance.choice(acts)()
    waiting = {Path(folder) for folder, _, _ in os.walk(root)}

    def are_named() -> bool:
        for folder in waiting:
            (folder / "last.jpg").write_bytes(b"x")
        waiting.difference_update([folder for folder in waiting if str(folder / "last.jpg") in heard.paths()])
        return not waiting

    wait_until(are_named, 60, "a hint from each folder")


def _replace_and_refill(folder: Path) -> None:
    before = folder.with_name("before")
    folder.rename(before)
    folder.mkdir()
    for entry in list(before.iterdir()):
        entry.rename(folder / entry.name)
    before.rmdir()


def test_a_root_that_is_a_link_is_watched(root: Path, other: Path, heard: Heard, wait_until: WaitUntil) -> None:
    """Also at its top, and as what it leads to later."""
    root.rmdir()
    root.symlink_to(other)
    with Watching(heard.queue) as watching:
        watching.watch([str(root)])
        wait_until(lambda: watching.is_set_up, 60, "the watches")
        _is_named(heard, root, wait_until)
        _is_named(heard, root / "deep", wait_until)
        root.with_name("third").mkdir()
        root.unlink()
        root.symlink_to(root.with_name("third"))
        wait_until(lambda: str(root) in heard.paths(), 60, "the root")
        before = len(heard.paths())
        (root / "third.jpg").write_bytes(b"x")
        wait_until(lambda: str(root / "third.jpg") in heard.paths(), 60, "the hint from the third folder")
        assert len(heard.paths()) == before + 1


def test_a_root_whose_folder_above_is_replaced_is_watched(tmp_path: Path, heard: Heard, wait_until: WaitUntil) -> None:
    root = tmp_path / "above" / "root"
    root.mkdir(parents=True)
    with Watching(heard.queue) as watching:
        watching.watch([str(root)])
        wait_until(lambda: watching.is_set_up, 60, "the watches")
        (tmp_path / "above").rename(tmp_path / "before")
        root.mkdir(parents=True)
        wait_until(lambda: str(root) in heard.paths(), 60, "the root")
        _is_named(heard, root, wait_until)


@pytest.mark.parametrize("where", [".", ".."])
def test_what_is_mounted_over_a_root_is_watched(
    watched: Watching, root: Path, heard: Heard, wait_until: WaitUntil, where: str
) -> None:
    """Over the root itself, or over the folder above it; and what is under it when that is unmounted."""
    place = (root / where).resolve()
    mount(place)
    try:
        root.mkdir(exist_ok=True)
        wait_until(lambda: str(root) in heard.paths(), 60, "the root")
        _is_named(heard, root, wait_until)
    finally:
        unmount(place)
    heard.all().clear()
    wait_until(lambda: str(root) in heard.paths(), 60, "the root again")
    _is_named(heard, root, wait_until)


@pytest.mark.usefixtures("unprivileged")
def test_a_folder_that_can_be_read_later_is_watched(root: Path, heard: Heard, wait_until: WaitUntil) -> None:
    """One that was there, and one that came later; and it is said."""
    for name in ("closed", "later"):
        (root.with_name("outside") / name / "deep").mkdir(parents=True)
    (root.with_name("outside") / "closed").rename(root / "closed")
    (root / "closed").chmod(0)
    (root.with_name("outside") / "later").chmod(0)
    with Watching(heard.queue) as watching:
        watching.watch([str(root)])
        wait_until(lambda: Unreadable(1, str(root / "closed")) in heard.all(), 60, "the closed folder")
        (root.with_name("outside") / "later").rename(root / "later")
        wait_until(lambda: any(isinstance(said, Unreadable) and said.folders == 2 for said in heard.all()), 60, "the other one")
        for name in ("closed", "later"):
            (root / name).chmod(0o755)
            wait_until(lambda name=name: str(root / name) in heard.paths(), 60, name)
            _is_named(heard, root / name, wait_until)
            _is_named(heard, root / name / "deep", wait_until)
        wait_until(lambda: Unreadable(0, None) in heard.all(), 60, "that all can be read")
        assert sum(isinstance(said, Unreadable) for said in heard.all()) <= 4


@pytest.mark.usefixtures("unprivileged")
def test_a_folder_that_can_be_entered_later_is_watched(root: Path, heard: Heard, wait_until: WaitUntil) -> None:
    """One whose names can be read before."""
    (root / "folder").mkdir()
    (root / "folder" / "a.jpg").touch()
    (root / "folder").chmod(0o644)
    with Watching(heard.queue) as watching:
        watching.watch([str(root)])
        wait_until(lambda: Unreadable(1, str(root / "folder")) in heard.all(), 60, "the closed folder")
        (root / "folder").chmod(0o755)
        wait_until(lambda: str(root / "folder") in heard.paths(), 60, "the folder")
        _is_named(heard, root / "folder", wait_until)


@pytest.mark.usefixtures("unprivileged")
def test_a_root_that_can_be_read_later_is_watched(root: Path, heard: Heard, wait_until: WaitUntil) -> None:
    root.chmod(0)
    with Watching(heard.queue) as watching:
        watching.watch([str(root)])
        wait_until(lambda: watching.is_set_up, 60, "the watches")
        root.chmod(0o755)
        wait_until(lambda: str(root) in heard.paths(), 60, "the root")
        _is_named(heard, root, wait_until)
