"""Nothing is drawn, read or asked more often than needed: who decides quickly waits for none of it."""

from collections.abc import Callable
from typing import Any

from archives import Archive, Opened
from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QColor, QFont, QImage
from test_stacks import item

from gui.models import presenter as presenting
from gui.models.queue_model import QueueModel
from gui.widgets.images.drawn_once import DrawnOnce
from scanner.review.criteria import Order

Open = Callable[..., Opened]


class Coming(QObject):
    """Thumbnails that come when they are told to."""

    ready = Signal(str)

    def find(self, path: str) -> QImage | None:
        return None

    def forget(self, path: str) -> None:
        """None is kept."""


def test_a_thumbnail_that_comes_changes_one_row(qtbot: Any) -> None:
    thumbnails = Coming()
    model = QueueModel(thumbnails)  # type: ignore[arg-type]
    model.start(Order.MOST_CERTAIN, [item(number, 1 - number / 10, None) for number in range(1, 6)], complete=True)
    changed: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last, _: changed.append((first.row(), last.row())))
    for row in (1, 2, 3):
        assert model.cell(row) is not None
    thumbnails.ready.emit("/3")
    assert changed == [(2, 2)]
    model.remove([2])
    thumbnails.ready.emit("/4")  # was in row 3, and has moved
    assert changed[1:] == [(0, 3)]


def test_badges_and_thumbnails_are_drawn_once(qtbot: Any) -> None:
    drawn = DrawnOnce(QFont(), QFont())
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    shown = drawn.picture(image, QSize(60, 60), 2.0)
    assert shown.deviceIndependentSize().toSize() == QSize(60, 30)
    assert drawn.picture(image, QSize(60, 60), 2.0).cacheKey() == shown.cacheKey()
    other = QImage(image)
    other.fill(QColor("blue"))
    assert drawn.picture(other, QSize(60, 60), 2.0).toImage().pixelColor(9, 9) == QColor("blue")
    badge = drawn.badge("fake", "fake 0.93", 1.0)
    assert badge.cacheKey() == drawn.badge("fake", "fake 0.93", 1.0).cacheKey()
    assert badge.cacheKey() != drawn.badge("real", "fake 0.93", 1.0).cacheKey()


def test_a_decision_does_not_read_the_queue_anew(archive: Archive, open_window: Open, monkeypatch: Any) -> None:
    monkeypatch.setattr(presenting, "MANY", 10)
    archive.add_many(40)  # all were scanned at one moment: more than what is put in its place one by one
    opened = open_window()
    opened.unstack()
    opened.until(lambda: len(opened.names) == 40 and bool(opened.page.details.toPlainText()))
    resets: list[bool] = []
    opened.presenter.model.modelReset.connect(lambda: resets.append(True))
    opened.press("f")
    opened.until(lambda: opened.tabs[:2] == ["To review  39", "Fake  1"])
    opened.bot.wait(300)
    assert not resets
