"""What a worker does about trouble that is no file's fault: wait, ever longer, and try again (a circuit breaker; Nygard,
Release It!, 2nd edition, chapter 5)."""

from collections.abc import Callable
from time import sleep

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0
STEP_SECONDS = 0.2


class Breaker:
    """Closed while all is well. `pause` waits (less when `should_stop()`); each pause in a row is twice as long."""

    def __init__(self, should_stop: Callable[[], bool], sleep: Callable[[float], None] = sleep) -> None:
        self._should_stop = should_stop
        self._sleep = sleep
        self._next = FIRST_SECONDS

    @property
    def next_seconds(self) -> float:
        """How long the next pause will be."""
        return self._next

    def close(self) -> None:
        """All is well again."""
        self._next = FIRST_SECONDS

    def pause(self) -> None:
        """Wait before the next try."""
        left, self._next = self._next, min(2 * self._next, LONGEST_SECONDS)
        while left > 0 and not self._should_stop():
            self._sleep(min(STEP_SECONDS, left))
            left -= STEP_SECONDS
