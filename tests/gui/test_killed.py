"""A killed window loses no decision that it showed as made."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from archives import Archive, Opened
from sqlalchemy import func, select

from scanner.database.models import Review

# Decides on one image after the other, and prints a line whenever the window says that a decision is stored.
DECIDING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from gui.window.main_window import MainWindow
from scanner.base.settings import Settings

app = QApplication([])
window = MainWindow(Settings(data_dir=Path(sys.argv[1])), lambda: datetime.now(UTC))
window.show()
window.open()
listening = False

def press():
    global listening
    if window.presenter and window.presenter.model.rowCount():
        if not listening:
            window.presenter.acts.told.connect(lambda told: print(told.words, flush=True))
            listening = True
        QTest.keyClick(window.view.review.grid, "f")

timer = QTimer()
timer.timeout.connect(press)
timer.start(5)
app.exec()
"""


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_killed_window_loses_no_decision(archive: Archive, open_window: Callable[..., Opened], after: int) -> None:
    archive.add_many(120)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", DECIDING, str(archive.data_dir)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        shown = [process.stdout.readline() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        shown += process.stdout.read().splitlines()
    assert all(line.strip().endswith(".png: fake") for line in shown)
    with archive.database.read() as session:
        stored = session.scalar(select(func.count()).select_from(Review)) or 0
    assert stored >= len(shown) >= after
    opened = open_window()
    opened.until(lambda: opened.tabs[:2] == [f"To review  {120 - stored}", f"Fake  {stored}"])
