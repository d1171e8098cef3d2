"""Two pictures compared: at one scale, over each other, blinking, and their difference; by keys, on the page and in the loupe."""

from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage

from gui.media.difference import GAINS, pair_of
from gui.widgets.preview.compare_view import CompareView, Mode

Open = Callable[..., Opened]
SAMPLE = Path(__file__).parents[2] / "samples" / "real-astronaut.jpg"
ALTERED = (100, 120, 140, 160)


@pytest.fixture
def copies(archive: Archive, tmp_path: Path) -> Archive:
    """An original, a copy of half its size, one with an altered part, and one that is equal in all but its content's bytes."""
    with Image.open(SAMPLE) as opened:
        plain = opened.convert("RGB")
    plain.save(tmp_path / "plain.png")
    plain.resize((256, 256)).save(tmp_path / "half.png")
    altered = plain.copy()
    altered.paste((20, 20, 20), ALTERED)
    altered.save(tmp_path / "altered.png")
    plain.save(tmp_path / "equal.png", compress_level=1)
    for name, score, bits in (("plain", 0.99, 0), ("altered", 0.9, 0), ("half", 0.85, 0b1), ("equal", 0.8, 0b111)):
        archive.add(f"{name}.png", score, picture=tmp_path / f"{name}.png", fingerprint=0b1111000 ^ bits)
    return archive


def comparing(opened: Opened) -> CompareView:
    opened.until(lambda: opened.page.comparing.is_on)
    view = opened.page.comparing.view
    assert view is not None
    opened.until(lambda: not any(image.isNull() for image in view._images))
    return view


def near_are_known(opened: Opened, count: int) -> None:
    opened.until(lambda: len(opened.page.look.near.copies) == count)


def other(view: CompareView) -> str:
    return Path(view._paths[1]).stem


def test_two_sizes_keep_one_scale(copies: Archive, open_window: Open) -> None:
    opened = open_window()
    near_are_known(opened, 3)
    opened.press("c")
    view = comparing(opened)
    while other(view) != "half":  # going on shows the next near copy
        before = view._paths
        opened.bot.keyClick(view.pictures[0], "j")
        assert view._paths != before
    comparing(opened)
    left, right = view.pictures
    assert (left.image.width(), right.image.width()) == (512, 256)
    assert left.picture_rect().size() == right.picture_rect().size()  # fitted
    for moved in (left, right):
        moved.zoom_in()
        moved.zoom_in()
        opened.bot.keyClick(moved, Qt.Key.Key_Right)
        assert right.zoom == pytest.approx(2 * left.zoom)
        assert left.picture_rect().topLeft().toTuple() == pytest.approx(right.picture_rect().topLeft().toTuple())
    assert "512 \N{MULTIPLICATION SIGN} 512" in view.captions[0].text()
    assert "256 \N{MULTIPLICATION SIGN} 256" in view.captions[1].text()
    opened.bot.keyClick(left, "x")
    opened.until(lambda: not view.over.image.isNull())
    assert (view.over.zoom, view.over._centre) == (left.zoom, left._centre)
    opened.bot.keyClick(view.over, "x")
    assert (view.over.zoom, view.over._centre) == (left.zoom, left._centre)
    opened.bot.keyClick(view.over, "k")
    assert other(view) != "half"
    assert opened.page.comparing.is_on


def test_over_each_other_blinking_and_back(copies: Archive, open_window: Open) -> None:
    opened = open_window()
    near_are_known(opened, 3)
    opened.press("x")  # straight from the page
    view = comparing(opened)
    opened.until(lambda: view._pair is not None)
    assert (view.mode, view.is_second) == (Mode.OVER, True)
    assert view.over.hasFocus()
    second = view.over.image
    opened.bot.keyClick(view.over, "x")
    assert not view.is_second
    assert view.over.image != second
    view.blinking.setInterval(20)
    opened.bot.keyClick(view.over, "X", Qt.KeyboardModifier.ShiftModifier)
    seen: set[bool] = set()
    opened.until(lambda: seen.add(view.is_second) is None and len(seen) == 2)
    opened.bot.keyClick(view.over, "X", Qt.KeyboardModifier.ShiftModifier)
    assert not view.blinking.isActive()
    opened.bot.keyClick(view.over, "X", Qt.KeyboardModifier.ShiftModifier)
    opened.bot.keyClick(view.over, Qt.Key.Key_Escape)  # to both beside each other
    assert (view.mode, view.blinking.isActive(), opened.page.comparing.is_on) == (Mode.SIDE_BY_SIDE, False, True)
    opened.bot.keyClick(view.pictures[0], Qt.Key.Key_Escape)
    opened.until(opened.page.grid.hasFocus)


def test_the_difference_shows_what_was_altered(copies: Archive, open_window: Open) -> None:
    opened = open_window()
    near_are_known(opened, 3)
    opened.press("d")
    view = comparing(opened)
    while other(view) != "altered":
        opened.bot.keyClick(view.over, "j")
    opened.until(lambda: view._pair is not None)
    shown = view.over.image
    left, top, right, bottom = ALTERED
    black = QColor("black")
    assert shown.pixelColor(left - 2, top) == shown.pixelColor(right + 1, bottom) == black
    assert shown.pixelColor((left + right) // 2, (top + bottom) // 2) != black
    assert "amplified \N{MULTIPLICATION SIGN}16" in view.words.text()
    assert "It is no verdict." in view.words.text()
    opened.bot.keyClick(view.over, "D", Qt.KeyboardModifier.ShiftModifier)
    opened.until(lambda: "amplified \N{MULTIPLICATION SIGN}64" in view.words.text())
    opened.bot.keyClick(view.over, "d")
    assert view.mode is Mode.SIDE_BY_SIDE
    assert not view.words.isVisible()


def test_the_difference_of_equal_pictures_is_black(copies: Archive, open_window: Open) -> None:
    """Two selected images are compared, whatever is near; and it works in the loupe."""
    opened = open_window()
    near_are_known(opened, 3)
    model, grid = opened.presenter.model, opened.page.grid
    ids = {Path(item.path).stem: item.file_id for row in range(model.rowCount()) if (item := model.item(row))}
    if "equal" not in ids:
        opened.press("s")
        opened.until(lambda: "equal" in opened.names)
        ids = {Path(item.path).stem: item.file_id for row in range(model.rowCount()) if (item := model.item(row))}
    grid.select_files([ids["plain"], ids["equal"]])
    opened.window.view.loupe.enter()  # type: ignore[union-attr]
    opened.until(opened.page.look.preview.hasFocus)
    opened.bot.keyClick(opened.page.look.preview, "d")
    view = comparing(opened)
    assert {Path(path).stem for path in view._paths} == {"plain", "equal"}
    opened.until(lambda: view._pair is not None)
    assert view.words.text() == "The two are equal, pixel by pixel."
    assert view._pair is not None
    black = QImage(view._pair.difference.size(), QImage.Format.Format_RGB32)
    black.fill(QColor("black"))
    assert view._pair.difference == black
    assert opened.window.isFullScreen()
    for _ in range(2):
        opened.bot.keyClick(view.over, Qt.Key.Key_Escape)
    opened.until(opened.page.look.preview.hasFocus)
    opened.bot.keyClick(opened.page.look.preview, Qt.Key.Key_Escape)
    assert not opened.window.isFullScreen()


def test_a_long_name_widens_nothing(archive: Archive, open_window: Open) -> None:
    name = "a_file_name_of_200_letters_" * 7
    archive.add(f"{name}a.png", 0.9, fingerprint=0b1111)
    archive.add(f"{name}b.png", 0.8, fingerprint=0b1111)
    opened = open_window()
    opened.window.resize(1024, 700)
    near_are_known(opened, 1)
    opened.press("d")
    comparing(opened)
    opened.bot.wait(50)
    assert (opened.window.width(), opened.window.height()) == (1024, 700)
    assert opened.window.minimumSizeHint().width() <= 1024


def test_without_another_image_it_says_how(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("c")
    opened.until(lambda: "Select two images" in opened.window.statusBar().currentMessage())
    assert not opened.page.comparing.is_on


def test_nothing_is_decided_together_out_of_sight(copies: Archive, open_window: Open) -> None:
    opened = open_window()
    near_are_known(opened, 3)
    near = opened.page.look.near
    opened.press("g")
    assert near.group.isChecked()
    opened.press(" ")
    opened.until(opened.page.look.preview.hasFocus)
    assert not near.group.isChecked()
    opened.bot.keyClick(opened.page.look.preview, "g")
    assert near.ticked == ()


@pytest.mark.parametrize("gain", GAINS)
def test_amplified_values(gain: int) -> None:
    one, two = QImage(4, 4, QImage.Format.Format_RGB32), QImage(4, 4, QImage.Format.Format_RGB32)
    one.fill(QColor(10, 200, 30))
    two.fill(QColor(13, 190, 30))
    pair = pair_of(one, two, gain)
    assert pair.difference.pixelColor(1, 1) == QColor(min(255, 3 * gain), min(255, 10 * gain), 0)
    assert not pair.is_equal
    wide = QImage(8, 4, QImage.Format.Format_RGB32)
    wide.fill(QColor(10, 200, 30))
    assert not pair_of(one, wide, gain).is_same_cut


@pytest.mark.parametrize("way", ["selected", "near"])
def test_a_decision_is_for_the_left_one_of_two(copies: Archive, open_window: Open, way: str) -> None:
    """They may be the original and its forgery: no key decides on both."""
    opened = open_window()
    opened.unstack()
    opened.shows("plain", "altered", "half", "equal")
    if way == "selected":
        opened.page.grid.select_files([item.file_id for row in (1, 0) if (item := opened.presenter.model.item(row))])
    else:
        opened.page.grid.go_to(1)
        near_are_known(opened, 3)
    opened.press("c")
    view = comparing(opened)
    assert (Path(view._paths[0]).stem, other(view)) == ("altered", "plain")
    assert view.whom.text() == "A decision is for the left image alone"
    opened.bot.keyClick(view.pictures[0], "f")
    opened.shows("plain", "half", "equal")
    opened.until(lambda: opened.tabs[1] == "Fake  1")
