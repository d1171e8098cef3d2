"""Files that come without being written and closed at their place, and are taken in without a sweep."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from files.watched import Heard, ledger, states
from sqlalchemy import select

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.settle import GROWS
from scanner.discovery.watcher_supervisor import Hint, Watching

WaitUntil = Callable[[Callable[[], bool], float, str], None]
Start = Callable[..., object]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file is told of when it is made")


def _link(outside: Path, root: Path) -> None:
    (outside / "a.jpg").write_bytes(b"x")
    os.link(outside / "a.jpg", root / "a.jpg")


def _link_a_finished_one(outside: Path, root: Path) -> None:
    _link(outside, root)
    (outside / "a.jpg").unlink()


def _copy_as_links(outside: Path, root: Path) -> None:
    (root / "new" / "deep").mkdir(parents=True)
    _link(outside, root / "new" / "deep")


def _link_a_nameless_one(_outside: Path, root: Path) -> None:
    try:
        made = os.open(root, os.O_TMPFILE | os.O_WRONLY)
    except OSError:
        pytest.skip("no file without a name can be made here")
    os.write(made, b"x")
    folder = os.open(root, os.O_RDONLY)  # with one, Python calls linkat(2), which follows
    os.link(f"/proc/self/fd/{made}", "a.jpg", src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
    os.close(folder)
    os.close(made)


def _replace(outside: Path, root: Path) -> None:
    (outside / "a.jpg").write_bytes(b"x")
    (root / "old.jpg").write_bytes(b"older")
    (outside / "a.jpg").replace(root / "a.jpg")


def _symbolic_link(_outside: Path, root: Path) -> None:
    (root / "target").write_bytes(b"x")
    (root / "a.jpg").symlink_to(root / "target")


@pytest.mark.parametrize(
    "arrive",
    [
        _link,
        _link_a_finished_one,
        _copy_as_links,
        _link_a_nameless_one,
        _replace,
        _symbolic_link,
    ],
)
def test_what_comes_without_a_close_is_found(
    local: Database, root: Path, tmp_path: Path, start: Start, wait_until: WaitUntil, arrive: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "outside").mkdir()
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    arrive(tmp_path / "outside", root)
    wait_until(lambda: states(local).get("a.jpg") == "pending", 60, "the file")
    wait_until(lambda: ledger(local).found_by_events >= 1, 60, "the count")
    assert ledger(local).found_by_sweep == 0


def test_a_link_whose_target_comes_later_is_found(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    (root / "a.jpg").symlink_to(root / "target")
    wait_until(lambda: states(local).get("a.jpg") == "skipped", 60, "the link to nothing")
    (root / "target").write_bytes(b"x")
    wait_until(lambda: states(local).get("a.jpg") == "pending", 60, "the file")


def test_a_file_that_is_written_slowly_waits_for_its_end(
    local: Database, root: Path, start: Start, wait_until: WaitUntil
) -> None:
    """It is made long before it is closed, and not written to for longer than a file takes to settle."""
    start(settle_seconds=2.0)
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    with (root / "slow.jpg").open("wb", buffering=0) as slow:
        slow.write(b"x")
        (root / "new").mkdir()  # what is in it is found while the other one waits
        for number in range(3):
            (root / "new" / f"{number}.jpg").write_bytes(b"x")
        wait_until(lambda: len(states(local)) == 3, 60, "the others")
        assert "slow.jpg" not in states(local)
        slow.write(b"y")
    wait_until(lambda: "slow.jpg" in states(local), 60, "the file")
    with local.read() as session:
        assert session.scalars(select(File.size).where(File.path == str(root / "slow.jpg"))).one() == 2


def test_a_file_that_stays_open_is_not_judged(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    """However long nothing is written to it: that is its stated reason until it is closed."""
    start(settle_seconds=0.1)
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    with (root / "slow.jpg").open("wb", buffering=0) as slow:
        slow.write(b"x")
        wait_until(lambda: "slow.jpg" in states(local), 60, "the reason")
        os.link(root / "slow.jpg", root / "last.jpg")
        assert states(local)["slow.jpg"] == "skipped"
        with local.read() as session:
            assert session.scalars(select(File.error).where(File.path == str(root / "slow.jpg"))).one() == GROWS
    wait_until(lambda: states(local) == {"slow.jpg": "pending", "last.jpg": "pending"}, 60, "the file")


def test_a_file_that_is_written_at_once_is_named_once(watched: Watching, root: Path, heard: Heard, wait_until: WaitUntil) -> None:
    """Each name more costs in a burst."""
    for number in range(500):
        (root / f"{number}.jpg").write_bytes(b"x")
    os.link(root / "0.jpg", root / "last.jpg")
    wait_until(lambda: str(root / "last.jpg") in heard.paths(), 60, "the last one")
    hints = [notice for notice in heard.all() if isinstance(notice, Hint)]
    assert sum(hint.is_made for hint in hints) == 1
    assert len(hints) == 501
