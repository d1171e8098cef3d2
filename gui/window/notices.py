"""The tray icon and its notifications, at most one a minute."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from ..texts.counts import counted
from ..texts.outside import tip

SECONDS_BETWEEN = 60.0


class NoticeLimit:
    """Counts newly flagged images, and says how many to tell of when it is time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: int | None = None
        self._untold = 0
        self._told_at = float("-inf")

    def count(self, to_review: int, *, looking: bool) -> int:
        """How many to tell of now; 0 for none. No news is what was decided meanwhile, and what one sees while `looking`."""
        if looking:
            self._known, self._untold = to_review, 0
            return 0
        if self._known is not None:
            self._untold += max(0, to_review - self._known)
        self._known = to_review
        if not self._untold or self._clock() - self._told_at < SECONDS_BETWEEN:
            return 0
        told, self._untold = self._untold, 0
        self._told_at = self._clock()
        return told


class Tray(QObject):
    """An icon where the desktop has a place for it; `make_tray` returns None elsewhere."""

    show_wanted = Signal()
    toggle_wanted = Signal()
    quit_wanted = Signal()

    def __init__(self, icon: QIcon, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icon = QSystemTrayIcon(icon, self)
        self._menu = QMenu()
        self._menu.addAction("Show the queue", self.show_wanted.emit)
        self._toggle = self._menu.addAction("Pause watching", self.toggle_wanted.emit)
        self._menu.addSeparator()
        self._menu.addAction("Quit", self.quit_wanted.emit)
        self._icon.setContextMenu(self._menu)
        self._icon.activated.connect(self._activated)
        self._icon.messageClicked.connect(self.show_wanted)
        self._icon.show()

    def show_state(self, text: str, *, running: bool, paused: bool) -> None:
        """What the icon says, and what its menu offers."""
        self._icon.setToolTip(tip(text))
        self._toggle.setText("Go on watching" if paused else "Pause watching")
        self._toggle.setVisible(running or paused)

    def notify(self, count: int) -> None:
        """Tell of newly flagged images."""
        self._icon.showMessage("dfscan", counted(count, "newly flagged image"))

    def close(self) -> None:
        """Take the icon away."""
        self._icon.hide()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason == QSystemTrayIcon.ActivationReason.Trigger:
            self.show_wanted.emit()


def make_tray(
    icon: QIcon, show: Callable[[], None], toggle: Callable[[], None], leave: Callable[[], None], parent: QObject
) -> Tray | None:
    """The tray icon, where there is a tray; its menu shows the window, pauses or goes on watching, and ends the program."""
    if not QSystemTrayIcon.isSystemTrayAvailable():
        return None
    tray = Tray(icon, parent)
    tray.show_wanted.connect(show)
    tray.toggle_wanted.connect(toggle)
    tray.quit_wanted.connect(leave)
    return tray
