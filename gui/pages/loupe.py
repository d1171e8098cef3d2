"""The picture on the whole screen: the rest of the window is out of sight until one leaves."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QMainWindow, QWidget

from ..widgets.preview.preview_view import FITTED
from .review_page import ReviewPage

# A small picture is magnified so far by itself.
_FITTED = 5.0
_STEPS = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}


class Loupe(QObject):
    """Of one page; `beside` are widgets around it. Keys decide in it as on the page, and the zoom stays from image to image."""

    def __init__(self, page: ReviewPage, beside: Sequence[QWidget]) -> None:
        super().__init__(page)
        self._page = page
        self._beside = beside
        self._hidden: list[QWidget] = []
        self._sizes: tuple[list[int], list[int]] = ([], [])
        self._was = Qt.WindowState.WindowNoState
        self.is_open = False
        preview = page.look.preview
        preview.double_clicked.connect(self._take_double_click)
        preview.installEventFilter(self)
        page.installEventFilter(self)
        page.grid.doubleClicked.connect(self.enter)
        page.current_changed.connect(self._follow)
        page.look.leave.clicked.connect(self.leave)

    def toggle(self) -> None:
        """Enter it, or leave."""
        if self.is_open:
            self.leave()
        else:
            self.enter()

    def enter(self, *_: object) -> None:
        """Only the picture, what is said of it and the decision, on the whole screen."""
        page, window = self._page, self._page.window()
        if self.is_open or page.current() is None or not page.isVisible():
            return
        bars = (window.menuBar(), window.statusBar()) if isinstance(window, QMainWindow) else ()
        self._sizes = page.splitter.sizes(), page.right.sizes()
        self._hidden = [widget for widget in (*self._beside, *bars, page.left, page.below) if not widget.isHidden()]
        for widget in self._hidden:
            widget.hide()
        self._was = window.windowState()
        window.setWindowState(self._was | Qt.WindowState.WindowFullScreen)
        window.installEventFilter(self)
        page.look.leave.show()
        page.look.preview.fit_limit = _FITTED
        self.is_open = True
        page.look.show_words()
        page.focus_picture()

    def leave(self) -> None:
        """The window is as it was."""
        if not self.is_open:
            return
        self.is_open = False
        page, window = self._page, self._page.window()
        window.removeEventFilter(self)
        window.setWindowState(self._was)
        page.look.leave.hide()
        page.look.preview.fit_limit = FITTED
        for widget in self._hidden:
            widget.show()
        for splitter, sizes in zip((page.splitter, page.right), self._sizes, strict=True):
            splitter.setSizes(sizes)
        page.look.show_words()
        if page.isVisible():
            page.focus_picture()

    def toggle_facts(self) -> None:
        """What the file says of itself; in the loupe, below the picture."""
        page = self._page
        if not self.is_open:
            page.known.toggle_facts()
        elif page.below.isVisible():
            page.below.hide()
            page.focus_picture()
        else:
            page.below.show()
            page.known.show_facts()

    def escape(self) -> bool:
        """One thing less: the comparison or the note, and then the loupe itself. False when there is nothing of it to leave."""
        if not self.is_open:
            return False
        if self._page.comparing.is_on or not self._page.look.preview.hasFocus():
            self._page.escape()
        else:
            self.leave()
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows go on where the picture is not magnified; whatever takes the page away ends the loupe, too."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and watched is self._page.look.preview:
            step = _STEPS.get(Qt.Key(event.key()), 0)
            if step and self._page.look.preview.is_fitted and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
                self._page.step(step)
                return True
        elif self.is_open:
            left = event.type() == QEvent.Type.WindowStateChange and not self._page.window().isFullScreen()
            hidden = event.type() == QEvent.Type.Hide and watched is self._page and not event.spontaneous()
            closed = event.type() == QEvent.Type.Close and watched is self._page.window()
            if left or hidden or closed:
                self.leave()
        return super().eventFilter(watched, event)

    def _take_double_click(self, at: QPointF) -> None:
        if self.is_open:
            self._page.look.preview.zoom_at(at)
        else:
            self.enter()

    def _follow(self, item: object) -> None:
        if item is None:
            self.leave()
