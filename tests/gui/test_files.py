"""What the window does with the files themselves: quarantine, trash, export, copied paths."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QApplication,
    QMessageBox,
)

from gui.window.dialogs.kept_dialog import KeptDialog
from scanner.quarantine.manifest import MANIFEST

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


def test_quarantine_asks_and_can_be_undone(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    original, before = five.folder / "a.png", (five.folder / "a.png").stat()
    asked: list[str] = []
    answer_question("Cancel", asked)
    opened.press("q")
    opened.until(lambda: len(asked) == 1)
    assert "Move 1 image to quarantine?" in asked[0]
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
    opened.press("n")
    opened.bot.keyClicks(opened.page.deciding.note, "wax seal")
    opened.bot.keyClick(opened.page.deciding.note, Qt.Key.Key_Escape)
    opened.press("f")
    opened.shows("b", "c", "d")
    assert opened.window.view is not None
    assert opened.window.acts is not None
    opened.window.view.show_tab(1)
    opened.shows("a")
    target = tmp_path / f"report.{suffix}"
    opened.window.acts.export_to(str(target))
    opened.until(target.exists)
    opened.until(lambda: "1 image written" in opened.window.statusBar().currentMessage())
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
