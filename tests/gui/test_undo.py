"""Undo and redo return to what they changed, and keys pressed meanwhile mean that image."""

from collections.abc import Callable

import pytest
from archives import Archive, Opened
from PySide6.QtCore import Qt
from sqlalchemy import func, select
from test_deciding import stored

from gui.tasks.turns import Turns
from scanner.database.models import File, Review
from scanner.domain.states import Decision

Open = Callable[..., Opened]


def counting(archive: Archive) -> dict[str, str]:
    """The decision that counts now on each image that has one, by its name."""
    latest = select(func.max(Review.id)).group_by(Review.content_id)
    query = select(File.path, Review.decision).join(Review, File.content_id == Review.content_id)
    with archive.database.read() as session:
        rows = session.execute(query.where(Review.id.in_(latest)))
        return {path.rpartition("/")[2][:-4]: decision for path, decision in rows if decision != Decision.WITHDRAWN}


def said(opened: Opened) -> str:
    return opened.page.deciding.notice.words.text()


@pytest.mark.parametrize(("start", "name"), [("", "a"), ("jj", "c"), ("jjj", "d")])
def test_after_an_undo_the_next_key_means_the_image_that_came_back(
    five: Archive, open_window: Open, start: str, name: str
) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press(start)
    assert opened.current().path.endswith(f"{name}.png")
    opened.press("fzr")
    opened.until(lambda: len(stored(five)) == 3)
    assert stored(five) == [(name, "fake", None), (name, "withdrawn", None), (name, "real", None)]


def test_the_last_image_of_the_queue_comes_back(archive: Archive, open_window: Open) -> None:
    """The queue is empty while the undo is on its way."""
    archive.add("only.png", 0.9)
    opened = open_window()
    opened.shows("only")
    opened.press("fzu")
    opened.until(lambda: len(stored(archive)) == 3)
    assert stored(archive)[-1] == ("only", "unsure", None)


def test_undo_selects_and_names_what_it_changed(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("j")
    opened.press("f")
    opened.until(lambda: said(opened) == "b.png: fake")
    assert opened.page.deciding.notice.button.text() == "Undo (Z)"
    opened.shows("a", "c", "d")
    assert opened.current().path.endswith("c.png")
    opened.page.deciding.notice.button.click()
    opened.until(lambda: said(opened) == "b.png: fake undone")
    opened.until(lambda: opened.current().path.endswith("b.png"))
    opened.page.deciding.notice.button.click()  # now it is redo
    opened.until(lambda: said(opened) == "b.png: fake")
    opened.shows("a", "c", "d")


def test_undo_of_several_selects_them_all(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("j")
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    opened.until(lambda: opened.page.deciding.buttons[Decision.FAKE].text().endswith("Fake \N{MULTIPLICATION SIGN}2 (F)"))
    assert opened.page.look.summary.text().startswith("2 images selected")
    opened.press("fz")
    opened.until(lambda: said(opened) == "2 images: fake undone")
    opened.until(lambda: [item.path[-5] for item in opened.page.selected()] == ["b", "c"])


def test_undo_goes_to_the_tab_in_which_the_image_is(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("jf")
    opened.shows("a", "c", "d")
    assert opened.window.view is not None
    opened.window.view.show_tab(2)
    opened.shows()
    opened.press("z")
    opened.shows("a", "b", "c", "d")
    assert opened.window.view.tabs.currentIndex() == 0
    opened.until(lambda: opened.current().path.endswith("b.png"))


def test_an_undo_that_is_refused_lets_no_key_decide(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("z")
    opened.until(lambda: "nothing more to undo" in opened.window.statusBar().currentMessage())
    opened.press("f")
    opened.shows("b", "c", "d")
    assert stored(five) == [("a", "fake", None)]


def test_two_changes_of_mind_are_undone_one_after_the_other(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("f")
    opened.shows("b", "c", "d")
    opened.bot.keyClick(opened.page.grid, "2", Qt.KeyboardModifier.AltModifier)
    opened.shows("a")
    opened.press("r")
    opened.shows()
    opened.press("zz")
    opened.until(lambda: len(stored(five)) == 4)
    assert stored(five)[2:] == [("a", "fake", None), ("a", "withdrawn", None)]


def test_fifty_decisions_and_fifty_undos_at_ten_keys_a_second(archive: Archive, open_window: Open) -> None:
    archive.add_many(52)
    opened = open_window()
    opened.until(lambda: len(opened.names) == 52)
    start = list(opened.names)
    keys = "".join("fru"[number % 3] for number in range(50))
    for key in keys:
        opened.press(key)
        opened.bot.wait(100)
    opened.until(lambda: opened.names == start[50:])
    wanted = {name: {"f": "fake", "r": "real", "u": "unsure"}[key] for name, key in zip(start, keys, strict=False)}
    assert counting(archive) == wanted
    for name in reversed(start[:50]):
        opened.press("z")
        opened.until(lambda name=name: opened.page.current() is not None and opened.current().path.endswith(f"{name}.png"))
        del wanted[name]
        assert counting(archive) == wanted
    assert opened.names == start


@pytest.mark.parametrize("keys", ["zf", "zz"])
def test_a_key_after_an_undo_that_the_filters_hide_decides_on_nothing_else(five: Archive, open_window: Open, keys: str) -> None:
    """What came back is not in sight, and was meant; a second undo means the decision before it, wherever that is."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("ru")
    opened.shows("c", "d")
    opened.page.filters.search.setText("c.png")
    opened.shows("c")
    opened.press(keys)
    undone = "a.png: real undone" if keys == "zz" else "b.png: unsure undone"
    opened.until(lambda: opened.page.deciding.notice.words.text() == f"{undone} (the filters hide it)")
    assert opened.presenter.acts.turns.is_held is False
    opened.page.filters.clear()
    opened.until(lambda: "c" in opened.names and "d" in opened.names)
    assert not [told for told in stored(five) if told[0] == "c"]


def test_what_waits_for_an_undo_comes_in_its_order() -> None:
    turns, done = Turns(), []
    turns.take(lambda: done.append("first"))
    turns.hold()
    turns.take(lambda: done.append("second"))
    turns.take(turns.hold)
    turns.take(lambda: done.append("third"))
    assert done == ["first"]
    turns.release()
    assert done == ["first", "second"]
    turns.drop()
    turns.release()
    assert done == ["first", "second"]
    turns.hold()
    turns.take(lambda: done.append("on the image"))
    turns.take(lambda: done.append("wherever"), on_image=False)
    turns.release(in_sight=False)
    assert done == ["first", "second", "wherever"]
