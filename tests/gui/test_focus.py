"""Keys mean images: whatever one did before, the focus returns to them, and Esc gets out of everything."""

from collections.abc import Callable

import pytest
from archives import Archive, Opened
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from test_deciding import stored

Open = Callable[..., Opened]


def press_where_the_focus_is(opened: Opened, key: Qt.Key) -> None:
    opened.window.activateWindow()
    opened.until(opened.window.isActiveWindow)
    focus = QApplication.focusWidget()
    assert focus is not None
    opened.bot.keyClick(focus, key)


def test_from_folders_back_to_deciding(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    view = opened.window.view
    assert view is not None
    view.run_button.click()
    assert view.stack.currentWidget() is view.running
    opened.bot.mouseClick(view.tabs, Qt.MouseButton.LeftButton, pos=view.tabs.tabRect(0).center())  # the highlighted one
    assert view.stack.currentWidget() is view.review
    press_where_the_focus_is(opened, Qt.Key.Key_F)
    opened.shows("b", "c", "d")
    assert stored(five) == [("a", "fake", None)]
    assert view.review.filters.search.text() == ""


@pytest.mark.parametrize("way", ["folders", "search", "note", "label", "problems", "score"])
def test_esc_gets_out_of_everything(five: Archive, open_window: Open, way: str) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    view = opened.window.view
    assert view is not None
    filters = view.review.filters
    filters.more.setChecked(True)
    if way == "folders":
        view.run_button.click()
    elif way == "problems":
        view.show_tab(4)
    else:
        places = {
            "search": filters.search,
            "note": view.review.deciding.note,
            "label": filters.label,
            "score": filters.score_from,
        }
        places[way].setFocus()
    press_where_the_focus_is(opened, Qt.Key.Key_Escape)
    opened.until(view.review.grid.hasFocus)
    press_where_the_focus_is(opened, Qt.Key.Key_R)
    opened.shows("b", "c", "d")
    assert stored(five) == [("a", "real", None)]


def test_what_waits_for_images_hands_the_focus_on(five: Archive, open_window: Open) -> None:
    """Keys mean images as soon as there are some, also where the queue was empty when one came."""
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    filters = opened.page.filters
    filters.search.setFocus()
    opened.bot.keyClicks(filters.search, "nothing-like-it")
    opened.shows()
    opened.bot.keyClick(filters.search, Qt.Key.Key_Return)
    press_where_the_focus_is(opened, Qt.Key.Key_F)
    assert filters.search.text() == "nothing-like-it"
    filters.clear()
    opened.shows("a", "b", "c", "d")
    opened.until(opened.page.grid.hasFocus)


def test_a_filter_gives_the_focus_back(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    filters = opened.page.filters
    filters.search.setFocus()
    opened.bot.keyClicks(filters.search, "b.png")
    opened.bot.keyClick(filters.search, Qt.Key.Key_Return)
    opened.shows("b")
    filters.order.setFocus()
    opened.bot.keyClick(filters.order, Qt.Key.Key_Down)  # one more order, as with the mouse
    opened.until(opened.page.grid.hasFocus)
    press_where_the_focus_is(opened, Qt.Key.Key_F)
    opened.shows()
    assert stored(five) == [("b", "fake", None)]
