"""The window shows what was judged, and says where that is no longer there; its database says what it was."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Opened
from PIL import Image
from pytestqt.qtbot import QtBot

from gui.media.judged_pictures import JudgedPictures
from gui.media.previews import decode
from gui.media.thumbnail_cache import ThumbnailCache
from gui.media.thumbnails import Thumbnails
from gui.tasks.background import Background
from scanner.media.looking.not_shown import ChangedSince

Open = Callable[..., Opened]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.new("RGB", (100, 80), "red").save(path)
    return path


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_thumbnail_is_of_what_was_judged(tmp_path: Path, picture: Path) -> None:
    """Not of what took the place of the file since, even with the file's old times, nor what was judged there before."""
    judged = {str(picture): sha256_of(picture)}
    cache = ThumbnailCache(tmp_path / "cache", JudgedPictures(judged.get))
    assert cache.thumbnail(str(picture)).getpixel((5, 5)) == (255, 0, 0)
    before = picture.stat()
    Image.new("RGB", (100, 80), "blue").save(picture)
    with pytest.raises(ChangedSince):
        cache.thumbnail(str(picture))
    os.utime(picture, ns=(before.st_atime_ns, before.st_mtime_ns))
    judged[str(picture)] = sha256_of(picture)  # it was judged again
    assert cache.thumbnail(str(picture)).getpixel((5, 5)) == (0, 0, 255)


def test_the_grid_says_that_a_file_has_changed(tmp_path: Path, picture: Path, qtbot: QtBot) -> None:
    background = Background("thumbnails", 1)
    judged = {str(picture): "0" * 64}
    thumbnails = Thumbnails(ThumbnailCache(tmp_path / "cache", JudgedPictures(judged.get)), background)
    with qtbot.waitSignal(thumbnails.ready, timeout=30_000):
        assert thumbnails.find(str(picture)) is None
    shown = thumbnails.find(str(picture))
    assert shown is not None
    colours = {shown.pixelColor(x, y).getRgb()[:3] for x in range(0, 192, 3) for y in range(0, 192, 3)}
    assert (255, 0, 0) not in colours, "the other picture is shown"
    assert len(colours) > 1, "nothing is said"
    judged[str(picture)] = sha256_of(picture)
    thumbnails.forget(str(picture))
    with qtbot.waitSignal(thumbnails.ready, timeout=30_000):
        assert thumbnails.find(str(picture)) is None
    again = thumbnails.find(str(picture))
    assert again is not None
    assert again.pixelColor(5, 5).getRgb()[:3] == (255, 0, 0)
    background.close()


def test_a_preview_says_that_a_file_has_changed(picture: Path) -> None:
    shown = decode(JudgedPictures(lambda _: "0" * 64), str(picture))
    assert shown.image.isNull()
    assert shown.reason == "it has changed since it was judged"
