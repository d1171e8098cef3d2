"""Saying how many folders cannot be read: when that changes, and not again and again where it changes all the time."""

import logging
from collections import deque
from collections.abc import Callable

from ..base.escape import printable

LINES = 5
IN_SECONDS = 600.0


class UnreadableLog:
    """At most LINES in IN_SECONDS; then the last state is said later. `clock` is monotonic, in seconds."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float]) -> None:
        self._log = log
        self._clock = clock
        self._now: tuple[int, str | None] = (0, None)
        self._said = 0
        self._times: deque[float] = deque(maxlen=LINES)

    def note(self, folders: int, first: str | None) -> None:
        """So many cannot be read now; the path of one."""
        self._now = (folders, first)
        self.say()

    def say(self) -> None:
        """Say what is not said yet, if there may be a line."""
        folders, first = self._now
        if folders == self._said or (len(self._times) == LINES and self._clock() - self._times[0] < IN_SECONDS):
            return
        self._said = folders
        self._times.append(self._clock())
        if folders:
            such = f"{folders:,}, such as {printable(first or '')}"
            self._log.warning("folders that cannot be read, and are not watched until they can: %s", such)
        else:
            self._log.warning("every folder can be read again, and is watched")
