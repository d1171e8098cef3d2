"""The loupe: the picture on the whole screen, by each of its keys, with decisions, and back to the window as it was."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from test_deciding import stored

from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Basis

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
    zoom, place = preview.zoom, QPointF(preview._centre)  # a copy: the other is changed in place
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


def test_45_faces_in_a_small_window(archive: Archive, open_window: Open, tmp_path: Path) -> None:
    Image.new("RGB", (900, 500), "gray").save(tmp_path / "crowd.png")
    faces = tuple(Face((number % 9 * 100, number // 9 * 100, 60, 60), 0.9, 0.9 - number / 100) for number in range(45))
    archive.add("crowd.png", 0.9, picture=tmp_path / "crowd.png", prediction=Prediction(Basis.FACES, faces))
    opened = open_window()
    opened.window.resize(1024, 700)
    opened.until(lambda: has_picture(opened) and opened.page.look.parts.count() == 45)
    preview = opened.page.look.preview
    before = preview.height()
    opened.press(" ")
    opened.until(lambda: is_in_loupe(opened) and preview.height() > before)
    assert preview.width() > 0.95 * opened.window.width()
    with_boxes = preview.grab().toImage()
    press(opened, "b")
    assert preview.grab().toImage() != with_boxes
    press(opened, Qt.Key.Key_Escape)
    opened.until(lambda: preview.height() == before)
    assert (opened.window.width(), opened.window.height()) == (1024, 700)


def test_the_heatmap_says_how_it_stands(five: Archive, open_window: Open) -> None:
    opened = open_window(explain=["/nowhere/explain"])
    opened.shows("a", "b", "c", "d")
    opened.until(lambda: has_picture(opened) and opened.page.details.toPlainText() != "")
    opened.press(" ")
    opened.until(lambda: is_in_loupe(opened))
    press(opened, "h")
    opened.until(lambda: "cannot be started" in opened.page.look.layers._words)
    press(opened, Qt.Key.Key_Escape)
    assert opened.page.look.layers._words == ""  # its own line is in sight again
    assert "cannot be started" in opened.page.look.heat_words.text()


def test_at_scale_two_places_are_right(five: Archive, tmp_path: Path) -> None:
    """The magnifier tells the pixel under the pointer, and views are drawn, in the loupe with two pixels for each of Qt's."""
    code = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from gui.window.main_window import MainWindow
from scanner.base.settings import Settings
app = QApplication([])
window = MainWindow(Settings(data_dir=Path(sys.argv[1])), lambda: datetime.now(UTC))
window.show()
window.open()
def until(true):
    for _ in range(9000):
        if true():
            return
        QTest.qWait(10)
    raise AssertionError
until(lambda: window.view and window.view.review.current())
preview = window.view.review.look.preview
until(lambda: not preview._preliminary and not preview.image.isNull())
window.view.loupe.enter()
# The screen is smaller than the window may be: it is made that small, and grows again.
until(lambda: preview.width() > 0.9 * window.width() >= 0.9 * window.minimumSizeHint().width())
window.view.review.look.lens.toggle()
at = preview.picture_rect().topLeft() + (QPoint(10, 5) * preview.zoom + QPoint(1, 1)).toPointF()
none = Qt.MouseButton.NoButton
moved = QMouseEvent(QEvent.Type.MouseMove, at, preview.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier)
app.sendEvent(preview, moved)
assert window.view.review.look.lens.pixel == (10, 5)
window.actions_of.by_name["error_levels"].trigger()
until(lambda: window.view.review.look.layers._words.startswith("Error levels, amplified"))
window.actions_of.by_name["noise"].trigger()
until(lambda: window.view.review.look.layers._words.startswith("Noise residual, amplified"))
shown = window.grab().toImage()
picture = preview.picture_rect()
lowest = round(min(picture.bottom(), preview.height())) - 3
words = preview.mapTo(window, QPoint(round(max(picture.left(), 0)) + 3, lowest))
print(preview.devicePixelRatioF(), shown.width() == 2 * window.width(), window.view.loupe.is_open)
print(shown.pixelColor(2 * words).lightness() < 60, shown.pixelColor(2 * words - QPoint(0, 300)).lightness() > 60)
window.end()
"""
    environment = {**os.environ, "QT_SCALE_FACTOR": "2"}
    command = [sys.executable, "-c", code, str(five.data_dir)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=360, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2.0", "True", "True", "True", "True"]


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
