"""A key decides on the image in sight, whatever is selected elsewhere and whatever others change meanwhile."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from archives import Archive, Opened
from PySide6.QtCore import Qt
from test_deciding import stored

from scanner.domain.states import Decision
from scanner.review.decisions import decide

Open = Callable[..., Opened]
CTRL = Qt.KeyboardModifier.ControlModifier


def name(opened: Opened) -> str:
    return opened.current().path[-5]


def chosen(opened: Opened) -> list[str]:
    return [item.path[-5] for item in opened.page.selected()]


def someone_decides(archive: Archive, opened: Opened, row: int) -> None:
    item = opened.presenter.model.item(row)
    assert item is not None
    decide(archive.database, [item.content_id], Decision.REAL, note=None, reviewer="ben", now=datetime.now(UTC))


def select(opened: Opened, *rows: int) -> None:
    items = [opened.presenter.model.item(row) for row in rows]
    opened.page.grid.select_files([item.file_id for item in items if item is not None])


def test_a_key_decides_on_what_is_in_sight_not_on_what_is_selected(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    grid, words = opened.page.grid, opened.page.look.summary
    opened.bot.keyClick(grid, Qt.Key.Key_Right, CTRL)
    assert (name(opened), chosen(opened)) == ("b", ["b"])
    assert words.text().startswith("Not selected, and decided on alone: ")
    opened.bot.keyClick(grid, Qt.Key.Key_Space, CTRL)  # selected by keys alone
    assert chosen(opened) == ["a", "b"]
    opened.bot.keyClick(grid, Qt.Key.Key_Space, CTRL)
    assert (name(opened), chosen(opened)) == ("a", ["a"])  # what is let go is no longer in sight
    opened.bot.keyClick(grid, Qt.Key.Key_Right, CTRL)
    opened.press("f")
    opened.shows("a", "c", "d")
    assert stored(five) == [("b", "fake", None)]
    assert name(opened) == "c"


def test_a_click_that_lets_the_image_in_sight_go_shows_another(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    grid = opened.page.grid
    at = grid.visualRect(opened.presenter.model.index(2)).center()
    for expected in (("c", ["a", "c"]), ("a", ["a"])):
        opened.bot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, CTRL, at)
        assert (name(opened), chosen(opened)) == expected
    opened.press("f")
    opened.shows("b", "c", "d")
    assert stored(five) == [("a", "fake", None)]


def test_no_key_decides_on_an_image_that_has_just_come_by_itself(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    clock = [0.0]
    opened.page.in_sight._clock = lambda: clock[0]
    opened.page.grid.go_to(1)
    someone_decides(five, opened, 1)
    opened.shows("a", "c", "d")
    notice = opened.page.deciding.notice
    assert (name(opened), chosen(opened)) == ("c", ["c"])
    assert notice.words.text().startswith("b.png is no longer in this list")
    assert notice.button.isHidden()  # it is not this window's to take back
    opened.press("f")
    assert notice.words.text().startswith("Nothing was decided")
    clock[0] = 1.0
    opened.press("f")
    opened.shows("a", "d")
    assert stored(five) == [("b", "real", None), ("c", "fake", None)]


@pytest.mark.parametrize(("rows", "leaves", "left"), [((1, 3), 1, ("d", ["d"])), ((0, 2), 2, ("a", ["a"]))])
def test_of_several_the_others_stay_selected(
    five: Archive, open_window: Open, rows: tuple[int, int], leaves: int, left: tuple[str, list[str]]
) -> None:
    """Of those selected one leaves: the one in sight, or another one."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    select(opened, *rows)
    someone_decides(five, opened, leaves)
    opened.until(lambda: len(opened.names) == 3)
    assert (name(opened), chosen(opened)) == left


def test_an_image_that_changes_its_place_stays_in_sight(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.page.grid.go_to(1)
    shown: list[object] = []
    opened.page.current_changed.connect(lambda item: shown.append(item.path[-5]))
    five.add("b.png", 0.7, picture=five.folder / "b.png", model="other")
    opened.shows("a", "c", "b", "d")
    assert (name(opened), chosen(opened)) == ("b", ["b"])
    assert set(shown) == {"b"}
    assert not opened.page.deciding.notice.words.text()


def test_what_one_did_oneself_is_no_surprise(five: Archive, open_window: Open) -> None:
    """The last image of the queue, with nothing to go on to: the one before it comes by the person's own doing."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.page.grid.go_to(3)
    opened.press("f")
    opened.shows("a", "b", "c")
    opened.press("r")
    opened.shows("a", "b")
    assert stored(five) == [("d", "fake", None), ("c", "real", None)]


def test_one_stays_where_one_is_when_the_queue_is_read_anew(archive: Archive, open_window: Open) -> None:
    """Far behind the first page: after F5, and when the database is there again."""
    archive.add_many(340)
    opened = open_window()
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_End)
    opened.until(lambda: len(opened.names) == 340)
    opened.page.grid.go_to(330)
    path = opened.current().path
    for read_anew in (opened.window.actions_of.by_name["refresh"].trigger, opened.presenter.questions.trouble_ended.emit):
        with opened.bot.waitSignal(opened.presenter.queue_started):
            read_anew()
        assert opened.current().path == path
        assert len(opened.names) == 340


def test_what_is_typed_on_an_image_that_leaves_goes_to_no_other_one(five: Archive, open_window: Open) -> None:
    """Neither as its note nor as keys."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.page.grid.go_to(1)
    written_on = opened.current().content_id
    opened.press("n")
    note = opened.page.deciding.note
    opened.until(note.hasFocus)
    opened.bot.keyClicks(note, "seam at")
    someone_decides(five, opened, 1)
    opened.shows("a", "c", "d")
    opened.page.in_sight._clock = lambda: float("inf")
    opened.bot.keyClicks(note, " the rear")
    assert note.text() == ""
    assert note.placeholderText() == "Its image has left the list; Enter or Esc goes on"
    opened.bot.keyClick(note, Qt.Key.Key_Return)
    opened.until(opened.page.grid.hasFocus)
    assert note.placeholderText() == "Note (N)"
    assert note.drafts == {frozenset({written_on}): "seam at"}  # it is where the image is now
    opened.press("n")
    opened.bot.keyClicks(note, "clean")
    opened.bot.keyClick(note, Qt.Key.Key_Escape)
    opened.press("f")
    opened.shows("a", "d")
    assert stored(five) == [("b", "real", None), ("c", "fake", "clean")]
