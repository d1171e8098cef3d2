"""Noticing that the machine was suspended: while it slept, nothing was watched."""

import time
from collections.abc import Callable

# Less than this is the jitter of two clocks read one after the other, or a small correction of the time.
LEAST_SECONDS = 20.0


def clock_through_sleep() -> float:
    """Seconds of a clock that goes on while the machine sleeps. On Linux it does not follow corrections of the time."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()


class SleepWatch:
    """Compares a clock that stops while the machine sleeps with one that does not."""

    def __init__(self, awake: Callable[[], float] = time.monotonic, always: Callable[[], float] = clock_through_sleep) -> None:
        self._awake = awake
        self._always = always
        self._lag = always() - awake()

    def has_slept(self) -> bool:
        """Whether the machine slept since the last call. A jump of the time elsewhere than on Linux looks the same: no harm."""
        lag = self._always() - self._awake()
        slept = abs(lag - self._lag) >= LEAST_SECONDS
        self._lag = lag
        return slept
