"""How many files a worker claims at once."""

import pytest

from worker.pipeline.in_hand import BATCH_BYTES, BATCH_SECONDS, FIRST_FILES, LEAST_FILES, Pace


def after(pace: Pace, seconds_each: float, *, bytes_each: float = 1, batches: int = 12) -> int:
    """How many files are claimed once `batches` have taken so long, whatever their size."""
    for _ in range(batches):
        pace.recorded(pace.files, pace.files * seconds_each, bytes_each)
    return pace.files


def test_it_begins_with_a_batch_of_usual_size() -> None:
    assert Pace(most=64).files == FIRST_FILES


@pytest.mark.parametrize(
    ("seconds_each", "files"),
    [(0.001, 64), (0.05, int(BATCH_SECONDS / 0.05)), (0.5, LEAST_FILES), (60.0, LEAST_FILES)],
)
def test_as_many_as_are_done_in_about_a_second(seconds_each: float, files: int) -> None:
    assert after(Pace(most=64), seconds_each) == pytest.approx(files, abs=1)


@pytest.mark.parametrize("seconds_each", [0.001, 60.0])
def test_never_more_than_is_set(seconds_each: float) -> None:
    pace = Pace(most=2)

    assert pace.files == after(pace, seconds_each) == 2


def test_two_that_are_recorded_at_once_are_not_taken_for_quick() -> None:
    pace = Pace(most=64)
    after(pace, 0.05)

    for _ in range(6):
        pace.recorded(20, 2.0, 1)
        pace.recorded(20, 0.0, 1)

    assert 10 <= pace.files <= 40


def test_a_pause_is_soon_forgotten() -> None:
    pace = Pace(most=64)
    after(pace, 0.005)

    pace.recorded(64, 3600.0, 1)

    assert pace.files < 64
    assert after(pace, 0.005, batches=6) == 64


def test_a_batch_without_anything_says_nothing() -> None:
    pace = Pace(most=64)
    files = after(pace, 0.04, bytes_each=BATCH_BYTES / 20)

    pace.recorded(0, 5.0, 0.0)

    assert pace.files == files == 20


@pytest.mark.parametrize(
    ("bytes_each", "files"), [(110_000, 64), (BATCH_BYTES / 40, 40), (44_000_000, LEAST_FILES), (BATCH_BYTES * 2, LEAST_FILES)]
)
def test_no_more_than_memory_takes(bytes_each: float, files: int) -> None:
    """A crowd has a hundred faces, and each is shown four times."""
    assert after(Pace(most=64), 0.001, bytes_each=bytes_each) == files
