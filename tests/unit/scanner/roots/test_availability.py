"""Whether a root is what it was. The folders are real; what is mounted is said."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from scanner.roots.availability import Away, Identity, Present, presence


def identity(folder: Path, **changes: object) -> Identity:
    status = os.stat(folder)
    return Identity(**{"device": str(status.st_dev), "inode": str(status.st_ino), **changes})  # type: ignore[arg-type]


def looked(folder: Path, known: Identity | None, witnesses: Sequence[str], *, is_mount: bool = False) -> Present | Away:
    paths = [str(folder / name) for name in witnesses]
    return presence(str(folder), known, lambda: paths, is_mount=lambda _path: is_mount)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("witnesses", [[], ["a", "gone"]])
def test_another_device_with_the_files_is_the_root(folder: Path, witnesses: list[str]) -> None:
    assert looked(folder, identity(folder, device="another"), witnesses) == Present(identity(folder))


def test_another_device_without_them_is_not(folder: Path) -> None:
    assert "another file system" in str(looked(folder, identity(folder, device="another"), ["gone"]))


def test_another_folder_on_the_device_is_the_root(folder: Path) -> None:
    """It was replaced: its user did that."""
    assert looked(folder, identity(folder, inode="another"), ["gone"]) == Present(identity(folder))


@pytest.mark.parametrize(
    ("witnesses", "is_away"), [(["gone"], True), (["a", "gone"], True), (["a", "b", "gone"], False), ([], False)]
)
def test_where_nothing_is_mounted_any_more_most_files_tell(folder: Path, witnesses: list[str], *, is_away: bool) -> None:
    """Also for a folder of the same file system, whose device is the same; a few names may be under it, too."""
    found = looked(folder, identity(folder, is_mount=True), witnesses)
    if is_away:
        assert "nothing is mounted there any more" in str(found)
    else:
        assert found == Present(identity(folder))


def test_what_is_mounted_still_is_the_root(folder: Path) -> None:
    known = identity(folder, is_mount=True)
    assert looked(folder, known, ["gone"], is_mount=True) == Present(known)


def test_what_is_no_folder_is_away(folder: Path) -> None:
    assert looked(folder / "a", None, []) != Present(identity(folder / "a"))
    assert "cannot be read" in str(looked(folder / "gone", None, []))
