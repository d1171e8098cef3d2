"""Icons out of one set, Lucide (`svg/LICENSE`), drawn in the colour of the text beside them."""

from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QToolButton

from .colours import CHECKED

B = TypeVar("B", bound=QAbstractButton)
# Wider than high: what is left over is the distance to the text.
_BESIDE_TEXT = QSize(20, 16)
FOLDER = Path(__file__).parent / "svg"


def icon(name: str, colour: QColor | None = None) -> QIcon:
    """An icon by its name in the set; in `colour`, or in that of the text, light or dark, whichever is in force."""
    return QIcon(_Engine(name, colour))


def iconed(button: B, name: str) -> B:
    """A button with an icon before its text. A click on it does not take the focus: keys go on meaning images."""
    button.setIcon(icon(name))
    button.setIconSize(_BESIDE_TEXT)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def switch(button: B, name: str) -> B:
    """The same of a button that stays down: its ground says so, in light and dark."""

    def show(checked: bool) -> None:
        made = QPalette()  # nothing of its own: that of the window
        if checked:
            made.setColor(QPalette.ColorRole.Button, CHECKED[0])
            made.setColor(QPalette.ColorRole.ButtonText, CHECKED[1])
        button.setPalette(made)

    button.setCheckable(True)
    button.toggled.connect(show)
    return iconed(button, name)


def closing(button: QToolButton, colour: QColor) -> QToolButton:
    """A button that is nothing but a cross, on a ground that needs its own `colour`."""
    button.setIcon(icon("x", colour))
    button.setAutoRaise(True)
    return button


class _Engine(QIconEngine):
    """Draws when it is asked to, so that a change of theme needs nothing."""

    def __init__(self, name: str, colour: QColor | None) -> None:
        super().__init__()
        self._name = name
        self._colour = colour

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Into a square: in the middle, or at the left where there is text beside it."""
        side = min(rect.width(), rect.height())
        place = QRectF(0, 0, side, side)
        place.moveCenter(QRectF(rect).center())
        if rect.width() > rect.height():
            place.moveLeft(rect.left())
        _renderer(self._name, self._ink(mode, state).name()).render(painter, place)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """The same on nothing."""
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made

    def clone(self) -> QIconEngine:
        """Another one like it."""
        return _Engine(self._name, self._colour)

    def _ink(self, mode: QIcon.Mode, state: QIcon.State) -> QColor:
        palette = QGuiApplication.palette()
        if mode == QIcon.Mode.Disabled:
            return palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText)
        if mode == QIcon.Mode.Selected:
            return palette.color(QPalette.ColorRole.HighlightedText)
        if state == QIcon.State.On:
            return CHECKED[1]
        return self._colour or palette.color(QPalette.ColorRole.ButtonText)


@lru_cache(maxsize=256)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    drawing = (FOLDER / f"{name}.svg").read_text("utf-8").replace("currentColor", colour)
    return QSvgRenderer(QByteArray(drawing.encode()))
