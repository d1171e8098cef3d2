"""How quickly the backlog shrinks, and how long it will last."""

from collections import deque
from dataclasses import dataclass

_WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class Progress:
    """`rate` in files per second, 0 while it is not known; `seconds_left` None then."""

    pending: int
    finished: int
    rate: float
    seconds_left: float | None


class Pace:
    """Looks at counts now and then; the rate is that of the last minute."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()

    def look(self, at: float, *, pending: int, finished: int) -> Progress:
        """`at` in seconds of a monotonic clock; `finished` counts files with a verdict or a reason."""
        if self._looks and finished < self._looks[-1][1]:
            self._looks.clear()  # files became pending again: another count
        self._looks.append((at, finished))
        while len(self._looks) > 2 and at - self._looks[1][0] > _WINDOW_SECONDS:
            self._looks.popleft()
        began, first = self._looks[0]
        rate = (finished - first) / (at - began) if at > began and pending else 0.0
        return Progress(pending, finished, rate, pending / rate if rate > 0 else None)
