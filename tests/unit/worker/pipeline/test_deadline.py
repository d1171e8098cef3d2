"""How long a worker may take; the clock is ours."""

import pytest

from scanner.domain.claims import Claimed
from worker.pipeline.deadline import AwakeClock, Deadline

FILE = Claimed(1, "/a.jpg", 1, 1)


class Passed:
    """A deadline of 10 s for a file and 60 s for a batch, and what it was told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[tuple[Claimed | None, float]] = []
        self.deadline = Deadline(10, 60, lambda file, seconds: self.told.append((file, seconds)), lambda: self.now)

    def at(self, now: float) -> list[tuple[Claimed | None, float]]:
        self.now = now
        self.deadline.check()
        return self.told


@pytest.fixture
def passed() -> Passed:
    return Passed()


def test_an_idle_worker_may_take_for_ever(passed: Passed) -> None:
    assert passed.at(1e6) == []


def test_a_file_that_is_read_for_too_long_is_named(passed: Passed) -> None:
    with passed.deadline.busy(), passed.deadline.reading(FILE):
        assert passed.at(10) == []
        assert passed.at(10.5) == [(FILE, 10.5)]


def test_a_file_of_a_slow_disk_is_waited_for_while_pieces_come(passed: Passed) -> None:
    with passed.deadline.busy(), passed.deadline.reading(FILE) as read_on:
        for now in range(9, 59, 9):
            assert passed.at(now) == []
            read_on()
        assert passed.at(65) == [(FILE, 11.0)]


def test_time_in_which_the_worker_was_stopped_is_not_counted() -> None:
    now, told = [0.0], list[Claimed | None]()
    deadline = Deadline(10, 60, lambda file, _: told.append(file), AwakeClock(lambda: now[0]))
    with deadline.busy(), deadline.reading(FILE):
        for gap in (1.0, 5000.0, 1.0, -5000.0, 1.0):
            now[0] += gap
            deadline.check()
        assert told == []
        for _ in range(10):
            now[0] += 1.0
            deadline.check()
    assert told[:1] == [FILE]


def test_a_file_that_was_read_is_forgotten(passed: Passed) -> None:
    with passed.deadline.busy():
        with passed.deadline.reading(FILE):
            pass
        assert passed.at(59) == []


def test_progress_gives_another_batch_its_time(passed: Passed) -> None:
    with passed.deadline.busy():
        assert passed.at(59) == []
        passed.deadline.progress()
        assert passed.at(118) == []
        assert passed.at(120) == [(None, 61)]


def test_what_is_done_is_not_counted(passed: Passed) -> None:
    with passed.deadline.busy():
        passed.at(50)
    assert passed.at(1000) == []
    with passed.deadline.busy():
        assert passed.at(1050) == []


def test_it_is_forgotten_after_an_error_too(passed: Passed) -> None:
    def fail() -> None:
        with passed.deadline.busy(), passed.deadline.reading(FILE):
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert passed.at(1000) == []
