"""Which files a report is about: by time, folder and file."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from files.reports import paths

from scanner.database.engine import Database
from scanner.reports.report import build_report


def test_since_is_inclusive_and_until_is_not(database: Database, score: Callable[..., None], now: datetime) -> None:
    step = timedelta(microseconds=1)
    for name, moment in (("before", now - step), ("at", now), ("after", now + step)):
        score(f"/{name}", 0.9, now=moment)
    assert paths(build_report(database, since=now)) == ["/after", "/at"]
    assert paths(build_report(database, until=now)) == ["/before"]
    assert paths(build_report(database, since=now, until=now + step)) == ["/at"]
    assert paths(build_report(database, since=now, until=now)) == []
    report = build_report(database, since=now, until=now + step)
    assert (report.since, report.until) == (now, now + step)
    assert report.totals["files"] == 1


def test_since_goes_by_moments_whatever_their_zone(database: Database, score: Callable[..., None], now: datetime) -> None:
    score("/a", 0.9)
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        there = now.astimezone(ZoneInfo(zone))
        assert paths(build_report(database, since=there)) == ["/a"]
        assert paths(build_report(database, until=there)) == []


def test_pending_files_go_by_when_they_became_so(database: Database, pend: Callable[..., None], now: datetime) -> None:
    pend("/a")
    assert paths(build_report(database, since=now)) == ["/a"]
    assert paths(build_report(database, since=now + timedelta(seconds=1))) == []


def test_a_folder_does_not_match_its_neighbours(database: Database, score: Callable[..., None], tmp_path: Path) -> None:
    for folder in ("a", "ab", "a b", "a-b", "A", "a\\b", "a%"):
        (tmp_path / folder).mkdir()
        score(str(tmp_path / folder / "x.jpg"), 0.9)
    score(str(tmp_path / "a.jpg"), 0.9)
    (tmp_path / "a" / "deep").mkdir()
    score(str(tmp_path / "a" / "deep" / "x.jpg"), 0.9)
    inside = [str(tmp_path / "a" / "deep" / "x.jpg"), str(tmp_path / "a" / "x.jpg")]
    assert paths(build_report(database, paths=[str(tmp_path / "a")])) == inside
    assert len(build_report(database, paths=[str(tmp_path)]).items) == 9
    assert len(build_report(database, paths=["/"]).items) == 9
    both = build_report(database, paths=[str(tmp_path / "a%"), str(tmp_path / "a\\b"), str(tmp_path / "a.jpg")])
    assert [os.path.relpath(path, tmp_path) for path in paths(both)] == ["a%/x.jpg", "a.jpg", "a\\b/x.jpg"]
    assert both.totals["files"] == 3


def test_a_folder_that_is_gone_can_be_reported(database: Database, score: Callable[..., None], tmp_path: Path) -> None:
    """A drive that is not plugged in now is a common reason to look up what was found there."""
    score(str(tmp_path / "gone" / "x.jpg"), 0.9)
    assert len(build_report(database, paths=[str(tmp_path / "gone")]).items) == 1


def test_names_of_any_bytes_and_their_folders(database: Database, score: Callable[..., None], tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    os.mkdir(folder)
    score(f"{folder}/x.jpg", 0.9)
    score(f"{tmp_path}/\\udcff\\udcfe/x.jpg", 0.9)
    assert paths(build_report(database, paths=[folder])) == [f"{folder}/x.jpg"]


@pytest.mark.parametrize("kind", ["files", "folders"])
def test_thousands_of_paths_may_be_named(database: Database, score: Callable[..., None], tmp_path: Path, kind: str) -> None:
    named = [str(tmp_path / f"{n}.jpg") for n in range(5000)]
    if kind == "folders":
        named = [str(tmp_path / f"{n}") for n in range(1500)]
        for path in named:
            os.mkdir(path)
    score(named[-1], 0.9)
    assert paths(build_report(database, paths=named)) == [named[-1]]
