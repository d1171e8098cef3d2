"""Files that could not be scored: reasons, order, another chance."""

from collections.abc import Callable
from pathlib import Path

from archives import Archive, Opened

Open = Callable[..., Opened]


def test_problems_have_reasons_and_another_chance(five: Archive, open_window: Open) -> None:
    five.fail("x.png", "empty: the file has 0 bytes")
    five.fail("y.png", "its content is no image")
    opened = open_window()
    assert opened.window.view is not None
    opened.window.view.show_tab(4)
    problems = opened.window.view.problems
    opened.until(lambda: problems.model.rowCount() == 2)
    problems.table.selectRow(0)
    problems.retry_selected.click()
    opened.until(lambda: problems.model.rowCount() == 1)
    assert problems.model.data(problems.model.index(0, 0)).endswith("x.png")
    opened.until(lambda: opened.tabs[4] == "Problems  1")
    problems.retry_all.click()
    opened.until(lambda: problems.model.rowCount() == 0)
    assert problems.stack.currentIndex() == 1


def test_problems_are_sorted_by_a_click_on_their_title(five: Archive, open_window: Open) -> None:
    five.fail("y.png", "b: truncated")
    five.fail("x.png", "c: the file has 0 bytes")
    five.fail("z.png", "a: its content is no image")
    opened = open_window()
    assert opened.window.view is not None
    opened.window.view.show_tab(4)
    problems = opened.window.view.problems

    def names() -> str:
        rows = range(problems.model.rowCount())
        return "".join(Path(problems.model.data(problems.model.index(row, 0))).stem for row in rows)

    opened.until(lambda: names() == "zxy")
    header = problems.table.horizontalHeader()
    for section, order in ((0, "xyz"), (1, "zyx"), (2, "zxy"), (2, "yxz")):
        header.sectionClicked.emit(section)
        opened.until(lambda order=order: names() == order)


def test_a_search_bounds_what_is_tried_again(five: Archive, open_window: Open) -> None:
    """All means what is listed; and a list read anew while a menu was open, so that nothing is selected, means nothing."""
    for name in ("x1.png", "x2.png", "y.png"):
        five.fail(name, "empty: the file has 0 bytes")
    opened = open_window()
    assert opened.window.view is not None
    opened.window.view.show_tab(4)
    problems = opened.window.view.problems
    opened.until(lambda: problems.model.rowCount() == 3)
    problems._retry_selected()
    problems.search.setText("x")
    opened.until(lambda: problems.model.rowCount() == 2)
    problems.retry_all.click()
    opened.until(lambda: problems.model.rowCount() == 0)
    assert problems.stack.currentIndex() == 1
    assert problems.empty.text() == "No file without a verdict has this in its name or folder."
    problems.search.clear()
    opened.until(lambda: problems.model.rowCount() == 1)
    assert problems.model.data(problems.model.index(0, 0)).endswith("y.png")


def test_what_is_selected_stays_so_while_the_list_fills(five: Archive, open_window: Open) -> None:
    five.fail("x.png", "empty: the file has 0 bytes")
    opened = open_window()
    assert opened.window.view is not None
    opened.window.view.show_tab(4)
    problems = opened.window.view.problems
    assert problems.stack.currentIndex() == 0  # that every file has a verdict is said once it is known
    opened.until(lambda: problems.model.rowCount() == 1)
    problems.table.selectRow(0)
    five.fail("y.png", "its content is no image")
    opened.until(lambda: problems.model.rowCount() == 2)
    assert [index.row() for index in problems.table.selectionModel().selectedRows()] == [1]
    assert problems.table.currentIndex().row() == 1
    assert problems.retry_selected.isEnabled()
