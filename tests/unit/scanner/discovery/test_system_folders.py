"""Trash, snapshots and what systems keep for themselves are passed over for a stated reason, unless they are asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scanner.base.settings import Settings
from scanner.discovery.ignore import IgnoreRules
from scanner.discovery.walk import walk

IGNORE = Settings(Path("data")).ignore
TRASHES = [
    "$RECYCLE.BIN",
    "$Recycle.Bin",
    "$recycle.bin",
    "#recycle",
    "#Recycle",
    "@Recycle",
    ".Trash-1000",
    ".Trashes",
    "RECYCLER",
]
SNAPSHOTS = ["#snapshot", "~snapshot", "@Recently-Snapshot", ".snapshot", ".snapshots", ".zfs", "Backups.backupdb"]
OTHERS = ["System Volume Information", "@eaDir", "lost+found"]


def found(folder: Path, root: Path) -> list[str]:
    return [str(Path(entry.path).relative_to(root)) for entry in walk(str(folder), root=str(folder), ignore=IGNORE)]


@pytest.mark.parametrize("name", [*TRASHES, *SNAPSHOTS, *OTHERS])
def test_they_are_passed_over_and_can_be_asked_for(tmp_path: Path, make_picture: Callable[..., Path], name: str) -> None:
    (tmp_path / "deep" / name / "S-1-5-21").mkdir(parents=True)
    make_picture(tmp_path / "deep" / name / "S-1-5-21" / "$R1.jpg")
    make_picture(tmp_path / "deep" / "a.jpg")
    assert found(tmp_path, tmp_path) == ["deep/a.jpg"]
    assert found(tmp_path / "deep" / name, tmp_path) == [f"deep/{name}/S-1-5-21/$R1.jpg"]
    reason = IgnoreRules(IGNORE).rule_on_the_way(str(tmp_path / "deep" / name / "x.jpg"), root=str(tmp_path))
    assert reason == "hidden" or "ignored by" in str(reason)
    assert ("trash" in str(reason)) == (name in TRASHES and name[0] != ".")
    assert ("snapshots" in str(reason)) == (name in SNAPSHOTS and name[0] != ".")


@pytest.mark.parametrize("name", ["recycle", "Recycled", "snapshot", "Snapshots 2024", "recycler", "RECYCLE.BIN.jpg"])
def test_folders_that_only_sound_like_them_are_scanned(tmp_path: Path, make_picture: Callable[..., Path], name: str) -> None:
    (tmp_path / name).mkdir()
    make_picture(tmp_path / name / "a.jpg")
    assert found(tmp_path, tmp_path) == [f"{name}/a.jpg"]


def test_the_setting_takes_their_place(tmp_path: Path, make_picture: Callable[..., Path]) -> None:
    (tmp_path / "#recycle").mkdir()
    make_picture(tmp_path / "#recycle" / "a.jpg")
    assert [Path(entry.path).name for entry in walk(str(tmp_path), root=str(tmp_path), ignore=("other",))] == ["a.jpg"]
