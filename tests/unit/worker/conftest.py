"""A limit for tests that could hang."""

import signal
from collections.abc import Iterator
from types import FrameType

import pytest


@pytest.fixture
def soon() -> Iterator[None]:
    """Fails the test where it waits for something that never comes, instead of waiting along."""

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        pytest.fail("still waiting after 30 s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
