"""The queue never looks empty when it is not: what waits, what hides the rest, and where else it is."""

from collections.abc import Callable
from dataclasses import replace

from archives import START, Archive, Opened
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from gui.tasks.progress import Progress
from gui.texts.status_line import waiting_words
from scanner.discovery.intake import take_in
from scanner.discovery.walk import Found
from scanner.jobs.lock import WATCH, acquire, this_process
from scanner.ops.status import Status, current_status
from scanner.roots.roots import WatchedRoot, add_roots

Open = Callable[..., Opened]


def add_waiting(archive: Archive, count: int) -> None:
    """Images that no one has scanned yet."""
    found = []
    for number in range(count):
        path = archive.folder / f"waits-{number}.png"
        path.write_bytes(b"x")
        found.append(Found(str(path), 1, number))
    take_in(archive.database, found, root_id=None, now=START)


def test_what_waits_is_said_and_can_be_started(archive: Archive, open_window: Open) -> None:
    add_roots(archive.database, [str(archive.folder)], START)
    add_waiting(archive, 3)
    opened = open_window()
    assert opened.window.view is not None
    waiting = opened.window.view.waiting
    opened.until(waiting.isVisible)
    assert waiting.words.text() == "3 images wait to be scanned, and nothing scans now"
    opened.until(lambda: "3 images wait to be scanned" in opened.page.empty.text())
    assert "Nothing waits for you" not in opened.page.empty.text()
    opened.until(opened.window.view.running.start.isEnabled)
    waiting.button.click()
    opened.until(lambda: opened.window.service.is_running)
    opened.until(lambda: waiting.words.text().startswith("Scanning: 0 of 3 done"))
    assert not waiting.button.isVisible()
    opened.until(lambda: "Scanning" in opened.page.empty.text())
    asked: list[str] = []

    def answer(button: str) -> None:
        box = QApplication.activeModalWidget()
        if not isinstance(box, QMessageBox):
            QTimer.singleShot(50, lambda: answer(button))
            return
        asked.append(box.text())
        next(one for one in box.buttons() if one.text() == button).click()

    QTimer.singleShot(50, lambda: answer("Cancel"))
    opened.window.close()
    assert "still to be scanned. Close all the same?" in asked[0]
    assert opened.window.isVisible()
    opened.window.service.stop()
    opened.until(lambda: not opened.window.service.is_running)


def test_the_words_for_each_state(archive: Archive) -> None:
    add_waiting(archive, 1)
    standing = current_status(archive.database, START)

    def words(standing: Status, pending: int, *, running: bool = False, paused: bool = False) -> str:
        return waiting_words(standing, Progress(pending, 40, 2.0, pending / 2.0), running=running, paused=paused)

    assert words(standing, 0, running=True) == ""
    new = replace(standing, roots=(WatchedRoot(1, "/photos", None),))
    assert words(new, 0, running=True) == "Looking through new folders for images\N{HORIZONTAL ELLIPSIS}"
    assert words(new, 0) == ""
    unplugged = replace(standing, roots=(WatchedRoot(1, "/photos", None, paused_reason="it cannot be read"),))
    assert words(unplugged, 0, running=True) == ""
    assert words(standing, 1) == "1 image waits to be scanned, and nothing scans now"
    assert words(standing, 1000, paused=True) == "Paused: 1,000 images wait to be scanned"
    assert words(standing, 300, running=True) == "Scanning: 40 of 340 done, 2 min 30 s left"


def test_what_hides_the_rest_is_said(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("f")
    opened.shows("b", "c", "d")
    filters, empty = opened.page.filters, opened.page.empty
    assert not filters.chips.isVisible()
    filters.search.setText("a.png")
    opened.shows()
    opened.until(lambda: empty.text() == "Nothing here matches: name: a.png.")
    assert filters.chips.filters == (("search", "name: a.png"),)
    assert filters.chips.isVisible()
    opened.until(empty.elsewhere.isVisible)
    assert "Fake: 1" in empty.elsewhere.text()
    empty.elsewhere.linkActivated.emit("fake")
    opened.shows("a")
    filters.chips.linkActivated.emit("lift:search")
    opened.until(lambda: not filters.chips.isVisible())
    assert opened.window.view is not None
    opened.window.view.show_tab(0)
    opened.shows("b", "c", "d")


def test_each_filter_can_be_lifted_alone(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    filters = opened.page.filters
    filters.score_from.setValue(0.95)
    filters.label.setCurrentIndex(filters.label.findText("Only uncertain"))
    opened.shows()
    assert [name for name, _ in filters.chips.filters] == ["label", "score"]
    filters.chips.linkActivated.emit("lift:label")
    opened.shows("a")
    opened.bot.mouseClick(opened.page.grid.viewport(), Qt.MouseButton.LeftButton)
    filters.label.setCurrentIndex(filters.label.findText("Only uncertain"))
    opened.shows()
    opened.page.empty.clear.click()
    opened.shows("a", "b", "c", "d")
    assert filters.chips.filters == ()


def test_scanning_goes_on_as_it_was_left(archive: Archive, open_window: Open) -> None:
    """On when the window was closed: it goes on. Stopped by the person: it offers to start."""
    add_roots(archive.database, [str(archive.folder)], START)
    add_waiting(archive, 2)
    opened = open_window()
    assert opened.window.view is not None
    opened.until(opened.window.view.running.start.isEnabled)
    opened.window.view.waiting.button.click()
    opened.until(lambda: opened.window.service.is_running)
    opened.window.end()  # with the session
    again = open_window()
    again.until(lambda: again.window.service.is_running)
    assert "as it was on when the window was closed" in again.window.statusBar().currentMessage()
    again.window.service.stop()
    again.until(lambda: not again.window.service.is_running)
    again.window.close()
    third = open_window()
    assert third.window.view is not None
    third.until(third.window.view.waiting.button.isVisible)
    assert not third.window.service.is_running


def test_nothing_is_started_beside_another_service(archive: Archive, open_window: Open) -> None:
    add_roots(archive.database, [str(archive.folder)], START)
    add_waiting(archive, 2)
    opened = open_window()
    opened.window.store.keep_number("scanning", 1)
    opened.window.close()
    acquire(archive.database, WATCH, this_process(), archive.database.now())
    again = open_window()
    assert again.window.view is not None
    again.until(again.window.view.waiting.isVisible)
    assert not again.window.service.is_running
    assert not again.window.view.waiting.button.isVisible()
