"""A picture that is rewritten again and again: read at a moment at which it stands still. It is written where we would wait."""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scanner.domain.claims import Claimed
from scanner.domain.outcomes import Failed, Outcome, Vanished
from worker.pipeline.read import read_image
from worker.pipeline.restless import TRIES, read_at_rest
from worker.pipeline.types import Item


@pytest.fixture
def while_we_wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterator[Callable[[], object]]], None]:
    """`while_we_wait(acts)`: do the next of them at each wait; nothing once there are no more."""

    def set_up(acts: Iterator[Callable[[], object]]) -> None:
        monkeypatch.setattr("worker.pipeline.restless.sleep", lambda _: next(acts, lambda: None)())

    return set_up


def read(path: Path, *, within: Callable[[], object] = lambda: None) -> Item | Outcome:
    """Read it; `within` is done after the first piece."""
    file = Claimed(1, str(path), 1, 1, is_restless=True)
    return read_at_rest(file, str(path), lambda seen: read_image(seen, 10**6, read_on=lambda: within() and None), lambda: None)


def replaced(path: Path, content: bytes) -> Callable[[], object]:
    """By another file, as careful writers do."""

    def act() -> None:
        other = path.with_name("other")
        other.write_bytes(content)
        os.replace(other, path)

    return act


def test_it_is_read_once_it_stands_still(tmp_path: Path, make_picture: Callable[..., Path], while_we_wait) -> None:
    path = make_picture(tmp_path / "cam.jpg")
    content = make_picture(tmp_path / "next.jpg", 1).read_bytes()
    while_we_wait(iter([replaced(path, b"half"), path.unlink, lambda: path.write_bytes(content)]))
    found = read(path)
    assert isinstance(found, Item)
    assert found.facts.sha256 == hashlib.sha256(content).hexdigest()
    [file] = found.files
    assert (file.size, file.mtime_ns) == (1, 1)  # as it was claimed, so that its row is found


def test_one_that_never_stands_still_has_a_reason(tmp_path: Path, make_picture: Callable[..., Path], while_we_wait) -> None:
    path = make_picture(tmp_path / "cam.jpg")
    while_we_wait(iter([replaced(path, b"%d" % number) for number in range(TRIES)]))
    found = read(path)
    assert isinstance(found, Failed)
    assert found.kind == "restless"
    assert "never stood still" in found.reason


def test_one_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, make_picture: Callable[..., Path], while_we_wait
) -> None:
    path = make_picture(tmp_path / "cam.jpg")
    while_we_wait(iter([]))
    longer = iter([path.read_bytes() * 2])

    def grow() -> None:
        if content := next(longer, None):
            path.write_bytes(content)

    found = read(path, within=grow)
    assert isinstance(found, Item)
    assert found.facts.size == path.stat().st_size


def test_one_that_is_gone_is_gone(tmp_path: Path, while_we_wait) -> None:
    while_we_wait(iter([]))
    assert isinstance(read(tmp_path / "cam.jpg"), Vanished)
