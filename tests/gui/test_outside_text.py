"""Text from outside is shown to the letter: no name, note, error or card becomes HTML, loads a file or steers a terminal."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from archives import START, Archive, Opened
from PySide6.QtCore import QModelIndex, Qt, QTimer, QUrl
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QMenu, QMessageBox, QTableView, QTextBrowser, QWidget

import gui
from gui.texts.outside import Document, in_html, in_menu, plain_box, tip
from scanner.domain.evidence import Evidence, Kind
from scanner.review.decisions import add_note

Open = Callable[..., Opened]
# Loads a file (here a FIFO, which would hang), hides what follows, and is long.
HOSTILE = "<img src=fifo><span style=font-size:1px>"
MAY_BE_RICH = ("Filters in force", "Where else they are")


@pytest.fixture
def hostile(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Pictures whose names, evidence, notes, reviewers, model and errors are HTML, beside a FIFO that it names."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    archive.card = {"notes": HOSTILE}
    traces = (Evidence(Kind.GENERATOR, "named", f"{HOSTILE} made this", "XMP"),)
    for number in (1, 2):
        archive.add(
            f"{HOSTILE} & {number}.png",
            0.9,
            model=f"{HOSTILE} model",
            evidence=traces,
            fingerprint=0x0F0F_0F0F_0F0F_0F0F + number,
        )
    archive.fail(f"{HOSTILE} failed.png", f"{HOSTILE} is why")
    with archive.database.read() as session:
        content_id = session.connection().exec_driver_sql("SELECT content_id FROM files ORDER BY id LIMIT 1").scalar_one()
    add_note(archive.database, [content_id], f"{HOSTILE} note", reviewer=f"{HOSTILE} me", now=START + timedelta(hours=1))
    return archive


def test_no_widget_takes_text_from_outside_for_html(hostile: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.until(lambda: bool(opened.names))
    window = opened.window
    for row in range(len(opened.names)):
        opened.page.grid.setCurrentIndex(opened.presenter.model.index(row, 0))
        opened.until(lambda: HOSTILE in opened.page.details.toPlainText())
        opened.until(lambda: len(opened.page.look.near.copies) == 1)
        window.say(HOSTILE)
        window.complain(HOSTILE)
        assert _rich(window) == []

    assert window.view is not None
    window.view.tabs.setCurrentIndex(4)
    opened.until(lambda: window.view.problems.table.model().rowCount() == 1)  # type: ignore[union-attr]
    assert _rich(window) == []


def _rich(window: QWidget) -> list[str]:
    """What would interpret HTML in text that is not the window's own."""
    found = []
    for widget in (window, *window.findChildren(QWidget)):
        if isinstance(widget, QLabel) and widget.textFormat() != Qt.TextFormat.PlainText and not widget.pixmap():
            if widget.accessibleName() not in MAY_BE_RICH and "<" in widget.text():
                found.append(f"label {widget.text()!r} is not plain")
            found += _pictures(widget.text(), "label")
        if isinstance(widget, QTextBrowser) and not isinstance(widget, Document):
            found.append(f"{widget} loads what it names")
        if isinstance(widget, QTextBrowser):
            found += _pictures(widget.toHtml(), "document")
        found += _pictures(widget.toolTip(), "tool tip")
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            for index in _indexes(widget):
                found += _pictures(str(index.data(Qt.ItemDataRole.ToolTipRole) or ""), "tool tip of an item")
        if isinstance(widget, QMenu):
            found += [f"{action.text()} has a key by accident" for action in widget.actions() if " & " in action.text()]
    return found


class _Loading(QTextDocument):
    """Notes what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def loadResource(self, kind: int, name: QUrl | str) -> None:  # noqa: N802  (Qt's name)
        self.loaded.append(QUrl(name).toString())


def _pictures(text: str, where: str) -> list[str]:
    """What Qt would load for `text`, were it taken for HTML, as Qt does with most that has a < in it."""
    if "<" not in text:
        return []
    document = _Loading()
    document.setHtml(text)
    document.adjustSize()
    return [f"{where} loads {name}" for name in dict.fromkeys(document.loaded) if name != "face:deciding"]


def _indexes(view: QAbstractItemView) -> Iterator[QModelIndex]:
    columns = view.horizontalHeader().count() if isinstance(view, QTableView) else 1
    for row in range(min(view.model().rowCount(), 50)):
        for column in range(columns):
            yield view.model().index(row, column)


def test_each_text_is_made_plain_where_it_is_made() -> None:
    """Whatever the window shows in it one day."""
    for file in Path(gui.__file__).parent.rglob("*.py"):
        source = re.sub(r"\(\s+", "(", file.read_text("utf-8"))
        labels = len(re.findall(r"(?<!plain\()\bQLabel\(", source))
        assert labels == (file.name == "empty_state.py"), f"{file} has a label that is not made plain"
        for told in re.findall(r"\.setToolTip\((.*)\)", source):
            assert told.startswith(("tip(", '"', "waits if")), f"{file} has a tool tip that is not escaped: {told}"
        boxes, plain_boxes = re.findall(r" QMessageBox\(", source), re.findall(r"(?<!def) plain_box\(", source)
        assert len(boxes) == len(plain_boxes), f"{file} has a box that is not made plain"
        assert file.name == "outside.py" or not re.search(r"\bQTextBrowser\(|\bQTextEdit\(", source), f"{file} loads resources"


@pytest.mark.parametrize("key", ["move to quarantine", "move to the trash"])
def test_a_question_names_what_it_is_about(hostile: Archive, open_window: Open, key: str) -> None:
    """The question before a file is moved away shows the whole path, to the letter."""
    from gui.widgets.questions import confirmed

    asked: list[QMessageBox] = []
    opened = open_window()

    def answer() -> None:
        [box] = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMessageBox) and widget.isVisible()]
        asked.append(box)
        labels = {label.text(): label.textFormat() for label in box.findChildren(QLabel) if label.text()}
        assert labels == {f"{key}?": Qt.TextFormat.PlainText, f"/pictures/{HOSTILE}.png": Qt.TextFormat.PlainText}
        box.reject()

    QTimer.singleShot(0, answer)
    assert not confirmed(opened.window, f"{key}?", f"/pictures/{HOSTILE}.png", "Yes")
    assert asked


def test_the_test_finds_what_it_looks_for() -> None:
    assert _pictures(HOSTILE, "here") == ["here loads fifo"]


def test_what_cannot_be_plain_is_escaped() -> None:
    assert tip("/pictures/a.png") == "/pictures/a.png"
    document = QTextDocument()
    document.setHtml(tip(f"{HOSTILE}\na & b"))
    assert document.toPlainText() == f"{HOSTILE}\na & b"
    assert in_html("a\u202eb<b>\x1b") == r"a\u202eb&lt;b&gt;\x1b"
    assert in_menu("me & you") == "me && you"


def test_each_box_is_plain_in_all_its_texts(qtbot: object) -> None:
    box = QMessageBox()
    box.setText(HOSTILE)
    box.setInformativeText(HOSTILE)
    plain_box(box)

    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in box.findChildren(QLabel))
    assert len([label for label in box.findChildren(QLabel) if label.text() == HOSTILE]) == 2
