"""How one image looks in the grid: thumbnail, label as sign, word and colour, score, name."""

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ...models.queue_model import QueueModel
from ...models.stacks import StackPart
from ...style.colours import BADGES
from ...texts.verdict_texts import ORIGIN, item_line, label_shape
from .drawn_once import DrawnOnce

CELL = QSize(184, 212)
_EDGE = 3  # around a cell
_MARGIN = 6  # between its edge and what is in it
_ROUNDING = 5


class ImageDelegate(QStyledItemDelegate):
    """Draws without making anything: it is called for each cell on each scroll."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._small = QFont()
        self._small.setPointSizeF(self._small.pointSizeF() * 0.85)
        bold = QFont(self._small)
        bold.setBold(True)
        self._drawn = DrawnOnce(self._small, bold)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Every cell is alike."""
        return CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """One cell."""
        model = index.model()
        shown = model.cell(index.row()) if isinstance(model, QueueModel) else None
        if shown is None:
            return
        item, part = shown.item, shown.part
        cell = option.rect.adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        self._draw_ground(painter, option, cell, selected=selected)
        inner = cell.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        line, ratio = self._drawn.line, painter.device().devicePixelRatioF()
        picture = QRect(inner.topLeft(), QSize(inner.width(), inner.height() - line - 5))
        if shown.is_saving:
            painter.setOpacity(0.4)
        if part is not None:
            self._draw_stack(painter, option, cell, part)
        self._draw_picture(painter, option, picture, shown.picture)
        kind = f"found-{item.label}" if item.label == "real" else item.label
        painter.drawPixmap(picture.topLeft(), self._drawn.badge(kind, item_line(item), ratio))
        if item.says_generated:
            painter.drawPixmap(picture.topLeft() + QPoint(0, line + 6), self._drawn.badge("origin", ORIGIN, ratio))
        if item.decision:
            decided = f"{label_shape(item.decision)} {item.decision} \N{CHECK MARK}".strip()
            badge = self._drawn.badge(item.decision, decided, ratio)
            painter.drawPixmap(QPoint(picture.left(), picture.bottom() - line - 3), badge)
        if part is not None and part.is_head:
            place = self.count_rect(option.rect, part)
            painter.drawPixmap(place.topLeft(), self._drawn.badge("stack", _count_words(part), ratio))
        self.paint_name(painter, option, inner, shown.name, selected=selected)
        if shown.is_saving:
            painter.setOpacity(1.0)

    def paint_name(self, painter: QPainter, option: QStyleOptionViewItem, inner: QRect, name: str, *, selected: bool) -> None:
        """A file's name at the bottom of a cell, with room for what is below letters, as in a_b."""
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        painter.setPen(option.palette.color(role))
        painter.setFont(self._small)
        line = self._drawn.line + 2
        at = QRect(inner.left(), inner.bottom() + 1 - line, inner.width(), line)
        painter.drawText(at, int(Qt.AlignmentFlag.AlignCenter), self._drawn.name(name, inner.width()))

    def count_rect(self, cell: QRect, part: StackPart) -> QRect:
        """Where a stack's count is in a cell; a click on it opens or closes the stack."""
        size = self._drawn.badge_size(_count_words(part))
        name = self._drawn.line + 5
        edge = _EDGE + _MARGIN
        return QRect(QPoint(cell.right() + 1 - edge - size.width(), cell.bottom() + 1 - edge - name - size.height()), size)

    def _draw_ground(self, painter: QPainter, option: QStyleOptionViewItem, cell: QRect, *, selected: bool) -> None:
        """What is selected, and the one of them that is in sight."""
        in_sight = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if not selected and not in_sight:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text) if in_sight else Qt.PenStyle.NoPen)
        painter.setBrush(option.palette.color(QPalette.ColorRole.Highlight) if selected else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(cell.adjusted(0, 0, -1, -1), _ROUNDING, _ROUNDING)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

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
        shown = self._drawn.picture(image, place.size(), painter.device().devicePixelRatioF())
        at = QRect(QPoint(0, 0), shown.deviceIndependentSize().toSize())
        at.moveCenter(place.center())
        painter.drawPixmap(at.topLeft(), shown)


def _count_words(part: StackPart) -> str:
    """How many images are in a stack, and which way it goes."""
    way = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}" if part.is_open else "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}"
    return f"{part.size} {way}"
