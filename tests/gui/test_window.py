"""Keys, menus and help of the window, and what it loads."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

from archives import START, Archive, Opened
from PySide6.QtCore import Qt
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

from gui.window.actions import all_keys
from gui.window.dialogs import help_dialogs
from gui.window.dialogs.keys_dialog import KeysDialog
from gui.window.key_bindings import shown
from scanner.roots.roots import add_roots

Open = Callable[..., Opened]


def test_the_keys_are_told_and_every_control_has_a_name(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.window.dialogs.show_keys()
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

    def cards() -> list[QTextBrowser]:
        texts: list[QTextBrowser] = opened.window.findChildren(QTextBrowser)
        return [shown for shown in texts if shown.toPlainText().startswith("lite\nSHA-256")]

    opened.until(lambda: cards() != [])  # the guide, which is there at once, speaks of SHA-256, too
    [card] = cards()
    assert "{" not in card.toPlainText()  # a table, not what the file has
    told = help_dialogs.card_table({"rates": {"false_alarms": 0.0240001, "on": ["a", "b"]}, "fitted": False, "note": "<b>"})
    assert "false alarms" in told
    assert "<td>0.024</td>" in told
    assert "<td>a, b</td>" in told
    assert "<td>no</td>" in told
    assert "&lt;b&gt;" in told
    told = help_dialogs.card_table({"sets": [{"auc": 0.9}, {"auc": {"low": 0.8}}], "empty": {}})
    assert told.count("<table") == 1  # tables in tables held up the window for seconds
    assert "padding-left:48px; padding-right:12px'>low</td><td>0.8</td>" in told
    assert "<td>none</td>" in told
    assert any("takes the last" in shown.toPlainText() for shown in opened.window.findChildren(QTextBrowser))
    [about] = opened.window.findChildren(QMessageBox)
    assert version("dfscan") in about.text()


def test_the_window_starts_without_what_is_needed_later(five: Archive) -> None:
    later = ["torch", "celery", "worker", "psutil", "filelock", "jinja2", "scanner.quarantine.removals", "scanner.reports.report"]
    later += ["scanner.media.looking.looker", "scanner.media.pictures", "gui.window.dialogs.keys_dialog", "ctypes"]
    code = f"import gui.app, sys; sys.exit(str([name for name in {later} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.strip() == "[]"
