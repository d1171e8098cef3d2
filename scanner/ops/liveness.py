"""Whether the service's loop still turns."""

from collections.abc import Callable
from time import monotonic

# A loop that has not turned for this long is stuck.
ALIVE_SECONDS = 120.0


class Liveness:
    """When the service's loop last turned, by a monotonic clock."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """The loop has turned."""
        self._last = self._clock()

    @property
    def is_alive(self) -> bool:
        """Whether it has turned lately."""
        return self._clock() - self._last < ALIVE_SECONDS
