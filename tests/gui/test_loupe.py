"""The loupe: the picture on the whole screen, by each of its keys, with decisions, and back to the window as it was."""

from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from test_deciding import stored

Open = Callable[..., Opened]


def press(opened: Opened, key: Qt.Key | str) -> None:
    """A key where the loupe has its focus."""
    opened.bot.keyClick(opened.page.look.preview, key)


def is_in_loupe(opened: Opened) -> bool:
    assert opened.window.view is not None
    hidden = not opened.page.grid.isVisible() and not opened.window.menuBar().isVisible()
    assert hidden is opened.window.view.loupe.is_open is opened.window.isFullScreen()
    return hidden


def has_picture(opened: Opened) -> bool:
    preview = opened.page.look.preview
    return not preview._preliminary and not preview._image.isNull()


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F11])
def test_each_key_enters_and_leaves(five: Archive, open_window: Open, key: Qt.Key) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    sizes = opened.page.splitter.sizes(), opened.page.right.sizes()
    opened.press("")
    opened.bot.keyClick(opened.page.grid, key)
    opened.until(lambda: is_in_loupe(opened))
    opened.until(opened.page.look.preview.hasFocus)
    press(opened, key)
    opened.until(lambda: not is_in_loupe(opened))
    opened.bot.keyClick(opened.page.grid, key)
    press(opened, Qt.Key.Key_Escape)
    opened.until(lambda: not is_in_loupe(opened) and opened.page.grid.hasFocus())
    assert (opened.page.splitter.sizes(), opened.page.right.sizes()) == sizes


def test_a_double_click_enters_and_magnifies_in_it(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.until(lambda: has_picture(opened))
    preview = opened.page.look.preview
    opened.bot.mouseDClick(preview, Qt.MouseButton.LeftButton)
    opened.until(lambda: is_in_loupe(opened))
    assert preview.is_fitted
    opened.bot.mouseDClick(preview, Qt.MouseButton.LeftButton)
    assert not preview.is_fitted
    press(opened, Qt.Key.Key_Escape)
    opened.until(lambda: not is_in_loupe(opened))
    grid = opened.page.grid
    place = grid.visualRect(grid.currentIndex()).center()
    opened.bot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    opened.bot.mouseDClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    opened.until(lambda: is_in_loupe(opened))


def test_one_goes_on_and_decides_in_it(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("")
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_Space)
    opened.until(lambda: is_in_loupe(opened) and has_picture(opened))
    press(opened, "j")
    assert opened.current().path.endswith("b.png")
    press(opened, Qt.Key.Key_Right)
    assert opened.current().path.endswith("c.png")
    press(opened, Qt.Key.Key_Left)
    press(opened, "k")
    assert opened.current().path.endswith("a.png")
    press(opened, "f")
    opened.shows("b", "c", "d")
    opened.until(lambda: "a.png" in opened.page.deciding.notice.words.text())
    assert opened.page.deciding.notice.isVisible()
    press(opened, "z")
    opened.shows("a", "b", "c", "d")
    opened.until(lambda: opened.current().path.endswith("a.png"))
    press(opened, "n")  # a note: Esc leaves it, and only then the loupe
    note = opened.page.deciding.note
    opened.until(note.hasFocus)
    opened.bot.keyClicks(note, "fur")
    opened.bot.keyClick(note, Qt.Key.Key_Escape)
    opened.until(opened.page.look.preview.hasFocus)
    assert is_in_loupe(opened)
    for _ in range(4):
        press(opened, "r")
    opened.shows()
    opened.until(lambda: not is_in_loupe(opened))  # nothing is left to look at
    assert [row[:2] for row in stored(five)][-4:] == [("a", "real"), ("b", "real"), ("c", "real"), ("d", "real")]


def test_zoom_and_place_stay_from_image_to_image(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    """Also over a thumbnail that comes first, and over a picture in between that is too small to have the place."""
    for name, size in (("red", (1200, 900)), ("blue", (1200, 900)), ("gray", (30, 20))):
        Image.new("RGB", size, name).save(tmp_path / f"{name}.png")
    archive.add("a.png", 0.99, picture=tmp_path / "red.png")
    archive.add("c.png", 0.9, picture=tmp_path / "gray.png")
    archive.add("b.png", 0.8, picture=tmp_path / "blue.png")
    opened = open_window()
    opened.shows("a", "c", "b")
    opened.press("")
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_Space)
    preview = opened.page.look.preview
    opened.until(lambda: has_picture(opened) and preview._image.width() == 1200)
    for key in ("1", "+", "+", *[Qt.Key.Key_Right] * 4, Qt.Key.Key_Down):
        press(opened, key)
    zoom, place = preview.zoom, preview._centre
    assert preview._centre.x() > 100
    assert opened.current().path.endswith("a.png")  # of a magnified picture, arrows show another part
    press(opened, "j")
    opened.until(lambda: has_picture(opened) and preview._image.width() == 30)
    press(opened, "j")
    opened.until(lambda: has_picture(opened) and preview._image.width() == 1200)
    assert opened.current().path.endswith("b.png")
    assert (preview.zoom, preview._centre) == (zoom, place)
    press(opened, Qt.Key.Key_Escape)
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_F11)
    assert (preview.zoom, preview._centre) == (zoom, place)


def test_whatever_takes_the_page_away_ends_it(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    view = opened.window.view
    assert view is not None
    for away in (lambda: view.show_tab(4), lambda: view.run_button.setChecked(True), opened.window.showNormal):
        view.show_tab(0)
        view.loupe.enter()
        assert is_in_loupe(opened)
        away()
        assert not view.loupe.is_open
        assert opened.window.menuBar().isVisible()
        assert not opened.window.isFullScreen()
    view.show_tab(0)
    view.loupe.enter()
    opened.window.close()
    again = open_window()
    again.shows("a", "b", "c", "d")
    assert not again.window.isFullScreen()
    assert again.page.grid.isVisible()
    assert again.page.grid.mapTo(again.window, QPoint(0, 0)).y() > 0
