"""What a scan would find in a folder, and a sample that tells what all of it costs."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from scanner.base.settings import Settings
from worker.service.benchmark.census import first_of_each, take_census
from worker.service.benchmark.copies import copies_of

VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(12)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


def settings(folder: Path, **changed: Any) -> Settings:
    return Settings(folder.parent / "data", **changed)


def jpeg(path: Path, size: int, content: bytes = b"x") -> Path:
    path.write_bytes((b"\xff\xd8\xff" + content * size)[:size])
    return path


def test_what_counts_and_what_is_left_out(folder: Path) -> None:
    jpeg(folder / "one.jpg", 1000)
    jpeg(folder / "new\nline.jpg", 1001)
    jpeg(Path(os.fsdecode(os.fsencode(folder) + b"/odd\xff.jpg")), 900_000)
    (folder / "empty.jpg").touch()
    (folder / "text.txt").write_text("no picture")
    (folder / "film.mp4").write_bytes(VIDEO)
    jpeg(folder / "called.mp4", 50)
    (folder / "away.jpg").symlink_to("/nowhere.jpg")
    os.mkfifo(folder / "pipe.jpg")

    census = take_census(folder, settings(folder), 9)
    assert (census.files, census.videos, census.bytes) == (5, 0, 1000 + 1001 + 900_000 + 50)
    assert census.left_out == {"videos": 1, "other than files": 2}
    with_videos = take_census(folder, settings(folder, videos=True), 9)
    assert (with_videos.files, with_videos.videos) == (6, 2)


def test_who_costs_more_is_looked_at_more_often(folder: Path) -> None:
    for number in range(30):
        jpeg(folder / f"small{number}.jpg", 5_000 + number)
    for number in range(10):
        jpeg(folder / f"large{number}.jpg", 3_000_000 + number)
    jpeg(folder / "lonely.jpg", 100)

    census = take_census(folder, settings(folder), 40)
    files = {stratum.files: share for stratum, share in zip(census.strata, census.shares(12), strict=True)}
    assert sum(files.values()) == 12
    assert files[1] == 1
    assert files[10] > files[30] >= 1
    assert census.shares(100) == [stratum.files for stratum in census.strata]
    assert sum(census.shares(2)) == 2
    assert [len(each) for each in first_of_each(census, census.shares(12))] == census.shares(12)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read(folder: Path) -> None:
    locked = folder / "locked"
    locked.mkdir()
    jpeg(locked / "one.jpg", 10)
    locked.chmod(0)
    try:
        census = take_census(folder, settings(folder), 9)
    finally:
        locked.chmod(0o700)
    assert census.files == 0
    assert str(locked) in census.unread[0]


def test_copies_are_told_from_files_of_the_same_size(folder: Path) -> None:
    first = jpeg(folder / "a.jpg", 400_000)
    for number in range(3):
        shutil.copy(first, folder / f"copy{number}.jpg")
    for number in range(3):
        jpeg(folder / f"other{number}.jpg", 70_000, bytes([65 + number]))
    (folder / "empty.jpg").touch()
    (folder / "empty2.jpg").touch()

    sample = [entry for stratum in take_census(folder, settings(folder), 20).strata for entry in stratum.sample]
    copies = copies_of(folder, settings(folder), sample)
    times = {Path(entry.path).name: of_it for entry, of_it in zip(sample, copies, strict=True)}
    assert [times[name] for name in ("a.jpg", "copy0.jpg", "other0.jpg", "other2.jpg", "empty.jpg")] == [4, 4, 1, 1, 1]


def test_many_copies_are_told_from_a_few(folder: Path) -> None:
    first = jpeg(folder / "000.jpg", 1000)
    for number in range(1, 40):
        shutil.copy(first, folder / f"{number:03}.jpg")

    [entry] = take_census(folder, settings(folder), 1).strata[0].sample
    assert copies_of(folder, settings(folder), [entry]) == [40]
