"""Deciding, undoing, several at once, notes: the keys of a person, and what then is in the database."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from archives import Archive, Opened
from PySide6.QtCore import QItemSelectionModel, Qt
from sqlalchemy import select, text

from scanner.database.models import File, Review
from scanner.domain.states import Decision
from scanner.review.decisions import decide

Open = Callable[..., Opened]


def stored(archive: Archive) -> list[tuple[str, str, str | None]]:
    """Name, decision and note of every review, in their order."""
    with archive.database.read() as session:
        rows = session.execute(
            select(File.path, Review.decision, Review.note).join(File, File.content_id == Review.content_id).order_by(Review.id)
        )
        return [(path.rpartition("/")[2][:-4], decision, note) for path, decision, note in rows]


def test_the_most_certain_unreviewed_come_first(five: Archive, open_window: Open) -> None:
    five.fail("x.png", "empty: the file has 0 bytes")
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.until(lambda: opened.tabs == ["To review  4", "Fake  0", "Real  0", "Unsure  0", "Problems  1"])
    assert opened.current().path.endswith("a.png")
    assert opened.page.look.summary.text() == "\N{BLACK UP-POINTING TRIANGLE} fake 0.99   a.png"


def test_keys_decide_and_go_on(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("fru")
    opened.shows("d")
    assert stored(five) == [("a", "fake", None), ("b", "real", None), ("c", "unsure", None)]
    assert opened.current().path.endswith("d.png")
    opened.until(lambda: opened.tabs[:4] == ["To review  1", "Fake  1", "Real  1", "Unsure  1"])
    opened.bot.keyClick(opened.page.grid, "2", Qt.KeyboardModifier.AltModifier)
    opened.shows("a")
    opened.press("u")  # a change of mind
    opened.shows()
    assert stored(five)[-1] == ("a", "unsure", None)
    assert "No decisions of this kind yet" in opened.page.empty.text()


def test_one_key_too_many_changes_no_decision(archive: Archive, open_window: Open) -> None:
    """Behind the last image there is none to go on to: the next key does not mean the one that is just being stored."""
    for name, score in (("a", 0.99), ("b", 0.9)):
        archive.add(f"{name}.png", score)
    opened = open_window()
    opened.shows("a", "b")
    opened.press("frf")
    assert opened.page.deciding.notice.words.text().startswith("Nothing was decided")
    opened.shows()
    assert stored(archive) == [("a", "fake", None), ("b", "real", None)]


def test_undo_and_redo_to_the_beginning_and_back(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("fr")
    opened.shows("c", "d")
    opened.press("zz")
    opened.shows("a", "b", "c", "d")
    assert stored(five) == [("a", "fake", None), ("b", "real", None), ("b", "withdrawn", None), ("a", "withdrawn", None)]
    opened.press("ZZ")
    opened.shows("c", "d")
    assert stored(five)[4:] == [("a", "fake", None), ("b", "real", None)]
    opened.press("z")
    opened.shows("b", "c", "d")


def test_undo_pressed_at_once(five: Archive, open_window: Open) -> None:
    """An undo pressed at once means the decision just made."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("fz")
    opened.until(lambda: len(stored(five)) == 2)
    assert stored(five) == [("a", "fake", None), ("a", "withdrawn", None)]
    opened.shows("a", "b", "c", "d")


def test_several_at_once_with_a_note(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    grid = opened.page.grid
    for _ in range(2):
        opened.bot.keyClick(grid, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    opened.press("n")
    note = opened.page.deciding.note
    opened.until(note.hasFocus)
    assert note.placeholderText() == "Note for these 3 images (N)"
    opened.bot.keyClicks(note, "from one film")
    opened.bot.keyClick(note, Qt.Key.Key_Escape)
    opened.press("f")
    opened.shows("d")
    assert sorted(stored(five)) == [(name, "fake", "from one film") for name in "abc"]
    assert note.text() == ""
    opened.press("z")
    opened.shows("a", "b", "c", "d")


def test_typing_in_the_search_decides_nothing(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    search = opened.page.filters.search
    search.setFocus()
    opened.bot.keyClicks(search, "fruz")
    opened.shows()
    assert stored(five) == []
    opened.until(lambda: opened.page.empty.text() == "Nothing here matches: name: fruz.")


def test_two_windows_on_one_database_agree(five: Archive, open_window: Open) -> None:
    one, two = open_window(), open_window()
    one.shows("a", "b", "c", "d")
    two.shows("a", "b", "c", "d")
    one.press("f")
    two.shows("b", "c", "d")
    two.until(lambda: two.tabs[1] == "Fake  1")
    one.press("z")
    two.shows("a", "b", "c", "d")


def test_what_someone_else_decided_since_is_not_undone(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    content = opened.current().content_id
    opened.press("f")
    opened.shows("b", "c", "d")
    decide(five.database, [content], Decision.REAL, note=None, reviewer="ben", now=datetime.now(UTC))
    opened.press("z")
    opened.until(opened.window.banner.isVisible)
    assert "someone has decided on it since" in opened.window.banner.text()
    assert stored(five)[-1] == ("a", "real", None)
    assert opened.presenter.doing.undo_stack.canUndo()  # the stack is as it was


def test_unstored_decision_is_not_shown(five: Archive, open_window: Open) -> None:
    """A decision that cannot be stored is not shown as made."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    with five.database.write() as session:
        session.execute(text("ALTER TABLE reviews RENAME TO away"))
    opened.press("fz")  # the undo means the decision that is not stored, and nothing before it
    opened.until(lambda: "Not stored" in opened.window.banner.text())
    assert opened.names == ["a", "b", "c", "d"]
    assert not opened.presenter.doing.undo_stack.canUndo()
    with five.database.write() as session:
        session.execute(text("ALTER TABLE away RENAME TO reviews"))
    opened.page.grid.go_to(0)
    opened.press("f")
    opened.shows("b", "c", "d")
    opened.until(lambda: not opened.window.banner.isVisible())


def test_new_verdicts_appear(five: Archive, open_window: Open) -> None:
    """New verdicts appear in their place and the current image stays."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.page.grid.go_to(2)
    five.add("between.png", 0.85)
    five.add("first.png", 0.999)
    five.add("real.png", 0.2)
    opened.shows("first", "a", "b", "between", "c", "d")
    assert opened.current().path.endswith("c.png")
    opened.until(lambda: opened.tabs[0] == "To review  6")


def test_copies_leave_together(five: Archive, open_window: Open) -> None:
    """Copies leave together and are named in the details."""
    five.add("copy.png", 0.99, picture=five.folder / "a.png")
    opened = open_window()
    opened.until(lambda: len(opened.names) == 5)
    opened.until(lambda: "The same content is also at" in opened.page.details.toPlainText())
    opened.page.grid.selectionModel().select(opened.presenter.model.index(0), QItemSelectionModel.SelectionFlag.Select)
    opened.press("f")
    opened.shows("b", "c", "d")


@pytest.mark.parametrize("size", [700])
def test_paging_to_the_end(archive: Archive, open_window: Open, size: int) -> None:
    archive.add_many(size)
    opened = open_window()
    assert 0 < len(opened.names) < size
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_End)
    opened.until(lambda: len(opened.names) == size)
    assert opened.presenter.model.is_complete
    assert len(set(opened.names)) == size
