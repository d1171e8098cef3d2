"""The composition root of the window."""

import signal
from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from scanner.base.settings import Settings

from .window.main_window import MainWindow
from .window.preferences import follow_desktop


def run(settings: Settings, now: Callable[[], datetime], current: Callable[[], Settings]) -> int:
    """Show the window until it is closed; returns the exit status. `current` gives the settings as they are now."""
    app = QApplication(["dfscan"])
    app.setApplicationName("dfscan")
    app.setDesktopFileName("dfscan")
    app.setStyle("Fusion")  # the one style that follows light and dark everywhere
    follow_desktop()
    window = MainWindow(settings, now, current=current)
    app.setQuitOnLastWindowClosed(window.tray is None)
    # Python sees a signal only between its own steps, and Qt's loop has none.
    signal.signal(signal.SIGINT, lambda *_: window.end())
    signal.signal(signal.SIGTERM, lambda *_: window.end())
    ticking = QTimer()
    ticking.start(500)
    ticking.timeout.connect(lambda: None)
    window.show()
    window.open()
    return app.exec()
