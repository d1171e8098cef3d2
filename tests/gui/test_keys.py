"""Keys can be changed: no key does two things, what is changed is kept, and help and buttons name the keys in force."""

from collections.abc import Callable

import pytest
from archives import Archive, Opened
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QTextBrowser
from test_deciding import stored

from gui.window.actions import all_keys
from gui.window.dialogs.help_dialogs import show_guide
from gui.window.dialogs.keys_dialog import KeysDialog
from gui.window.key_bindings import Key, bound_keys
from scanner.domain.states import Decision

Open = Callable[..., Opened]


def keys_dialog(opened: Opened) -> KeysDialog:
    opened.window.actions_of.by_name["keys"].trigger()
    [dialog] = opened.window.findChildren(KeysDialog)
    return dialog


def choose(dialog: KeysDialog, name: str, sequence: str) -> None:
    row = [key.name for key in all_keys()].index(name)
    dialog.tree.setCurrentIndex(dialog.tree.model().index(row, 0))
    dialog.edit.setKeySequence(QKeySequence(sequence))
    dialog.use.click()


def shown_key(dialog: KeysDialog, name: str) -> str:
    item = dialog.tree.topLevelItem([key.name for key in all_keys()].index(name))
    assert item is not None
    return item.text(0)


def test_a_changed_key_works_at_once_and_is_kept(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    dialog = keys_dialog(opened)
    choose(dialog, "fake", "Y")
    assert shown_key(dialog, "fake") == "Y"
    dialog.close()
    opened.press("f")  # means nothing now
    opened.press("y")
    opened.shows("b", "c", "d")
    assert stored(five) == [("a", "fake", None)]
    assert opened.page.deciding.buttons[Decision.FAKE].text().endswith("Fake (Y)")
    opened.window.close()
    again = open_window()
    again.shows("b", "c", "d")
    again.press("y")
    again.shows("c", "d")
    assert shown_key(keys_dialog(again), "fake") == "Y"
    show_guide(again.window, again.window.actions_of.keys)
    [guide] = [shown for shown in again.window.findChildren(QTextBrowser) if "Nothing is ever" in shown.toPlainText()]
    assert "press Y (fake), R (real)" in guide.toPlainText()


@pytest.mark.parametrize(
    ("sequence", "told"),
    [
        ("R", "R already means: It is real."),
        ("Ctrl+Shift+Z", "Ctrl+Shift+Z already means: Redo."),  # a second key of another
        ("Down", "Down belongs to the lists and menus"),
        ("Alt+2", "Alt+2 belongs to the lists and menus"),
        ("", "Press the key"),
    ],
)
def test_a_key_that_is_taken_is_refused(five: Archive, open_window: Open, sequence: str, told: str) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    dialog = keys_dialog(opened)
    choose(dialog, "fake", sequence)
    assert dialog.words.text().startswith(told)
    assert shown_key(dialog, "fake") == "F"
    assert opened.window.store.keys() == {}


def test_two_keys_change_places_and_all_can_be_reset(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    dialog = keys_dialog(opened)
    choose(dialog, "fake", "Y")
    choose(dialog, "real", "F")
    choose(dialog, "fake", "R")
    assert [shown_key(dialog, name) for name in ("fake", "real")] == ["R", "F"]
    row = [key.name for key in all_keys()].index("fake")
    dialog.tree.setCurrentIndex(dialog.tree.model().index(row, 0))
    dialog.reset.click()  # F is taken
    assert dialog.words.text().startswith("F already means: It is real.")
    dialog.reset_all.click()
    assert [shown_key(dialog, name) for name in ("fake", "real")] == ["F", "R"]
    assert opened.window.store.keys() == {}
    assert not dialog.reset_all.isEnabled()
    dialog.close()
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_F)
    opened.shows("b", "c", "d")


def test_no_key_ever_does_two_things() -> None:
    """Also where a newer version brings a key that a person has given to something else, or the file was written by hand."""
    keys = (Key("one", "A", "one"), Key("two", "B", "two", also="C"), Key("three", "D", "three"))

    def bound(changed: dict[str, str]) -> dict[str, tuple[str, str]]:
        return {key.name: (key.sequence, key.also) for key in bound_keys(keys, changed)}

    assert bound({"three": "A"}) == {"one": ("", ""), "two": ("B", "C"), "three": ("A", "")}
    assert bound({"one": "B"}) == {"one": ("B", ""), "two": ("C", ""), "three": ("D", "")}
    assert bound({"one": "X", "three": "X"}) == {"one": ("X", ""), "two": ("B", "C"), "three": ("D", "")}
    assert bound({"one": "Up", "gone": "Y"}) == {"one": ("A", ""), "two": ("B", "C"), "three": ("D", "")}
    every = [each for key in bound_keys(all_keys(), {}) for each in (key.sequence, key.also) if each]
    assert len(set(every)) == len(every)
    assert all(key.sequence for key in bound_keys(all_keys(), {}))
