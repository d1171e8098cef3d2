"""How long a worker may be busy with one file, or without any progress, before it is ended: on Celery's solo pool time limits
do nothing (celery issue 9203)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from scanner.domain.claims import Claimed

# The deadlines are looked at every second. Whoever looks after much longer was stopped, or had no processor.
LONGEST_LOOK_SECONDS = 5.0


class AwakeClock:
    """Seconds in which this process could run, if it is read often: a gap between two readings counts as a short one.

    It stands while the machine sleeps, a container is paused or a process is stopped, and knows nothing of the time of day.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last, self._seconds = clock(), 0.0

    def __call__(self) -> float:
        """The seconds until now."""
        with self._lock:
            now = self._clock()
            self._seconds += min(max(now - self._last, 0.0), LONGEST_LOOK_SECONDS)
            self._last = now
            return self._seconds


class Deadline:
    """Calls `expire` (from a thread of its own) when one is passed, with the file at fault if it is known.

    `clock` is in seconds, and best an AwakeClock (None: one is made).
    """

    def __init__(
        self,
        file_seconds: float,
        batch_seconds: float,
        expire: Callable[[Claimed | None, float], None],
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._file_seconds = file_seconds
        self._batch_seconds = batch_seconds
        self._expire = expire
        self._clock = clock or AwakeClock()
        self._lock = threading.Lock()
        self._busy_since: float | None = None
        self._file: tuple[Claimed, float] | None = None

    @contextmanager
    def busy(self) -> Iterator[None]:
        """The worker has something in hand, and must show `progress` now and then."""
        self.progress()
        try:
            yield
        finally:
            with self._lock:
                self._busy_since = None

    def progress(self) -> None:
        """A batch was begun or concluded."""
        with self._lock:
            self._busy_since = self._clock()

    @contextmanager
    def reading(self, file: Claimed) -> Iterator[Callable[[], None]]:
        """The worker reads `file`, which may never answer (a network drive that hangs); call what is given after each piece."""

        def read_on() -> None:
            with self._lock:
                self._file = (file, self._clock())

        read_on()
        try:
            yield read_on
        finally:
            with self._lock:
                self._file = None

    def check(self) -> None:
        """Call `expire` if a deadline has passed."""
        with self._lock:
            now, file, busy_since = self._clock(), self._file, self._busy_since
        if file is not None and now - file[1] > self._file_seconds:
            self._expire(file[0], now - file[1])
        elif busy_since is not None and now - busy_since > self._batch_seconds:
            self._expire(None, now - busy_since)

    def watch(self, every: float = 1.0) -> None:
        """Check again and again, in a thread that ends with the process."""

        def go_on() -> None:
            ticker = threading.Event()
            while not ticker.wait(every):
                self.check()

        threading.Thread(target=go_on, name="deadline", daemon=True).start()
