"""Filters, files, problems, trouble: the rest of what a person does with the window."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import START, WAIT, Archive, Opened
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QGuiApplication, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QMessageBox,
    QTabBar,
    QWidget,
)
from sqlalchemy import text

from gui.dialogs import KeptDialog, PreferencesDialog
from gui.keys import KeysDialog, all_keys
from scanner.criteria import Criteria
from scanner.errors import KnownError
from scanner.ledger import EVENTS, POLLED, add_to_counts, check_presence, mark_swept, note_mode
from scanner.removals import MANIFEST
from scanner.roots import add_roots, known_roots
from scanner.saved_filters import save_filter, saved_filters

Open = Callable[..., Opened]


def answer_question(button_text: str, asked: list[str]) -> None:
    """Click a button of the question that is about to be asked."""

    def click() -> None:
        for box in QApplication.topLevelWidgets():
            if isinstance(box, QMessageBox) and box.isVisible():
                asked.append(box.text() + "\n" + box.informativeText())
                next(button for button in box.buttons() if button_text in button.text().replace("&", "")).click()
                return
        QTimer.singleShot(50, click)

    QTimer.singleShot(50, click)


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
    opened.page.go_to(3)
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


def test_quarantine_asks_and_can_be_undone(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    original, before = five.folder / "a.png", (five.folder / "a.png").stat()
    asked: list[str] = []
    answer_question("Cancel", asked)
    opened.press("q")
    opened.until(lambda: len(asked) == 1)
    assert "Move 1 image(s) to quarantine?" in asked[0]
    assert str(original) in asked[0]
    assert original.exists()
    answer_question("Move to quarantine", asked)
    opened.press("q")
    opened.shows("b", "c", "d")
    assert not original.exists()
    kept = [file.name for file in (five.data_dir / "quarantine").iterdir()]
    assert MANIFEST in kept
    assert any(name.endswith("-a.png") for name in kept)
    opened.press("z")
    opened.shows("a", "b", "c", "d")
    assert (original.stat().st_mtime_ns, original.stat().st_size) == (before.st_mtime_ns, before.st_size)


def test_what_was_moved_away_can_be_restored_later(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    answer_question("Move to quarantine", [])
    opened.press("q")
    opened.shows("b", "c", "d")
    again = open_window()
    again.shows("b", "c", "d")
    assert again.window.acts is not None
    again.window.acts.show_kept()
    dialog = again.window.findChild(KeptDialog)
    assert dialog is not None
    again.until(lambda: dialog.tree.topLevelItemCount() == 1)
    dialog.tree.topLevelItem(0).setSelected(True)
    dialog.restore.click()
    again.shows("a", "b", "c", "d")
    again.until(lambda: dialog.tree.topLevelItemCount() == 0)
    assert (five.folder / "a.png").exists()
    dialog.close()


def test_trash_asks_and_can_be_undone(five: Archive, open_window: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setattr("send2trash.plat_other.HOMETRASH_B", os.fsencode(tmp_path / "share" / "Trash"))
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    asked: list[str] = []
    answer_question("Move to the trash", asked)
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_Delete)
    opened.shows("b", "c", "d")
    assert not (five.folder / "a.png").exists()
    opened.press("z")
    opened.shows("a", "b", "c", "d")
    assert (five.folder / "a.png").exists()


@pytest.mark.parametrize("suffix", ["json", "csv", "html"])
def test_export_has_the_reviews(five: Archive, open_window: Open, tmp_path: Path, suffix: str) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.page.deciding.note.setText("wax seal")
    opened.press("f")
    opened.shows("b", "c", "d")
    assert opened.window.view is not None
    assert opened.window.acts is not None
    opened.window.view.show_tab(1)
    opened.shows("a")
    target = tmp_path / f"report.{suffix}"
    opened.window.acts.export_to(str(target))
    opened.until(target.exists)
    opened.until(lambda: "1 images written" in opened.window.statusBar().currentMessage())
    written = target.read_text()
    assert "wax seal" in written
    assert str(five.folder / "a.png") in written
    if suffix == "json":
        [item] = json.loads(written)["items"]
        assert (item["review"], item["reviewer"], item["note"]) == ("fake", opened.window.store.read().reviewer, "wax seal")


def test_copying_paths_and_opening_folders(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    assert opened.window.acts is not None
    opened.press("j")
    opened.window.acts.copy_path()
    assert QGuiApplication.clipboard().text() == str(five.folder / "b.png")
    shown: list[str] = []
    opened.window.acts.open_folder(lambda url: bool(shown.append(url.toLocalFile())) or True)
    assert shown == [str(five.folder)]


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


def test_the_preview_zooms_pans_and_takes_overlays(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    preview = opened.page.look.preview
    opened.until(lambda: not preview._preliminary and not preview._image.isNull())
    assert preview.is_fitted
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_Space)
    assert (preview.is_fitted, preview.zoom) == (False, 4.0)  # 60 pixels wide: fitted is twice already
    opened.press("++")
    assert preview.zoom > 6
    before = preview.picture_rect().topLeft()
    preview.setFocus()
    opened.bot.keyClick(preview, Qt.Key.Key_Right)
    assert preview.picture_rect().topLeft() != before
    opened.bot.keyClick(preview, Qt.Key.Key_Space)
    assert preview.is_fitted

    class Dot:
        def paint(self, painter: QPainter, picture: QRectF) -> None:
            painter.fillRect(QRectF(picture.center() - QPointF(2, 2), picture.center() + QPointF(2, 2)), QColor("#00ff00"))

    preview.set_overlays([Dot()])
    shown = preview.grab().toImage()
    ratio = shown.devicePixelRatio()
    middle = preview.picture_rect().center() * ratio
    assert shown.pixelColor(int(middle.x()), int(middle.y())) == QColor("#00ff00")


def test_the_keys_are_told_and_every_control_has_a_name(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.window._show_keys()
    dialog = opened.window.findChild(KeysDialog)
    assert dialog is not None
    words = " ".join(label.text() for label in dialog.findChildren(QWidget) if hasattr(label, "text"))
    for key in all_keys():
        assert key.meaning in words
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
    running.remove.click()
    opened.until(lambda: known_roots(archive.database) == [])


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
    opened.bot.waitUntil(lambda: "5 verdicts are of another model" in running.models.state.text(), timeout=4 * WAIT)
    assert running.models.rescan.isVisible()
    running.models.rescan.click()
    opened.until(lambda: opened.window.statusBar().currentMessage() == "5 images wait for the new model")
    assert opened.window.service.is_running
    running.stop.click()
    opened.until(lambda: not opened.window.service.is_running)


def test_a_newer_database_is_named_and_another_try_helps(five: Archive, open_window: Open) -> None:
    with five.database.write() as session:
        before = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened = open_window(ready=False)
    trouble = opened.window._trouble
    opened.until(lambda: opened.window._pages.currentWidget() is trouble)
    assert "newer dfscan" in trouble.words.text()
    with five.database.write() as session:
        session.execute(text(f"UPDATE alembic_version SET version_num = '{before}'"))
    trouble.button.click()
    opened.until(lambda: opened.window.view is not None)
    opened.shows("a", "b", "c", "d")


def test_a_database_out_of_reach_is_named(tmp_path: Path, open_window: Open) -> None:
    opened = open_window(tmp_path / "other", ready=False, url="postgresql://anna:secret@127.0.0.1:1/x")
    opened.until(lambda: opened.window._pages.currentWidget() is opened.window._trouble)
    assert "127.0.0.1" in opened.window._trouble.words.text()
    assert "secret" not in opened.window._trouble.words.text()


def test_a_locked_database_is_waited_for(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    holder = sqlite3.connect(five.data_dir / "dfscan.sqlite")
    holder.execute("BEGIN IMMEDIATE")
    opened.press("f")
    opened.press("j")  # the window goes on meanwhile
    opened.bot.wait(300)
    assert opened.names == ["a", "b", "c", "d"]  # not shown as made
    holder.rollback()
    holder.close()
    opened.shows("b", "c", "d")


def test_the_database_goes_away_and_comes_back(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    with five.database.write() as session:
        session.execute(text("ALTER TABLE files RENAME TO away"))
    opened.until(opened.window.banner.isVisible)
    said = opened.window.banner.text()
    assert said.count("cannot be used") == 1
    assert said.endswith("Trying again\N{HORIZONTAL ELLIPSIS}")
    opened.press("j")  # further questions that fail are the same trouble
    opened.bot.wait(300)
    assert opened.window.banner.text() == said
    with five.database.write() as session:
        session.execute(text("ALTER TABLE away RENAME TO files"))
    opened.until(lambda: not opened.window.banner.isVisible())
    opened.shows("a", "b", "c", "d")


def test_a_complaint_and_a_trouble_do_not_hide_each_other(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    banner = opened.window.banner
    opened.presenter.ask(lambda: failing(KnownError("no such thing")), lambda _: None)
    opened.until(banner.isVisible)
    with five.database.write() as session:
        session.execute(text("ALTER TABLE reviews RENAME TO away"))
    opened.until(lambda: "Trying again" in banner.text())
    assert banner.text().endswith("no such thing")
    with five.database.write() as session:
        session.execute(text("ALTER TABLE away RENAME TO reviews"))
    opened.until(lambda: banner.text() == "no such thing")
    banner.dismiss.click()
    assert not banner.isVisible()


def failing(error: KnownError) -> None:
    raise error


def test_without_the_worker_extra_reviewing_goes_on(five: Archive, open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gui.window.worker_is_installed", lambda: False)
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    assert "pip install 'dfscan[worker]'" in opened.window.banner.text()
    opened.press("f")
    opened.shows("b", "c", "d")


def test_the_interface_loads_no_torch_and_no_celery(five: Archive) -> None:
    code = "import gui.app, sys; sys.exit(str([name for name in ('torch', 'celery', 'worker') if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.strip() == "[]"
