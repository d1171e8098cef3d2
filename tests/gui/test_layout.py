"""Layouts hold: whatever a file is called and whatever is known of it, nothing moves or grows out of the window."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter
from PySide6.QtWidgets import QApplication, QStyleOptionViewItem

from gui.pages.plain_pages import FirstStartPage, TroublePage
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.images.grid_delegate import CELL, ImageDelegate
from scanner.domain.prediction import Face, Prediction
from scanner.domain.states import Basis

Open = Callable[..., Opened]
LONG = "a_file_name_of_200_letters_" * 7 + "abcdefg.png"


@pytest.mark.parametrize("size", [(1024, 700), (1400, 900)])
def test_a_long_name_widens_nothing(archive: Archive, open_window: Open, size: tuple[int, int]) -> None:
    archive.add(LONG, 0.9)
    archive.add("b.png", 0.8)
    opened = open_window()
    opened.window.resize(*size)
    opened.shows(LONG[:-4], "b")
    opened.press("f")
    opened.until(lambda: LONG in opened.page.deciding.notice.words.text())
    opened.press("z")
    opened.until(lambda: opened.page.current() is not None and opened.current().path.endswith(LONG))
    opened.until(lambda: LONG in opened.page.details.toPlainText().replace("\n", ""))
    opened.page.filters.search.setText(LONG)
    opened.shows(LONG[:-4])
    opened.bot.wait(50)
    assert (opened.window.width(), opened.window.height()) == size
    least = opened.window.minimumSizeHint()
    assert least.width() <= 1024
    assert least.height() <= 700


def test_the_picture_keeps_its_height_from_image_to_image(archive: Archive, open_window: Open) -> None:
    faces = tuple(Face((number, 0, 20, 20), 0.9, 0.9 - number / 100) for number in range(45))
    archive.add("many.png", 0.9, prediction=Prediction(Basis.FACES, faces))
    archive.add("plain.png", 0.8)
    archive.add("copied.png", 0.78, fingerprint=0b1111)
    archive.add("copy.png", 0.77, fingerprint=0b1111)
    opened = open_window()
    opened.unstack()
    opened.shows("many", "plain", "copied", "copy")
    look = opened.page.look
    opened.until(lambda: look.parts.isVisible())
    heights = [look.preview.height()]
    opened.press("j")
    opened.until(lambda: not look.parts.isVisible())
    heights.append(look.preview.height())
    opened.press("j")
    opened.until(look.near.isVisible)
    heights.append(look.preview.height())
    opened.press("f")
    opened.until(lambda: opened.page.deciding.notice.words.text() != "")
    heights.append(look.preview.height())
    assert len(set(heights)) == 1


def test_names_keep_their_underscores(qapp: QApplication) -> None:
    """What lies below the letters is drawn, in a cell of the grid and in a line of text."""
    delegate = ImageDelegate()

    def drawn(name: str) -> QImage:
        picture = QImage(CELL, QImage.Format.Format_RGB32)
        picture.fill(Qt.GlobalColor.white)
        painter = QPainter(picture)
        option = QStyleOptionViewItem()
        option.rect = QRect(QPoint(0, 0), CELL)
        delegate.paint_name(painter, option, option.rect.adjusted(9, 9, -9, -9), name, selected=False)
        painter.end()
        return picture

    assert drawn("aaaa_aaaa") != drawn("aaaa aaaa")
    label = ElidedLabel("a_a")
    label.resize(QSize(200, label.sizeHint().height()))
    shown = label.grab().toImage()
    label.setText("a a")
    assert label.grab().toImage() != shown


@pytest.mark.parametrize("page", [FirstStartPage, TroublePage])
def test_titles_of_pages_are_whole_in_a_large_font(qapp: QApplication, page: type[FirstStartPage | TroublePage]) -> None:
    font, large = qapp.font(), QFont(qapp.font())
    large.setPointSizeF(font.pointSizeF() * 2)
    qapp.setFont(large)
    try:
        shown = page()
        shown.resize(1024, 600)
        shown.grab()  # lays it out
        room = QRect(0, 0, shown.title.width(), 10_000)
        needed = shown.title.fontMetrics().boundingRect(room, int(Qt.TextFlag.TextWordWrap), shown.title.text())
        assert needed.width() <= shown.title.width() <= shown.title.parentWidget().width()
        assert needed.height() <= shown.title.height()
    finally:
        qapp.setFont(font)


def test_it_opens_within_a_small_screen(five: Archive, tmp_path: Path) -> None:
    """1280 x 800 is what it wants; a smaller screen bounds it. At scale 2, 2048 x 1400 is 1024 x 700."""
    code = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from PySide6.QtWidgets import QApplication
from gui.window.main_window import MainWindow
from scanner.base.settings import Settings
app = QApplication([])
window = MainWindow(Settings(data_dir=Path(sys.argv[1])), lambda: datetime.now(UTC))
window.show()
app.processEvents()
size = app.primaryScreen().availableSize()
print(window.width() <= size.width(), window.height() <= size.height(), size.width(), window.width())
window.end()
"""
    screen = tmp_path / "screen.json"
    screen.write_text(
        '{"screens": [{"name": "small", "x": 0, "y": 0, "width": 1024, "height": 700, "logicalDpi": 96, "dpr": 1}]}'
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": f"offscreen:configfile={screen}"}
    command = [sys.executable, "-c", code, str(five.data_dir)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["True", "True", "1024", "1024"]


def test_the_splitters_stay_as_they_were_left(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.page.right.setSizes([300, 300])
    opened.page.right.splitterMoved.emit(300, 1)  # as a hand at the handle does
    opened.bot.wait(50)
    left = opened.page.right.sizes()[1]
    opened.window.close()
    again = open_window()
    again.shows("a", "b", "c", "d")
    assert again.page.right.sizes()[1] == left  # the rest is as high as the window is
