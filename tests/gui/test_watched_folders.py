"""Folders: the first one, and what each says of how it is watched."""

from collections.abc import Callable
from pathlib import Path

from archives import START, Archive, Opened
from PySide6.QtCore import Qt
from test_files import answer_question
from test_focus import press_where_the_focus_is

from scanner.roots.ledger import EVENTS, POLLED, add_to_counts, check_presence, mark_swept, note_mode
from scanner.roots.roots import add_roots, known_roots

Open = Callable[..., Opened]


def test_a_new_database_asks_for_a_folder_and_watches_it(
    tmp_path: Path, open_window: Open, archive: Archive, make_picture
) -> None:
    folder = tmp_path / "new pictures"
    folder.mkdir()
    make_picture(folder / "one.jpg")
    opened = open_window()
    assert opened.window._pages.currentWidget() is opened.window.first_start
    words = opened.window.first_start.words
    assert words.height() >= words.heightForWidth(words.width())  # none is cut
    opened.window.first_start.folder_chosen.emit(str(folder))
    assert opened.window._pages.currentWidget() is opened.window.view
    page = opened.page
    assert not page.deciding.note.isEnabled()  # there is no image yet
    assert page.deciding.note.placeholderText() == "Note (N)"
    opened.until(lambda: page.stack.currentWidget() is page.empty)
    press_where_the_focus_is(opened, Qt.Key.Key_F)
    assert page.filters.search.text() == ""  # keys mean images that are still to come
    opened.until(lambda: [root.path for root in known_roots(archive.database)] == [str(folder)])
    opened.until(lambda: opened.window.service.is_running)
    assert opened.window.view is not None
    running = opened.window.view.running
    opened.until(lambda: running.folders.count() == 1)
    assert running.stop.isEnabled()
    opened.window.service.pause(0)
    opened.until(lambda: not opened.window.service.is_running)
    assert "Paused" in running.state.text()
    running.folders.setCurrentRow(0)
    asked: list[str] = []
    answer_question("Cancel", asked)
    running.remove.click()
    assert asked[0].startswith(f"Watch {folder} no more?")
    assert len(known_roots(archive.database)) == 1
    answer_question("Watch no more", asked)
    running.remove.click()
    opened.until(lambda: known_roots(archive.database) == [])
    opened.presenter.acts.undo()
    opened.until(lambda: [root.path for root in known_roots(archive.database)] == [str(folder)])


def test_each_folder_shows_its_ledger(five: Archive, open_window: Open) -> None:
    events, polled, away = add_roots(
        five.database, [str(five.folder / name) for name in _folders(five.folder, "a", "b", "c")], START
    )
    note_mode(five.database, events, EVENTS, None)
    add_to_counts(five.database, events.id, overflows=2, by_events=1200, by_sweep=3)
    mark_swept(five.database, events, 1.0, START)
    note_mode(five.database, polled, POLLED, "it is on a network file system")
    (five.folder / "c").rmdir()
    check_presence(five.database, away, START)
    opened = open_window()
    assert opened.window.view is not None
    folders = opened.window.view.running.folders
    opened.until(lambda: folders.count() == 3)
    first, second, third = (folders.item(row).text() for row in range(3))
    swept = f"last swept {START.astimezone():%Y-%m-%d %H:%M}"
    assert first == f"{events.path}\n    by events; {swept}; 1,200 found by events, 3 only by a sweep, 2 overflows"
    assert "polled (it is on a network file system); never swept to the end; 0 found by events" in second
    assert "Paused, nothing in it is marked: it cannot be read" in third


def _folders(inside: Path, *names: str) -> list[str]:
    for name in names:
        (inside / name).mkdir()
    return list(names)
