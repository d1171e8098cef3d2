"""The preview: zoom, place and what lies over the picture."""

from collections.abc import Callable

from archives import Archive, Opened
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

Open = Callable[..., Opened]


def test_the_preview_zooms_pans_and_takes_overlays(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    preview = opened.page.look.preview
    opened.until(lambda: not preview._preliminary and not preview._image.isNull())
    assert preview.is_fitted
    opened.press("1")
    assert (preview.is_fitted, preview.zoom) == (False, 4.0)  # 60 pixels wide: fitted is twice already
    opened.press("++")
    assert preview.zoom > 6
    before = preview.picture_rect().topLeft()
    preview.setFocus()
    opened.bot.keyClick(preview, Qt.Key.Key_Right)
    assert preview.picture_rect().topLeft() != before
    opened.bot.keyClick(preview, "1")
    assert preview.is_fitted

    class Dot:
        def paint(self, painter: QPainter, picture: QRectF) -> None:
            painter.fillRect(QRectF(picture.center() - QPointF(2, 2), picture.center() + QPointF(2, 2)), QColor("#00ff00"))

    preview.set_overlays([Dot()])
    shown = preview.grab().toImage()
    ratio = shown.devicePixelRatio()
    middle = preview.picture_rect().center() * ratio
    assert shown.pixelColor(int(middle.x()), int(middle.y())) == QColor("#00ff00")


def test_the_zoom_stays_from_image_to_image(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    preview = opened.page.look.preview
    opened.until(lambda: not preview._preliminary and not preview._image.isNull())
    opened.press("++")
    zoom = preview.zoom
    opened.press("j")
    opened.until(lambda: not preview._preliminary and not preview._image.isNull() and preview.zoom == zoom)
    opened.press("1")
    opened.press("k")
    opened.until(lambda: not preview._preliminary and not preview._image.isNull() and preview.is_fitted)
