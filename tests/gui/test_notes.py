"""Notes belong to an image, and can be stored alone."""

from collections.abc import Callable

from archives import Archive, Opened
from PySide6.QtCore import Qt
from test_deciding import stored

Open = Callable[..., Opened]


def write(opened: Opened, text: str, then: Qt.Key) -> None:
    """Write a note, and leave the field with a key."""
    opened.press("n")
    note = opened.page.deciding.note
    opened.until(note.hasFocus)
    opened.bot.keyClicks(note, text)
    opened.bot.keyClick(note, then)
    opened.until(opened.page.grid.hasFocus)


def test_a_note_that_is_not_stored_stays_with_its_image(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    write(opened, "seam at the ear", Qt.Key.Key_Escape)
    opened.press("j")
    assert opened.page.deciding.note.text() == ""
    opened.press("f")
    opened.shows("a", "c", "d")
    assert stored(five) == [("b", "fake", None)]
    opened.press("kk")
    assert opened.page.deciding.note.text() == "seam at the ear"
    opened.press("r")
    opened.shows("c", "d")
    assert stored(five)[-1] == ("a", "real", "seam at the ear")


def test_a_note_is_stored_alone_and_stays_when_one_decides(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    write(opened, "seam", Qt.Key.Key_Return)
    opened.until(lambda: opened.page.deciding.notice.words.text() == "a.png: note stored")
    assert stored(five) == [("a", "withdrawn", "seam")]
    opened.shows("a", "b", "c", "d")
    opened.press("jk")
    opened.until(lambda: opened.page.deciding.note.text() == "seam")
    opened.until(lambda: "note by" in opened.page.details.toPlainText())
    opened.press("f")
    opened.shows("b", "c", "d")
    assert stored(five)[-1] == ("a", "fake", "seam")
    opened.press("zz")
    opened.until(lambda: stored(five)[2:] == [("a", "withdrawn", "seam"), ("a", "withdrawn", None)])
    opened.until(lambda: opened.page.deciding.note.text() == "")


def test_a_note_is_taken_away_by_emptying_it(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    write(opened, "wrong", Qt.Key.Key_Return)
    opened.until(lambda: len(stored(five)) == 1)
    opened.press("f")
    opened.shows("b", "c", "d")
    assert opened.window.view is not None
    opened.window.view.show_tab(1)
    opened.shows("a")
    opened.until(lambda: opened.page.deciding.note.text() == "wrong")
    opened.press("n")
    opened.page.deciding.note.selectAll()
    opened.bot.keyClick(opened.page.deciding.note, Qt.Key.Key_Delete)
    opened.bot.keyClick(opened.page.deciding.note, Qt.Key.Key_Return)
    opened.until(lambda: stored(five)[-1] == ("a", "fake", None))


def test_what_was_done_last_is_stored_when_the_window_closes(five: Archive, open_window: Open) -> None:
    """Decisions that wait for the database, and a note that was written and not stored."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    write(opened, "look again", Qt.Key.Key_Escape)
    opened.press("jfff")
    opened.window.close()
    assert sorted(stored(five)) == [("a", "withdrawn", "look again"), *((name, "fake", None) for name in "bcd")]
