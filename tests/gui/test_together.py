"""Several images at once: near copies with a tick each, and how many a decision is for."""

from collections.abc import Callable
from pathlib import Path

from archives import START, Archive, Opened
from PySide6.QtCore import Qt
from sqlalchemy import select
from test_deciding import stored

from scanner.database.models import File
from scanner.domain.states import Decision
from scanner.quarantine.removals import quarantine
from scanner.review.decisions import decide

Open = Callable[..., Opened]


def caption(opened: Opened, decision: Decision = Decision.FAKE) -> str:
    return opened.page.deciding.buttons[decision].text()


def ticks(opened: Opened) -> dict[str, bool]:
    """Each near copy in the strip, and whether it is ticked."""
    near = opened.page.look.near.list
    rows = (near.item(row) for row in range(near.count()))
    return {Path(row.data(Qt.ItemDataRole.UserRole).path).stem: row.checkState() == Qt.CheckState.Checked for row in rows}


def test_only_copies_that_agree_are_ticked(archive: Archive, open_window: Open) -> None:
    """The untouched original of a forged face is a near copy of it, too."""
    archive.add("forged.png", 0.99, fingerprint=0b1111)
    archive.add("resaved.png", 0.9, fingerprint=0b1111)
    archive.add("original.png", 0.02, fingerprint=0b1111)
    archive.add("other.png", 0.97, fingerprint=0b1100)
    archive.add("decided.png", 0.96, fingerprint=0b1111)
    with archive.database.read() as session:
        content = session.scalar(select(File.content_id).where(File.path.endswith("decided.png")))
    decide(archive.database, [content], Decision.REAL, note=None, reviewer="ben", now=START)
    opened = open_window()
    opened.unstack()
    opened.shows("forged", "other", "resaved")
    near = opened.page.look.near
    opened.until(lambda: len(near.copies) == 4)
    assert near.ticked == ()
    assert caption(opened).endswith("Fake (F)")
    words = {Path(copy.path).stem: near.list.item(row).text() for row, copy in enumerate(near.copies)}
    assert words["original"].startswith("\N{BLACK CIRCLE} nothing found 0.02")
    assert words["decided"].endswith("reviewed: real")
    opened.press("g")
    assert ticks(opened) == {"resaved": True, "original": False, "other": False, "decided": False}
    assert caption(opened).endswith("Fake \N{MULTIPLICATION SIGN}2 (F)")
    near.list.item([Path(copy.path).stem for copy in near.copies].index("other")).setCheckState(Qt.CheckState.Checked)
    assert caption(opened, Decision.REAL).endswith("Real \N{MULTIPLICATION SIGN}3 (R)")
    opened.press("f")
    opened.shows()
    assert sorted(name for name, decision, _ in stored(archive) if decision == "fake") == ["forged", "other", "resaved"]
    opened.press("z")  # one act
    opened.shows("forged", "other", "resaved")


def test_a_copy_that_was_moved_away_is_not_decided_on(archive: Archive, open_window: Open) -> None:
    archive.add("a.png", 0.99, fingerprint=0b1111)
    gone = archive.add("gone.png", 0.9, fingerprint=0b1111)
    opened = open_window()
    opened.unstack()
    opened.shows("a", "gone")
    opened.until(lambda: len(opened.page.look.near.copies) == 1)
    opened.press("g")
    assert caption(opened).endswith("Fake \N{MULTIPLICATION SIGN}2 (F)")
    acts = opened.window.acts
    assert acts is not None
    [item] = [item for row in range(2) if (item := opened.presenter.model.item(row)) and item.path == str(gone)]
    quarantine(acts._journal, item.file_id, str(archive.data_dir / "kept"), reviewer="ben")
    opened.shows("a")
    opened.until(lambda: opened.page.look.near.copies == ())
    assert caption(opened).endswith("Fake (F)")


def test_other_images_have_other_copies(archive: Archive, open_window: Open) -> None:
    for name, score in (("a", 0.99), ("b", 0.98), ("c", 0.97)):
        archive.add(f"{name}.png", score, fingerprint=0b1111)
    opened = open_window()
    opened.unstack()
    opened.shows("a", "b", "c")
    opened.until(lambda: len(opened.page.look.near.copies) == 2)
    opened.press("g")
    assert len(opened.page.look.near.ticked) == 2
    opened.press("j")
    assert not opened.page.look.near.group.isChecked()
    assert caption(opened).endswith("Fake (F)")


def test_the_selection_says_how_many(five: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "b", "c", "d")
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert caption(opened).endswith("Fake \N{MULTIPLICATION SIGN}4 (F)")
    assert opened.page.look.summary.text().startswith("4 images selected")
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_Escape)
    assert caption(opened).endswith("Fake (F)")
    assert not opened.page.look.summary.text().startswith("4")
