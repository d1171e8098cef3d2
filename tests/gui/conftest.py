"""The real window, off screen, on a real database of real pictures that the program's own functions put there."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from archives import Archive, Opened
from pytestqt.qtbot import QtBot

from gui.media.explain_process import COMMAND
from gui.window.main_window import MainWindow
from scanner.base.access.private import private_folder
from scanner.base.settings import Settings
from scanner.database.engine import open_database


@pytest.fixture
def archive(tmp_path: Path, current_sqlite: Callable[[Path], str]) -> Iterator[Archive]:
    """An archive that is still empty."""
    data_dir = private_folder(tmp_path / "data")
    database = open_database(current_sqlite(data_dir / "dfscan.sqlite"))
    (tmp_path / "pictures").mkdir()
    yield Archive(data_dir, tmp_path / "pictures", database)
    database.close()


@pytest.fixture
def five(archive: Archive) -> Archive:
    """a (0.99) to d (0.6) are flagged, e is real."""
    for name, score in (("a", 0.99), ("b", 0.9), ("c", 0.8), ("d", 0.6), ("e", 0.1)):
        archive.add(f"{name}.png", score)
    return archive


@pytest.fixture
def open_window(qtbot: QtBot, archive: Archive) -> Iterator[Callable[..., Opened]]:
    """`open_window()` shows a window on the archive; at the end it is closed, and no thread may be left."""
    before = set(threading.enumerate())
    opened: list[MainWindow] = []

    def call(
        data_dir: Path = archive.data_dir,
        *,
        ready: bool = True,
        url: str = "",
        explain: Sequence[str] = COMMAND,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        settings: Settings | None = None,
    ) -> Opened:
        window = MainWindow(settings or Settings(data_dir=data_dir, database_url=url), now, explain)
        opened.append(window)
        qtbot.addWidget(window)
        window.show()
        window.open()
        found = Opened(window, qtbot)
        if ready:
            found.until(lambda: window.view is not None and found.presenter.is_up_to_date)
        return found

    yield call
    for window in opened:
        window.close()
    # Limited processes, and so their threads, are kept for the next window.
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("limited process")]
    left = [thread for thread in threads if thread not in before and thread.is_alive()]
    assert left == []
