"""EXIF and origin as a table: everything in it, searched and copied, as plain text, read only when it is looked at."""

from collections.abc import Callable
from pathlib import Path

import pytest
from archives import Archive, Opened
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from gui.media import previews
from gui.widgets.facts_table import Fact, FactsTable
from scanner.domain.evidence import Evidence

Open = Callable[..., Opened]
HOSTILE = "<img src='file:///etc/passwd'><b>Maker</b>\x1b[2J"


@pytest.fixture
def tagged(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif[0x010F] = HOSTILE
    exif.get_ifd(0x8769)[0x829D] = 2.8
    Image.new("RGB", (60, 40), "navy").save(tmp_path / "tagged.jpg", exif=exif)
    return tmp_path / "tagged.jpg"


def cells(table: FactsTable) -> list[str]:
    rows = (row for row in range(table.table.rowCount()) if not table.table.isRowHidden(row))
    return ["|".join(table.table.item(row, column).text() for column in range(3)) for row in rows]


def test_the_table_shows_searches_and_copies(archive: Archive, open_window: Open, tagged: Path) -> None:
    traces = (Evidence("c2pa", "valid", "Signed by <b>someone</b>", "C2PA manifest"),)
    archive.add("a.jpg", 0.99, picture=tagged, evidence=traces)
    archive.add("b.png", 0.9)
    opened = open_window()
    opened.shows("a", "b")
    facts = opened.page.known.facts
    opened.press("i")
    opened.until(lambda: facts.search.hasFocus() and len(facts.shown()) == 3)
    assert cells(facts) == [
        "Origin|c2pa|Signed by <b>someone</b> (in C2PA manifest)",
        "EXIF|Make|<img src='file:///etc/passwd'><b>Maker</b>\\x1b[2J",
        "EXIF|FNumber|2.8 (f/2.8)",
    ]
    assert facts.words.text() == "2 tags"
    opened.bot.keyClicks(facts.search, "exif make")
    assert [fact.name for fact in facts.shown()] == ["Make"]
    facts.search.clear()
    facts.table.setFocus()
    facts.table.selectRow(2)
    opened.bot.keyClick(facts.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    opened.until(lambda: QGuiApplication.clipboard().text() == "EXIF\tFNumber\t2.8 (f/2.8)")
    facts.copy_all.trigger()
    assert QGuiApplication.clipboard().text().count("\n") == 2
    opened.bot.keyClick(facts.search, Qt.Key.Key_Escape)
    opened.until(opened.page.grid.hasFocus)
    opened.press("j")  # the table stays, and is of the image in sight
    opened.until(lambda: cells(facts) != [] and facts.words.text() == "No EXIF, no texts")
    assert cells(facts) == ["Origin|traces|It was not looked for."]
    opened.press("i")
    opened.until(opened.page.grid.hasFocus)
    assert opened.page.details.isVisible()


def test_it_is_below_the_picture_in_the_loupe(archive: Archive, open_window: Open, tagged: Path) -> None:
    archive.add("a.jpg", 0.99, picture=tagged)
    opened = open_window()
    opened.shows("a")
    preview, facts = opened.page.look.preview, opened.page.known.facts
    opened.press(" ")
    opened.until(preview.hasFocus)
    assert not opened.page.below.isVisible()
    opened.bot.keyClick(preview, "i")
    opened.until(lambda: facts.search.hasFocus() and len(facts.shown()) == 3)
    assert facts.isVisible()
    assert preview.isVisible()
    opened.bot.keyClick(facts.search, Qt.Key.Key_Escape)
    opened.until(preview.hasFocus)
    opened.bot.keyClick(preview, "i")
    opened.until(lambda: not opened.page.below.isVisible())
    opened.until(preview.hasFocus)
    opened.bot.keyClick(preview, Qt.Key.Key_Escape)
    opened.until(opened.page.grid.hasFocus)
    assert opened.page.below.isVisible()
    assert facts.isVisible()
    opened.press(" ")
    opened.until(preview.hasFocus)
    opened.bot.keyClick(preview, "i")  # also where it was in sight before
    opened.until(facts.search.hasFocus)
    assert facts.isVisible()


def test_nothing_is_read_before_it_is_looked_at(
    five: Archive, open_window: Open, monkeypatch: pytest.MonkeyPatch, tagged: Path
) -> None:
    read: list[str] = []
    plain = previews.file_tags
    monkeypatch.setattr(previews, "file_tags", lambda pictures, path: [read.append(Path(path).stem), plain(pictures, path)][1])
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.press("jj")
    opened.until(lambda: opened.page.details.toPlainText() != "")
    assert read == []
    opened.press("i")
    opened.until(lambda: read == ["c"])


def test_what_cannot_be_read_says_so(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    Path(opened.current().path).write_bytes(b"no picture")
    opened.press("i")
    facts = opened.page.known.facts
    opened.until(lambda: facts.words.text().startswith("Not read: "))
    assert facts.shown() == (Fact("Origin", "traces", "It was not looked for."),)
