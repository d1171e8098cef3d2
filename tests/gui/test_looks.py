"""What screenshots have shown to be hard to see or to read, measured in the pixels of real widgets."""

from collections.abc import Callable, Iterator

import pytest
from archives import Archive, Opened
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QColor, QFont, QImage, QPalette
from PySide6.QtWidgets import QApplication, QCheckBox, QListWidget, QListWidgetItem, QPushButton, QWidget
from test_style import contrast

from gui.style.colours import BADGES, use_palette
from gui.style.icons import iconed
from gui.widgets.bars.tab_bar import Tabs
from gui.widgets.images.drawn_once import DrawnOnce
from gui.widgets.watched_folders import WatchedFolders

Open = Callable[..., Opened]


@pytest.fixture(params=[False, True], ids=["light", "dark"])
def worn(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[bool]:
    """The colours of light or dark."""
    style = qapp.style().objectName()
    qapp.setStyle("Fusion")
    use_palette(dark=request.param)
    yield request.param
    use_palette(dark=False)
    qapp.setStyle(style)


def strongest(widget: QWidget, place: QRect) -> float:
    """The highest contrast of a pixel of `place` with the widget's ground, which is its lower right corner."""
    image = widget.grab().toImage()
    ground = image.pixelColor(image.width() - 1, image.height() - 1)
    points = (QPoint(x, y) for x in range(place.left(), place.right()) for y in range(place.top(), place.bottom()))
    return max(contrast(image.pixelColor(point), ground) for point in points if image.valid(point))


def test_boxes_without_a_tick_are_seen(qtbot: object, worn: bool) -> None:
    box = QCheckBox("Scan videos, too")
    box.resize(160, 24)
    assert strongest(box, QRect(0, 0, 15, 24)) >= (3 if worn else 1.3)  # Fusion's own in light
    ticks = QListWidget()
    entry = QListWidgetItem("")
    ticks.addItem(entry)
    entry.setCheckState(entry.checkState().Unchecked)
    ticks.resize(120, 60)
    assert strongest(ticks, ticks.visualItemRect(entry).translated(1, 1)) >= (2.5 if worn else 1.3)


def test_a_stacks_count_is_told_from_what_is_selected(qapp: QApplication) -> None:
    badge = DrawnOnce(QFont(), QFont()).badge("stack", "2", 1.0).toImage()
    ground = BADGES["stack"][0]
    edge = [badge.pixelColor(badge.width() // 2, y) for y in (0, badge.height() - 1)]
    assert all(contrast(colour, ground) >= 3 for colour in edge)
    other = DrawnOnce(QFont(), QFont()).badge("fake", "fake 0.93", 1.0).toImage()
    assert other.pixelColor(other.width() // 2, 0) == BADGES["fake"][0]


def test_icons_keep_a_distance_to_the_text(qtbot: object, worn: bool) -> None:
    button = iconed(QPushButton(""), "square")
    image = button.icon().pixmap(button.iconSize()).toImage()
    drawn = [x for x in range(image.width()) for y in range(image.height()) if image.pixelColor(x, y).alpha() > 40]
    assert (min(drawn) <= 3, image.width() - max(drawn) >= 5) == (True, True)


def test_a_list_without_folders_says_what_to_do(qtbot: object, worn: bool) -> None:
    folders = WatchedFolders()
    folders.resize(600, 150)
    folders.currentRowChanged.disconnect()
    empty: QImage = folders.grab().toImage()
    folders.addItem("")
    filled = folders.grab().toImage()
    middle = QRect(100, 60, 400, 30)
    assert colours(empty, middle) > 2 >= colours(filled, middle)


def colours(image: QImage, place: QRect) -> int:
    points = ((x, y) for x in range(place.left(), place.right()) for y in range(place.top(), place.bottom()))
    return len({QColor(image.pixelColor(x, y)).rgb() for x, y in points})


def test_a_name_is_not_hidden_by_what_is_said_of_its_stack(archive: Archive, open_window: Open) -> None:
    for name, score in (("photograph-of-the-minister-a.png", 0.9), ("b.png", 0.8)):
        archive.add(name, score, fingerprint=1)
    opened = open_window()
    opened.window.resize(1024, 700)
    opened.until(lambda: opened.page.look.stacked.text() == "1 more in the stack")
    opened.until(lambda: opened.page.look.summary.shown_text().endswith("minister-a.png"))
    opened.press("s")
    opened.until(opened.page.look.stacked.isHidden)


def test_the_whole_screen_leaves_the_status_line_whole(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    for _ in range(2):
        opened.window.actions_of.by_name["loupe"].trigger()
    standing, bar = opened.window.standing, opened.window.statusBar()
    opened.until(lambda: standing.isVisible() and standing.width() >= standing.sizeHint().width())
    assert standing.geometry().right() < bar.width()
    assert standing.contentsMargins().right() > 4
    assert not bar.isSizeGripEnabled()


def test_what_a_person_has_made_room_for_stays_when_the_window_grows(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    right = opened.page.right
    before = right.sizes()
    opened.window.resize(opened.window.width(), opened.window.height() + 200)
    opened.until(lambda: sum(right.sizes()) >= sum(before) + 190)
    assert right.sizes()[1] > before[1] + 40  # the card is not left with two lines
    right.setSizes([300, 200])
    right.splitterMoved.emit(300, 1)
    lower = right.sizes()[1]
    opened.window.resize(opened.window.width(), opened.window.height() + 100)
    opened.until(lambda: right.sizes()[0] > 330)
    assert right.sizes()[1] == lower


class HighBar(Tabs):
    """Tabs in which nothing can be cut off."""

    def tabSizeHint(self, index: int) -> QSize:  # noqa: N802  (it is Qt's)
        return super().tabSizeHint(index) + QSize(0, 40)


@pytest.mark.parametrize("title", ["origin", "pages"])
def test_titles_of_tabs_keep_what_is_below_letters(qtbot: object, worn: bool, title: str) -> None:
    def drawn(bar: Tabs) -> int:
        for text in ("Details", title):  # that of a tab which is not the chosen one is drawn lower
            bar.addTab(text)
        bar.resize(bar.sizeHint())
        return rows_of_text(bar.grab().toImage().copy(bar.tabRect(1)))

    assert drawn(Tabs()) == drawn(HighBar())


def test_the_chosen_tab_is_told_from_the_others(qtbot: object, worn: bool) -> None:
    bar = Tabs()
    bar.setDrawBase(False)
    for title in ("Fake", "Real", "Unsure"):
        bar.addTab(title)
    bar.resize(bar.sizeHint())
    for chosen in (0, 2):
        bar.setCurrentIndex(chosen)
        shown = bar.grab().toImage()
        tops = [shown.pixelColor(bar.tabRect(tab).center().x(), bar.tabRect(tab).top() + 1) for tab in range(3)]
        ground = QPalette().color(QPalette.ColorRole.Window)
        assert contrast(tops[chosen], ground) >= 3  # WCAG 2.2, 1.4.11
        assert all(contrast(tops[tab], ground) < 2 for tab in range(3) if tab != chosen)
    bar.mark(wanted=False)  # something else is in sight
    shown = bar.grab().toImage()
    assert contrast(shown.pixelColor(bar.tabRect(2).center().x(), bar.tabRect(2).top() + 1), ground) < 2


def rows_of_text(picture: QImage) -> int:
    """How many rows of pixels have something in the colour of text."""
    text = QPalette().color(QPalette.ColorRole.WindowText).lightness()
    columns, rows = range(picture.width()), range(picture.height())
    return sum(any(abs(picture.pixelColor(column, row).lightness() - text) < 60 for column in columns) for row in rows)
