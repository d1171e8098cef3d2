"""What a person sets is kept: preferences, thumbnails, theme."""

from collections.abc import Callable

from archives import Archive, Opened
from PySide6.QtWidgets import (
    QApplication,
)

from gui.window.dialogs.preferences_dialog import PreferencesDialog

Open = Callable[..., Opened]


def test_preferences_are_kept(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.window.dialogs.show_preferences()
    dialog = opened.window.findChild(PreferencesDialog)
    assert dialog is not None
    dialog.reviewer.setText("Anna")
    dialog.advance.setChecked(False)
    dialog.accept()
    again = open_window()
    assert (again.window.store.read().reviewer, again.window.store.read().auto_advance) == ("Anna", False)


def test_thumbnails_change_their_size_and_keep_it(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    grid = opened.page.grid
    before = grid.visualRect(grid.currentIndex()).width()
    opened.window.actions_of.by_name["larger"].trigger()
    opened.window.actions_of.by_name["larger"].trigger()
    assert grid.visualRect(grid.currentIndex()).width() > before
    opened.window.close()
    again = open_window()
    again.shows("a", "b", "c", "d")
    assert again.page.grid.size_number == 3


def test_a_theme_is_chosen_and_kept(five: Archive, open_window: Open, qapp: QApplication) -> None:
    opened = open_window()
    opened.window.dialogs.show_preferences()
    dialog = opened.window.findChild(PreferencesDialog)
    assert dialog is not None
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    dialog.accept()
    assert opened.window.store.read().theme == "dark"
    assert open_window().window.store.read().theme == "dark"
