"""Filters, problems, the preview, preferences, folders: the rest of what a person does with the window."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from archives import START, WAIT, Archive, Opened
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QMessageBox,
    QTabBar,
    QTextBrowser,
    QWidget,
)
from test_files import answer_question

from gui.window.actions import all_keys
from gui.window.dialogs import help_dialogs
from gui.window.dialogs.keys_dialog import KeysDialog
from gui.window.dialogs.preferences_dialog import PreferencesDialog
from gui.window.key_bindings import shown
from scanner.base.choices import choose_model, chosen_model
from scanner.results.problems import rescan_stale
from scanner.review.criteria import Criteria
from scanner.review.saved_filters import save_filter, saved_filters
from scanner.roots.ledger import EVENTS, POLLED, add_to_counts, check_presence, mark_swept, note_mode
from scanner.roots.roots import add_roots, known_roots

Open = Callable[..., Opened]


def test_filters_and_search(five: Archive, open_window: Open) -> None:
    five.add("sub/f.png", 0.95, model="paper")
    opened = open_window()
    opened.shows("a", "f", "b", "c", "d")
    filters = opened.page.filters
    filters.search.setText("SUB/")
    opened.shows("f")
    opened.until(lambda: opened.window.view is not None and opened.window.view.matching.text() == "1 match")
    filters.clear()
    opened.shows("a", "f", "b", "c", "d")
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
    filters.since.setText("2026-11-02")
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


def test_the_preview_zooms_pans_and_takes_overlays(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    preview = opened.page.look.preview
    opened.until(lambda: not preview._preliminary and not preview._image.isNull())
    assert preview.is_fitted
    opened.press("1")
    assert (preview.is_fitted, preview.zoom) == (False, 4.0)  # 60 pixels wide: fitted is twice already
    opened.press("++")
    assert preview.zoom > 6
    before = preview.picture_rect().topLeft()
    preview.setFocus()
    opened.bot.keyClick(preview, Qt.Key.Key_Right)
    assert preview.picture_rect().topLeft() != before
    opened.bot.keyClick(preview, "1")
    assert preview.is_fitted

    class Dot:
        def paint(self, painter: QPainter, picture: QRectF) -> None:
            painter.fillRect(QRectF(picture.center() - QPointF(2, 2), picture.center() + QPointF(2, 2)), QColor("#00ff00"))

    preview.set_overlays([Dot()])
    shown = preview.grab().toImage()
    ratio = shown.devicePixelRatio()
    middle = preview.picture_rect().center() * ratio
    assert shown.pixelColor(int(middle.x()), int(middle.y())) == QColor("#00ff00")


def test_the_zoom_stays_from_image_to_image(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    preview = opened.page.look.preview
    opened.until(lambda: not preview._preliminary and not preview._image.isNull())
    opened.press("++")
    zoom = preview.zoom
    opened.press("j")
    opened.until(lambda: not preview._preliminary and not preview._image.isNull() and preview.zoom == zoom)
    opened.press("1")
    opened.press("k")
    opened.until(lambda: not preview._preliminary and not preview._image.isNull() and preview.is_fitted)


def test_the_keys_are_told_and_every_control_has_a_name(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.window._show_keys()
    dialog = opened.window.findChild(KeysDialog)
    assert dialog is not None
    rows = [dialog.tree.topLevelItem(row) for row in range(dialog.tree.topLevelItemCount())]
    told = {row.text(1): row.text(0) for row in rows if row is not None}
    for key in all_keys():
        assert told[key.meaning].startswith(shown(key.sequence))
    assert len({key.sequence for key in all_keys()}) == len(all_keys())
    dialog.close()
    kinds = (QAbstractButton, QLineEdit, QComboBox, QAbstractItemView, QTabBar)
    nameless = [
        widget
        for kind in kinds
        for widget in opened.window.findChildren(kind)
        if not widget.accessibleName()
        and not getattr(widget, "text", str)()
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and widget.window() is opened.window  # not the lists that combo boxes open
        and not widget.objectName().startswith("qt_")
    ]
    assert nameless == []


def test_preferences_are_kept(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.window._show_preferences()
    dialog = opened.window.findChild(PreferencesDialog)
    assert dialog is not None
    dialog.reviewer.setText("Anna")
    dialog.advance.setChecked(False)
    dialog.accept()
    again = open_window()
    assert (again.window.store.read().reviewer, again.window.store.read().auto_advance) == ("Anna", False)


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
    opened.window._show_preferences()
    dialog = opened.window.findChild(PreferencesDialog)
    assert dialog is not None
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    dialog.accept()
    assert opened.window.store.read().theme == "dark"
    assert open_window().window.store.read().theme == "dark"


def test_menus_at_the_pointer(five: Archive, open_window: Open) -> None:
    """In the grid, the preview, the problems and the folders."""
    five.fail("x.png", "empty: the file has 0 bytes")
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    assert opened.window.view is not None
    problems = opened.window.view.problems

    def menu_at(widget: QWidget) -> list[str]:
        widget.customContextMenuRequested.emit(widget.rect().center())
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        words = [action.text() for action in menu.actions() if action.text()]
        menu.close()
        return words

    for widget in (opened.page.grid, opened.page.look.preview):
        assert {"It is fake", "Copy the path", "Move to quarantine"} <= set(menu_at(widget))
    opened.window.view.show_tab(4)
    opened.until(lambda: problems.model.rowCount() == 1)
    problems.table.selectRow(0)
    assert menu_at(problems.table) == ["Try again", "Copy the path"]
    add_roots(five.database, [str(five.folder)], START)
    opened.window.view.run_button.setChecked(True)
    folders = opened.window.view.running.folders
    opened.until(lambda: folders.count() == 1)
    folders.setCurrentRow(0)
    assert menu_at(folders) == ["Open the folder", "Copy the path", "Watch no more"]


def test_help_tells_guide_models_and_version(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    help_dialogs.show_guide(opened.window, opened.window.actions_of.keys)
    help_dialogs.show_cards(opened.window, opened.presenter)
    help_dialogs.show_about(opened.window)
    opened.until(lambda: any("SHA-256" in shown.toPlainText() for shown in opened.window.findChildren(QTextBrowser)))
    [card] = [shown for shown in opened.window.findChildren(QTextBrowser) if shown.toPlainText().startswith("lite\nSHA-256")]
    assert "{" not in card.toPlainText()  # a table, not what the file has
    told = help_dialogs.card_table({"rates": {"false_alarms": 0.0240001, "on": ["a", "b"]}, "fitted": False, "note": "<b>"})
    assert "false alarms" in told
    assert "<td>0.024</td>" in told
    assert "<td>a, b</td>" in told
    assert "<td>no</td>" in told
    assert "&lt;b&gt;" in told
    assert any("takes the last" in shown.toPlainText() for shown in opened.window.findChildren(QTextBrowser))
    [about] = opened.window.findChildren(QMessageBox)
    assert version("dfscan") in about.text()


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


def test_what_is_stale_is_scanned_again(five: Archive, open_window: Open) -> None:
    add_roots(five.database, [str(five.folder)], START)
    opened = open_window()
    assert opened.window.view is not None
    running = opened.window.view.running
    opened.window.view.run_button.setChecked(True)
    opened.bot.waitUntil(
        lambda: "5 verdicts are of another model or of other settings" in running.models.state.text(), timeout=4 * WAIT
    )
    assert running.models.rescan.isVisible()
    running.models.rescan.click()
    opened.until(lambda: opened.window.statusBar().currentMessage() == "5 images wait for the new verdict")
    assert opened.window.service.is_running
    running.stop.click()
    opened.until(lambda: not opened.window.service.is_running)


def test_what_waits_to_be_scanned_again_stays_where_it_is(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("f")
    opened.shows("b", "c", "d")
    rescan_stale(five.database, "cd" * 32, START)
    opened.until(lambda: opened.window.view is not None and "5 waiting" in opened.window.view.running.progress.text())
    opened.until(lambda: opened.tabs[:2] == ["To review  3", "Fake  1"])
    assert opened.names == ["b", "c", "d"]
    opened.press("j")
    opened.until(lambda: "File" in opened.page.details.toPlainText())
    opened.press("r")
    opened.shows("b", "d")


def test_one_choice_of_the_model_for_window_and_command_line(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    assert opened.window.view is not None
    running = opened.window.view.running
    choose_model(five.data_dir, "press")  # as `dfscan model use` does while the window is open
    opened.until(lambda: running.models.model.currentData() == "press")
    assert opened.window.service.current().model == "press"
    running.models.model.addItem("lite", "lite")
    running.models.model.setCurrentIndex(running.models.model.findData("lite"))
    running.models.model.activated.emit(running.models.model.currentIndex())
    assert chosen_model(five.data_dir) == "lite"
    assert opened.window.service.current().model == "lite"


def test_without_the_worker_extra_reviewing_goes_on(five: Archive, open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gui.window.main_window.worker_is_installed", lambda: False)
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    assert "pip install 'dfscan[worker]'" in opened.window.banner.text()
    opened.press("f")
    opened.shows("b", "c", "d")


def test_the_interface_loads_no_torch_and_no_celery(five: Archive) -> None:
    code = "import gui.app, sys; sys.exit(str([name for name in ('torch', 'celery', 'worker') if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.strip() == "[]"
