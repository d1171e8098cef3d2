"""Videos that were found and not asked for are named, with the switch; the command line shares it."""

from collections.abc import Callable

import pytest
from archives import START, Archive, Opened

from gui.widgets.bars.video_bar import VideoBar
from scanner.base.choices import choices_file
from scanner.base.settings import Settings, load_settings
from scanner.roots.roots import add_roots

Open = Callable[..., Opened]


@pytest.fixture
def with_videos(five: Archive) -> Archive:
    (five.folder / "sub").mkdir()
    for name in ("a.mp4", "sub/b.mov"):
        (five.folder / name).write_bytes(b"x")
    add_roots(five.database, [str(five.folder)], START)
    return five


def bar(opened: Opened) -> VideoBar:
    assert opened.window.view is not None
    return opened.window.view.videos


def test_they_are_named_and_can_be_scanned(with_videos: Archive, open_window: Open) -> None:
    opened = open_window()
    started: list[Settings] = []
    opened.window.service.start = lambda: started.append(opened.window.service.current())
    opened.until(bar(opened).isVisible)
    assert bar(opened).words.text() == "2 videos in the watched folders are not scanned"
    bar(opened).button.click()
    assert [settings.videos for settings in started] == [True]
    opened.until(lambda: not bar(opened).isVisible())
    assert load_settings({"data_dir": with_videos.data_dir}, {}, with_videos.folder / "none.toml").videos
    assert opened.window.view is not None
    opened.until(opened.window.view.running.videos.isChecked)
    opened.window.view.running.videos.click()  # and no more
    opened.until(bar(opened).isVisible)
    assert not load_settings({"data_dir": with_videos.data_dir}, {}, with_videos.folder / "none.toml").videos


def test_the_line_can_be_closed_until_more_are_found(with_videos: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.until(bar(opened).isVisible)
    bar(opened).dismiss.click()
    assert not bar(opened).isVisible()
    assert opened.window.view is not None
    (with_videos.folder / "c.webm").write_bytes(b"x")
    add_roots(with_videos.database, [str(with_videos.folder / "sub")], START)  # it lies in the other: counted once
    opened.until(bar(opened).isVisible)
    assert bar(opened).words.text() == "3 videos in the watched folders are not scanned"


def test_without_the_reader_it_says_what_to_install(
    with_videos: Archive, open_window: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gui.widgets.bars.video_bar.video_reader_is_installed", lambda: False)
    (with_videos.folder / "a.mp4").unlink()
    opened = open_window()
    opened.until(bar(opened).isVisible)
    assert bar(opened).words.text().startswith("1 video in the watched folders is not scanned: install")
    assert not bar(opened).button.isVisible()


def test_a_choice_that_something_else_overrides_is_told(with_videos: Archive, open_window: Open) -> None:
    """As with `videos = false` in config.toml."""
    opened = open_window()
    opened.window.service.current = lambda: Settings(data_dir=with_videos.data_dir)
    opened.until(bar(opened).isVisible)
    bar(opened).button.click()
    opened.until(opened.window.banner.isVisible)
    assert "Videos are not scanned: a flag" in opened.window.banner.text()
    assert not opened.window.service.is_running
    assert choices_file(with_videos.data_dir).exists()


def test_videos_that_are_scanned_are_not_counted(with_videos: Archive, open_window: Open) -> None:
    opened = open_window(settings=Settings(data_dir=with_videos.data_dir, videos=True))
    assert opened.window.view is not None
    opened.until(lambda: opened.window.view.running.folders.count() == 1)
    opened.bot.wait(100)
    assert not bar(opened).isVisible()
