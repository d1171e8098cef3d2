"""Filters, search, and filters that are kept."""

from collections.abc import Callable

from archives import START, Archive, Opened
from PySide6.QtWidgets import QAbstractButton

from scanner.review.criteria import Criteria, Order
from scanner.review.saved_filters import save_filter, saved_filters

Open = Callable[..., Opened]


def test_an_order_that_is_chosen_is_one_of_the_orders(five: Archive, open_window: Open) -> None:
    """Qt gives the plain text of an enumeration's member back."""
    filters = open_window().page.filters
    for number in range(filters.order.count()):
        filters.order.setCurrentIndex(number)
        assert isinstance(filters.asked().criteria.order, Order)
    filters.clear()
    assert isinstance(filters.asked().criteria.order, Order)


def test_filters_and_search(five: Archive, open_window: Open) -> None:
    five.add("sub/f.png", 0.95, model="paper")
    opened = open_window()
    opened.shows("a", "f", "b", "c", "d")
    filters = opened.page.filters
    filters.search.setText("SUB/")
    opened.shows("f")
    opened.until(lambda: opened.window.view is not None and opened.window.view.matching.text() == "1 match")
    cross = filters.search.findChild(QAbstractButton)
    opened.until(cross.isVisible)
    filters.clear()
    opened.shows("a", "f", "b", "c", "d")
    opened.until(lambda: not cross.isVisible())  # there is nothing left to clear
    filters.order.setCurrentIndex(1)
    opened.shows("d", "c", "b", "f", "a")
    filters.label.setCurrentIndex(2)
    opened.shows("d")
    filters.label.setCurrentIndex(4)
    opened.shows("e", "d", "c", "b", "f", "a")
    filters.label.setCurrentIndex(0)
    filters.score_from.setValue(0.85)
    opened.shows("b", "f", "a")
    opened.until(lambda: filters.model.count() == 3)
    filters.model.setCurrentIndex(filters.model.findData("paper"))
    opened.shows("f")
    filters.clear()
    assert opened.window.view is not None
    opened.shows("d", "c", "b", "f", "a")
    opened.page.grid.go_to(3)
    opened.window.view.only_this_folder()
    opened.shows("f")
    opened.until(lambda: opened.window.view is not None and opened.window.view.matching.text() == "1 match")
    filters.clear()
    opened.shows("d", "c", "b", "f", "a")
    filters.since.setText("2026-11-04")  # later than the others in every zone
    filters.since.editingFinished.emit()
    opened.shows()
    filters.since.setText("gobbledygook")
    filters.since.editingFinished.emit()
    opened.until(opened.window.banner.isVisible)
    assert "gobbledygook" in opened.window.banner.text()


def test_saved_filters(five: Archive, open_window: Open) -> None:
    save_filter(five.database, "only b", Criteria(text="b.png"), START)
    opened = open_window()
    filters = opened.page.filters
    opened.until(lambda: any(action.text() == "only b" for action in filters.saved.menu().actions()))
    next(action for action in filters.saved.menu().actions() if action.text() == "only b").trigger()
    opened.shows("b")
    assert filters.search.text() == "b.png"
    filters.delete_wanted.emit("only b")
    opened.until(lambda: saved_filters(five.database) == ())
