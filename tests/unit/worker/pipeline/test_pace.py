"""How many files a worker claims at once."""

import pytest

from worker.pipeline.in_hand import BATCH_BYTES, BATCH_SECONDS, FIRST_FILES, LEAST_FILES, Pace


def test_it_begins_with_a_batch_of_usual_size() -> None:
    assert Pace(most=32).files == FIRST_FILES


@pytest.mark.parametrize(
    ("seconds_each", "files"),
    [(0.001, 32), (0.05, int(BATCH_SECONDS / 0.05)), (0.5, LEAST_FILES), (60.0, LEAST_FILES)],
)
def test_as_many_as_are_judged_in_about_a_second(seconds_each: float, files: int) -> None:
    pace = Pace(most=32)

    pace.judged(seconds_each, 1)

    assert pace.files == files


@pytest.mark.parametrize("seconds_each", [0.001, 60.0])
def test_never_more_than_is_set(seconds_each: float) -> None:
    pace = Pace(most=2)
    assert pace.files == 2

    pace.judged(seconds_each, 1)

    assert pace.files == 2


def test_a_batch_without_anything_to_judge_says_nothing() -> None:
    pace = Pace(most=32)
    pace.judged(0.1, 1)

    pace.judged(0.0, 0)

    assert pace.files == int(BATCH_SECONDS / 0.1)


@pytest.mark.parametrize(
    ("bytes_each", "files"), [(110_000, 64), (BATCH_BYTES / 40, 40), (44_000_000, LEAST_FILES), (BATCH_BYTES * 2, LEAST_FILES)]
)
def test_no_more_than_memory_takes(bytes_each: float, files: int) -> None:
    """A crowd has a hundred faces, and each is shown four times."""
    pace = Pace(most=64)

    pace.judged(0.001, bytes_each)

    assert pace.files == files
