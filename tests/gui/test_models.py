"""The models keep Qt's rules, and the pieces that need no window."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from gui.media.judged_pictures import JudgedPictures
from gui.media.previews import decode
from gui.media.thumbnail_cache import ThumbnailCache
from gui.tasks.background import Background
from gui.tasks.progress import Pace
from gui.window.notices import SECONDS_BETWEEN, NoticeLimit
from scanner.base.errors import KnownError

Open = Callable[..., Opened]
# Of files that nobody has judged.
PICTURES = JudgedPictures(lambda _: None)


def test_the_queues_model(five: Archive, open_window: Open, qtmodeltester: ModelTester) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    qtmodeltester.check(opened.presenter.model)
    opened.press("f")
    five.add("new.png", 0.7)
    opened.shows("b", "c", "new", "d")


def test_a_paged_model(archive: Archive, open_window: Open, qtmodeltester: ModelTester) -> None:
    archive.add_many(400)
    opened = open_window()
    opened.until(lambda: len(opened.names) > 0)
    qtmodeltester.check(opened.presenter.model)
    opened.until(lambda: len(opened.names) == 400)


def test_the_problems_model(five: Archive, open_window: Open, qtmodeltester: ModelTester) -> None:
    five.fail("x.png", "empty: the file has 0 bytes")
    opened = open_window()
    assert opened.window.view is not None
    opened.window.view.show_tab(4)
    model = opened.window.view.problems.model
    opened.until(lambda: model.rowCount() == 1)
    qtmodeltester.check(model)
    assert model.data(model.index(0, 1)) == "empty: the file has 0 bytes"


def test_stale_answers_are_dropped_and_errors_told(qtbot: QtBot) -> None:
    background = Background("test", 1)
    go = threading.Event()
    answers: list[object] = []
    errors: list[str] = []
    background.ask(lambda: go.wait(30) and "first", answers.append, lambda error: errors.append(str(error)), "topic")
    background.ask(lambda: "second", answers.append, lambda error: errors.append(str(error)), "topic")

    def fail() -> None:
        raise KnownError("mend it")

    background.ask(fail, answers.append, lambda error: errors.append(str(error)))
    go.set()
    qtbot.waitUntil(lambda: background.is_idle, timeout=30_000)
    background.close()
    assert answers == ["second"]
    assert errors == ["mend it"]


def test_thumbnails_follow_the_specification(tmp_path: Path) -> None:
    picture = tmp_path / "a b ä.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    Image.new("RGB", (800, 400), "red").save(picture, exif=exif)
    cache = ThumbnailCache(tmp_path / "cache", PICTURES)
    assert cache.thumbnail(str(picture)).size == (128, 256)
    [kept] = (tmp_path / "cache" / "large").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    with Image.open(kept) as stored:
        stored.load()
        assert stored.info["Thumb::URI"] == picture.as_uri()
        assert stored.info["Thumb::MTime"] == str(int(picture.stat().st_mtime))
    Image.new("RGB", (10, 10), "blue").save(picture)
    os.utime(picture, (1, 1))
    assert cache.thumbnail(str(picture)).size == (10, 10)  # the file has changed
    picture.unlink()
    with pytest.raises(OSError, match="No such file"):
        cache.thumbnail(str(picture))


def test_thumbnails_stay_below_the_cap(tmp_path: Path) -> None:
    """Thumbnails stay below the cap and the oldest go first."""
    cache = ThumbnailCache(tmp_path / "cache", PICTURES, cap_bytes=30_000)
    for number in range(10):
        picture = tmp_path / f"{number}.png"
        Image.frombytes("RGB", (40, 40), os.urandom(4800)).save(picture)
        cache.thumbnail(str(picture))
        os.utime(max((tmp_path / "cache" / "large").iterdir(), key=lambda file: file.stat().st_mtime), (number, number))
    assert cache.trim() <= 27_000
    times = sorted(int(file.stat().st_mtime) for file in (tmp_path / "cache" / "large").iterdir())
    assert times == list(range(10 - len(times), 10))


def test_previews_are_upright_and_say_why_there_is_none(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    shown = decode(PICTURES, str(tmp_path / "a.jpg"))
    assert (shown.image.width(), shown.image.height()) == (20, 30)
    (tmp_path / "text.jpg").write_text("no picture")
    assert decode(PICTURES, str(tmp_path / "text.jpg")).image.isNull()
    assert decode(PICTURES, str(tmp_path / "gone.jpg")).reason == "No such file or directory"


def test_large_pictures_are_shown_reduced(tmp_path: Path) -> None:
    Image.new("L", (8000, 6000)).save(tmp_path / "a.png")
    shown = decode(PICTURES, str(tmp_path / "a.png"))
    assert shown.image.width() * shown.image.height() <= 24_000_000
    assert shown.scale == pytest.approx(shown.image.width() / 8000)


def test_notices_are_rare_and_count_what_came_meanwhile() -> None:
    now = 0.0
    limit = NoticeLimit(lambda: now)

    def count(to_review: int, looking: bool = False) -> int:
        return limit.count(to_review, looking=looking)

    assert [count(10), count(12)] == [0, 2]
    assert [count(15), count(14), count(20)] == [0, 0, 0]
    now = SECONDS_BETWEEN
    assert count(20) == 9
    now = 2 * SECONDS_BETWEEN
    assert [count(30, looking=True), count(30), count(31)] == [0, 0, 1]  # what was looked at is no news, and delays none


def test_the_pace_is_that_of_the_last_minute() -> None:
    pace = Pace()
    assert pace.look(0, pending=1000, finished=0).seconds_left is None
    assert pace.look(10, pending=900, finished=100).rate == 10
    for second in range(20, 200, 10):
        progress = pace.look(second, pending=500, finished=100 + (second - 10) * 2)
    assert progress.rate == pytest.approx(2)
    assert progress.seconds_left == pytest.approx(250)
    assert pace.look(210, pending=600, finished=10).rate == 0  # a rescan began
