"""What a worker does about trouble that is no file's fault: wait, ever longer, and try again (a circuit breaker; Nygard,
Release It!, 2nd edition, chapter 5)."""

from collections.abc import Callable
from time import sleep

from scanner.base.backoff import seconds_before_retry

STEP_SECONDS = 0.2


class Breaker:
    """Closed while all is well. `pause` waits (less when `should_stop()`), the longer the more pauses there were in a row."""

    def __init__(self, should_stop: Callable[[], bool], sleep: Callable[[float], None] = sleep) -> None:
        self._should_stop = should_stop
        self._sleep = sleep
        self._pauses = 0

    @property
    def next_seconds(self) -> float:
        """How long the next pause will be."""
        return seconds_before_retry(self._pauses + 1)

    @property
    def has_paused(self) -> bool:
        """Whether the last try failed."""
        return self._pauses > 0

    def close(self) -> None:
        """All is well again."""
        self._pauses = 0

    def pause(self) -> None:
        """Wait before the next try."""
        left = self.next_seconds
        self._pauses += 1
        while left > 0 and not self._should_stop():
            self._sleep(min(STEP_SECONDS, left))
            left -= STEP_SECONDS
