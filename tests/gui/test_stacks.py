"""Near copies share a tile, which tells how many it stands for; nothing is decided on those that are hidden."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from archives import Archive, Opened
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester
from test_deciding import stored
from test_together import caption
from test_undo import counting

from gui.models.near_heads import NEAR
from gui.models.queue_model import STACK_ROLE, QueueModel
from gui.models.stacks import StackPart
from scanner.review.criteria import Order
from scanner.review.ordering import QueueItem, sort_key

Open = Callable[..., Opened]
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def copies(archive: Archive) -> Archive:
    """a has two near copies, b and d; c is alone; e looks the same and has another label; f is nothing like them."""
    for name, score, fingerprint in (
        ("a", 0.99, 0b1111),
        ("b", 0.95, 0b1110),
        ("c", 0.9, None),
        ("d", 0.85, 0b0111),
        ("e", 0.6, 0b1111),
        ("f", 0.55, 0b1111 << 40),
    ):
        archive.add(f"{name}.png", score, fingerprint=fingerprint)
    return archive


def part(opened: Opened, name: str) -> StackPart | None:
    found: StackPart | None = opened.presenter.model.index(opened.names.index(name), 0).data(STACK_ROLE)
    return found


def click_count(opened: Opened, name: str) -> None:
    grid = opened.page.grid
    index = opened.presenter.model.index(opened.names.index(name), 0)
    place = grid.itemDelegate().count_rect(grid.visualRect(index), index.data(STACK_ROLE))
    opened.bot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place.center())


def test_a_stack_opens_and_closes_by_key_and_mouse(copies: Archive, open_window: Open, qtmodeltester: ModelTester) -> None:
    opened = open_window()
    opened.shows("a", "c", "e", "f")
    qtmodeltester.check(opened.presenter.model)
    assert part(opened, "a") == StackPart(3, is_head=True, is_open=False)
    assert part(opened, "c") is None
    assert opened.presenter.model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole).endswith(", a stack of 3")
    opened.press("s")
    opened.shows("a", "b", "d", "c", "e", "f")  # behind its head, whatever their scores are
    qtmodeltester.check(opened.presenter.model)
    assert part(opened, "d") == StackPart(3, is_head=False, is_open=True)
    opened.press("jj")
    assert opened.current().path.endswith("d.png")
    opened.press("s")
    opened.shows("a", "c", "e", "f")
    assert opened.current().path.endswith("a.png")
    click_count(opened, "a")
    opened.shows("a", "b", "d", "c", "e", "f")
    click_count(opened, "a")
    opened.shows("a", "c", "e", "f")
    opened.until(lambda: opened.tabs[0] == "To review  6")


def test_what_a_stack_shows_is_scrolled_into_sight(copies: Archive, open_window: Open) -> None:
    for name in ("0", "1"):
        copies.add(f"{name}.png", 0.995)
    opened = open_window()
    opened.until(lambda: len(opened.names) == 6)
    grid = opened.page.grid
    grid.setFixedSize(220, 470)  # two rows of one image
    for open_by in (lambda: opened.press("s"), lambda: click_count(opened, "a")):
        grid.go_to(opened.names.index("a"))
        room = grid.viewport().rect()
        assert not room.intersects(grid.visualRect(opened.presenter.model.index(opened.names.index("a") + 1, 0)))
        open_by()
        opened.until(lambda: "b" in opened.names)
        for name in "ab":
            assert room.contains(grid.visualRect(opened.presenter.model.index(opened.names.index(name), 0)))
        opened.press("s")
        grid.verticalScrollBar().setValue(0)


def test_a_decision_on_a_closed_stack_is_for_the_image_in_sight_alone(copies: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "c", "e", "f")
    assert opened.page.look.stacked.text() == "2 more in the stack"
    assert opened.page.look.stacked.toolTip() == "A decision counts for this image alone, not for the 2 near copies in its stack"
    assert caption(opened).endswith("Fake (F)")
    opened.press("f")
    opened.shows("b", "c", "e", "f")  # the next of them comes forward
    assert [(name, decision) for name, decision, _ in stored(copies)] == [("a", "fake")]
    assert part(opened, "b") == StackPart(2, is_head=True, is_open=False)
    opened.press("z")
    opened.until(lambda: opened.current().path.endswith("a.png"))
    opened.bot.keyClick(opened.page.grid, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    count = len(opened.names)
    assert caption(opened).endswith(f"Fake \N{MULTIPLICATION SIGN}{count} (F)")


def test_the_hidden_ones_are_decided_on_by_their_ticks(copies: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "c", "e", "f")
    near = opened.page.look.near
    opened.until(lambda: len(near.copies) == 3)
    opened.press("g")
    near.list.item([Path(copy.path).stem for copy in near.copies].index("b")).setCheckState(Qt.CheckState.Checked)
    assert caption(opened).endswith("Fake \N{MULTIPLICATION SIGN}2 (F)")
    opened.press("f")
    opened.shows("c", "d", "e", "f")
    assert sorted(name for name, decision, _ in stored(copies) if decision == "fake") == ["a", "b"]
    opened.press("z")
    opened.until(lambda: opened.current().path.endswith("a.png"))


def test_an_open_stack_stays_open_when_its_head_is_decided_on(copies: Archive, open_window: Open) -> None:
    """The image in sight is one of its others."""
    opened = open_window()
    opened.shows("a", "c", "e", "f")
    opened.press("sf")
    opened.shows("b", "d", "c", "e", "f")
    assert opened.current().path.endswith("b.png")
    opened.press("f")
    opened.shows("d", "c", "e", "f")
    assert opened.current().path.endswith("d.png")
    opened.press("zz")
    opened.until(lambda: opened.current().path.endswith("a.png"))
    assert sorted(opened.names) == ["a", "b", "c", "d", "e", "f"]


def test_an_undo_shows_what_came_back_into_a_stack(copies: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "c", "e", "f")
    opened.press("sj")
    assert opened.current().path.endswith("b.png")
    opened.press("f")
    opened.shows("a", "d", "c", "e", "f")
    opened.press("ks")
    opened.shows("a", "c", "e", "f")
    opened.press("z")
    opened.shows("a", "b", "d", "c", "e", "f")
    assert opened.current().path.endswith("b.png")


def test_stacks_can_be_done_without(copies: Archive, open_window: Open) -> None:
    opened = open_window()
    opened.shows("a", "c", "e", "f")
    opened.window.actions_of.stacking.trigger()
    opened.shows("a", "b", "c", "d", "e", "f")
    opened.window.close()
    again = open_window()
    again.shows("a", "b", "c", "d", "e", "f")
    assert not again.window.actions_of.stacking.isChecked()


class NoThumbnails:
    class ready:
        @staticmethod
        def connect(_: object) -> None:
            """No thumbnail ever comes."""


def item(file_id: int, score: float, fingerprint: int | None, label: str = "fake") -> QueueItem:
    return QueueItem(file_id, file_id, f"/{file_id}", score, label, None, START, None, True, False, fingerprint)


def seen(model: QueueModel) -> list[int]:
    return [found.file_id for row in range(model.rowCount()) if (found := model.item(row))]


def every(model: QueueModel) -> list[int]:
    """Whatever has a row or stands behind one."""
    return sorted(found.file_id for found in model.of_content(range(10_000)))


def paged(pages: Sequence[Sequence[QueueItem]]) -> QueueModel:
    model = QueueModel(NoThumbnails())  # type: ignore[arg-type]
    model.start(Order.MOST_CERTAIN, pages[0], complete=len(pages) == 1)
    for number, page in enumerate(pages[1:], 2):
        model.append(page, complete=number == len(pages))
    return model


def test_a_page_that_is_hidden_altogether_asks_for_the_next(qtbot: Any) -> None:
    model = paged([[item(9, 0.9, 1)], []])
    asked: list[bool] = []
    model.more_wanted.connect(lambda: asked.append(True))
    model.append([item(8, 0.8, 1), item(7, 0.7, 1)], complete=False)
    assert (seen(model), model.last and model.last.file_id, asked) == ([9], 7, [True])
    model.append([item(6, 0.6, None)], complete=True)
    assert (seen(model), asked) == ([9, 6], [True])


def test_nothing_is_lost_and_rows_stay_in_order(qtbot: Any) -> None:
    """Whatever is opened, closed, decided on, brought back and changed: each image is there once, in the order of the rows."""
    import random

    rng = random.Random(16)
    everything = {n: item(n, round(rng.uniform(0.5, 1), 3), rng.choice([None, 1, 3, 7, 255, 1 << 50])) for n in range(1, 121)}
    listed = sorted(everything.values(), key=lambda one: sort_key(Order.MOST_CERTAIN, one))
    model = paged([listed[:40], listed[40:80], listed[80:]])
    there = set(everything)
    for _ in range(1500):
        chosen = rng.sample(sorted(everything), rng.randint(1, 4))
        match rng.choice(["toggle", "leave", "come", "change", "reveal"]):
            case "toggle":
                row = model.item(rng.randrange(max(1, model.rowCount())))
                if row is not None:
                    model.toggle_stack(row.file_id)
            case "leave":
                model.bring_up_to_date(chosen, [])
                there -= set(chosen)
            case "come":
                model.bring_up_to_date(chosen, [everything[n] for n in chosen])
                there |= set(chosen)
            case "change":
                for n in chosen:
                    everything[n] = item(
                        n, round(rng.uniform(0.5, 1), 3), rng.choice([None, 1, 3, 7]), rng.choice(["fake", "uncertain"])
                    )
                model.bring_up_to_date(chosen, [everything[n] for n in chosen])
                there |= set(chosen)
            case "reveal":
                model.reveal(chosen)
                assert all(model.row_of(n) is not None for n in chosen if n in there)
        assert every(model) == sorted(there)
        rows = [model.item(row) for row in range(model.rowCount())]
        keys = [model._key(found) for found in rows if found]
        assert keys == sorted(keys)
    for found in rows:
        behind = model._stacks.members(found.file_id) if found else []
        assert all(other.label == found.label for other in behind if found)
    assert NEAR == 3


def test_fifty_decisions_through_stacks_and_fifty_undos(archive: Archive, open_window: Open) -> None:
    """Each decision is for one image, and each undo brings that one back into sight, whatever stack it went into."""
    for number in range(54):
        look = int.from_bytes(hashlib.sha256(bytes([number % 18])).digest()[:8], "big", signed=True)
        archive.add(f"{number:02}.png", 0.99 - number / 200, fingerprint=look)
    opened = open_window()
    opened.until(lambda: len(opened.names) > 0 and opened.presenter.model.is_complete)
    assert len(opened.names) < 54
    decided: list[str] = []
    for number in range(50):
        decided.append(Path(opened.current().path).stem)
        opened.press("fru"[number % 3])
        left = 54 - len(decided)
        opened.until(lambda left=left: len(opened.presenter.model.of_content(range(1, 1000))) == left)
    assert len(set(decided)) == 50
    wanted = {name: ("fake", "real", "unsure")[number % 3] for number, name in enumerate(decided)}
    assert counting(archive) == wanted
    for name in reversed(decided):
        opened.press("z")
        opened.until(lambda name=name: opened.page.current() is not None and Path(opened.current().path).stem == name)
        del wanted[name]
        assert counting(archive) == wanted
    assert len(opened.presenter.model.of_content(range(1, 1000))) == 54
