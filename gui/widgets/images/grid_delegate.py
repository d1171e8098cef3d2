"""How one image looks in the grid: thumbnail, label as sign, word and colour, score, name."""

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from scanner.review.ordering import QueueItem

from ...models.queue_model import ITEM_ROLE, SAVING_ROLE, STACK_ROLE
from ...models.stacks import StackPart
from ...style.colours import BADGES
from ...texts.verdict_texts import ORIGIN, item_line, label_shape

CELL = QSize(184, 212)
_MARGIN = 6


class ImageDelegate(QStyledItemDelegate):
    """Draws without making anything: it is called for each cell on each scroll."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._small = QFont()
        self._small.setPointSizeF(self._small.pointSizeF() * 0.85)
        self._bold = QFont(self._small)
        self._bold.setBold(True)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Every cell is alike."""
        return CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """One cell."""
        item: QueueItem | None = index.data(ITEM_ROLE)
        if item is None:
            return
        cell = option.rect.adjusted(3, 3, -3, -3)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(cell, option.palette.color(QPalette.ColorRole.Highlight))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(option.palette.color(QPalette.ColorRole.Text))
            painter.drawRect(cell.adjusted(0, 0, -1, -1))
        inner = cell.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        line = QFontMetrics(self._small).height()
        picture = QRect(inner.topLeft(), QSize(inner.width(), inner.height() - line - 5))
        part: StackPart | None = index.data(STACK_ROLE)
        painter.setOpacity(0.4 if index.data(SAVING_ROLE) else 1.0)
        if part is not None:
            self._draw_stack(painter, option, cell, part)
        self._draw_picture(painter, option, picture, index.data(Qt.ItemDataRole.DecorationRole))
        kind = f"found-{item.label}" if item.label == "real" else item.label
        draw_badge(painter, picture.topLeft(), kind, item_line(item), self._bold)
        if item.says_generated:
            draw_badge(painter, picture.topLeft() + QPoint(0, line + 5), "origin", ORIGIN, self._bold)
        if item.decision:
            decided = f"{label_shape(item.decision)} {item.decision} \N{CHECK MARK}".strip()
            draw_badge(painter, QPoint(picture.left(), picture.bottom() - line - 3), item.decision, decided, self._bold)
        if part is not None and part.is_head:
            self._draw_count(painter, option.rect, part)
        self.paint_name(painter, option, inner, index.data(), selected=selected)
        painter.setOpacity(1.0)

    def paint_name(self, painter: QPainter, option: QStyleOptionViewItem, inner: QRect, name: str, *, selected: bool) -> None:
        """A file's name at the bottom of a cell, with room for what is below letters, as in a_b."""
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        painter.setPen(option.palette.color(role))
        painter.setFont(self._small)
        metrics = QFontMetrics(self._small)
        line = metrics.height() + 2
        at = QRect(inner.left(), inner.bottom() + 1 - line, inner.width(), line)
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, inner.width())
        painter.drawText(at, int(Qt.AlignmentFlag.AlignCenter), shown)

    def count_rect(self, cell: QRect, part: StackPart) -> QRect:
        """Where a stack's count is in a cell; a click on it opens or closes the stack."""
        metrics = QFontMetrics(self._bold)
        size = QSize(metrics.horizontalAdvance(_count_words(part)) + 12, metrics.height() + 5)
        name = QFontMetrics(self._small).height() + 5
        edge = 3 + _MARGIN
        return QRect(QPoint(cell.right() + 1 - edge - size.width(), cell.bottom() + 1 - edge - name - size.height()), size)

    def _draw_count(self, painter: QPainter, cell: QRect, part: StackPart) -> None:
        place = self.count_rect(cell, part)
        background, foreground = BADGES["stack"]
        painter.setPen(foreground)
        painter.setBrush(background)
        painter.drawRect(place.adjusted(0, 0, -1, -1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setFont(self._bold)
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), _count_words(part))

    def _draw_stack(self, painter: QPainter, option: QStyleOptionViewItem, cell: QRect, part: StackPart) -> None:
        """A closed stack has edges of pictures behind it; an open one a line under all its images."""
        painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
        if part.is_open:
            painter.fillRect(QRect(cell.left(), cell.bottom() - 2, cell.width(), 3), BADGES["stack"][0])
        else:
            for step in (2, 5):
                painter.drawLine(cell.left() + 12 - step, cell.top() + step - 1, cell.right() - 12 + step, cell.top() + step - 1)

    def _draw_picture(self, painter: QPainter, option: QStyleOptionViewItem, place: QRect, image: QImage | None) -> None:
        if image is None or image.isNull():
            painter.fillRect(place, option.palette.color(QPalette.ColorRole.AlternateBase))
            if image is not None:
                painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
                painter.setFont(self._small)
                painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), "no picture")
            return
        size = image.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        at = QRect(QPoint(0, 0), size)
        at.moveCenter(place.center())
        painter.drawImage(at, image)


def _count_words(part: StackPart) -> str:
    """How many images are in a stack, and which way it goes."""
    way = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}" if part.is_open else "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
    return f"{part.size} {way}"


def draw_badge(painter: QPainter, at: QPoint, kind: str, text: str, font: QFont) -> None:
    """Words on the colour of their kind."""
    metrics = QFontMetrics(font)
    place = QRect(at, QSize(metrics.horizontalAdvance(text) + 10, metrics.height() + 3))
    background, foreground = BADGES.get(kind, BADGES["unsure"])
    painter.fillRect(place, background)
    painter.setPen(foreground)
    painter.setFont(font)
    painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)
