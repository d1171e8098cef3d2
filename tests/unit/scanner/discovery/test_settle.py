"""Waiting until a file is complete. The clock is ours."""

from dataclasses import dataclass, field

import pytest

from scanner.discovery.settle import Settling
from scanner.discovery.walk import Entry, Found, Skipped


@dataclass
class Disk:
    """What a look at each path shows now, and what time it is."""

    time: float = 100.0
    files: dict[str, Entry] = field(default_factory=dict)

    def write(self, path: str, size: int, mtime_ns: int = 0) -> Found:
        entry = Found(path, size, mtime_ns)
        self.files[path] = entry
        return entry

    def look(self, path: str) -> Entry | None:
        return self.files.get(path)

    def clock(self) -> float:
        return self.time


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def settling(disk: Disk) -> Settling:
    return Settling(2.0, disk.clock)


def test_settled_after_long_enough(disk: Disk, settling: Settling) -> None:
    """A file is settled when it stays the same long enough."""
    entry = disk.write("a", 1)
    settling.watch_over(entry)
    disk.time += 1.9
    assert settling.settled(disk.look) == []
    assert "a" in settling
    disk.time += 0.1
    assert settling.settled(disk.look) == [entry]
    assert len(settling) == 0
    assert settling.settled(disk.look) == []


@pytest.mark.parametrize("change", [{"size": 2, "mtime_ns": 0}, {"size": 1, "mtime_ns": 1}])
def test_a_change_seen_when_due_starts_the_wait_anew(disk: Disk, settling: Settling, change: dict[str, int]) -> None:
    settling.watch_over(disk.write("a", 1))
    disk.time += 2
    changed = disk.write("a", **change)
    assert settling.settled(disk.look) == []
    disk.time += 1.9
    assert settling.settled(disk.look) == []
    disk.time += 0.1
    assert settling.settled(disk.look) == [changed]


def test_hint_restarts_the_wait(disk: Disk, settling: Settling) -> None:
    """A hint of a change starts the wait anew and one of no change does not."""
    settling.watch_over(disk.write("changes", 1))
    settling.watch_over(disk.write("stays", 1))
    disk.time += 1.5
    settling.watch_over(disk.write("changes", 2))
    settling.watch_over(disk.write("stays", 1))
    disk.time += 0.5
    assert [entry.path for entry in settling.settled(disk.look)] == ["stays"]
    disk.time += 1.5
    assert [entry.path for entry in settling.settled(disk.look)] == ["changes"]


def test_a_file_that_never_stops_growing_never_settles(disk: Disk, settling: Settling) -> None:
    settling.watch_over(disk.write("a", 0))
    for size in range(1, 50):
        disk.time += 2
        disk.write("a", size)
        assert settling.settled(disk.look) == []
    assert "a" in settling


def test_a_vanished_file_is_dropped(disk: Disk, settling: Settling) -> None:
    settling.watch_over(disk.write("a", 1))
    del disk.files["a"]
    disk.time += 2
    assert settling.settled(disk.look) == []
    assert len(settling) == 0


def test_what_is_to_be_skipped_is_given_back(disk: Disk, settling: Settling) -> None:
    """What became something to skip is given back with its reason."""
    settling.watch_over(disk.write("a", 1))
    skipped = disk.files["a"] = Skipped("a", "not a regular file but a FIFO")
    disk.time += 2
    assert settling.settled(disk.look) == [skipped]
    assert len(settling) == 0


def test_files_settle_on_their_own(disk: Disk, settling: Settling) -> None:
    settling.watch_over(disk.write("first", 1))
    disk.time += 1
    settling.watch_over(disk.write("second", 1))
    disk.time += 1
    assert [entry.path for entry in settling.settled(disk.look)] == ["first"]
    assert "second" in settling


def rewritten(disk: Disk, settling: Settling, seconds: int, size: "list[int]", inode: int | None = 7) -> None:
    """Write "a" each second, with these sizes in turn, and tell of it."""
    for second in range(seconds):
        disk.time += 1
        entry = Found("a", size[second % len(size)] if len(size) > 1 else size[0] + second, second, inode, second)
        disk.files["a"] = entry
        settling.watch_over(entry)
        assert settling.settled(disk.look) == []


@pytest.mark.parametrize("sizes", [[5, 5], [9, 3, 4], [6, 5]])
def test_one_that_is_rewritten_all_the_time_is_given_now_and_then(disk: Disk, settling: Settling, sizes: list[int]) -> None:
    rewritten(disk, settling, 29, sizes)
    assert settling.restless(disk.look) == []
    rewritten(disk, settling, 3, sizes)
    assert settling.restless(disk.look) == [disk.files["a"]]
    assert settling.restless(disk.look) == []
    rewritten(disk, settling, 290, sizes)
    assert settling.restless(disk.look) == []
    rewritten(disk, settling, 12, sizes)
    assert settling.restless(disk.look) == [disk.files["a"]]
    disk.time += 2
    assert settling.settled(disk.look) == [disk.files["a"]]  # it came to rest


def test_one_that_only_grows_has_a_reason_until_it_is_complete(disk: Disk, settling: Settling) -> None:
    rewritten(disk, settling, 32, [1])
    assert settling.restless(disk.look) == [Skipped("a", "still being written to")]
    disk.time += 2
    assert settling.settled(disk.look) == [disk.files["a"]]


def test_one_that_is_replaced_by_ever_larger_ones_is_rewritten(disk: Disk, settling: Settling) -> None:
    for second in range(32):
        rewritten(disk, settling, 1, [second], inode=second)
    assert settling.restless(disk.look) == [disk.files["a"]]


def test_one_that_is_gone_meanwhile_is_not_restless(disk: Disk, settling: Settling) -> None:
    rewritten(disk, settling, 32, [5, 5])
    disk.files.clear()
    assert settling.restless(disk.look) == []
