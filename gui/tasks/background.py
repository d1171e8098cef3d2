"""Work off the GUI's thread: answers come back on it, stale ones are dropped, nothing runs on after the end."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from scanner.base.errors import KnownError


@dataclass(frozen=True)
class _Answer:
    topic: str | None
    number: int
    deliver: Callable[[Any], None]
    value: Any


class Background(QObject):
    """A few threads that take `work` and give back on this object's thread.

    A newer question on the same topic makes the answer to an older one stale: it is dropped, and if it has not begun, it never
    will.
    KnownErrors go to `failed`; anything else is a bug and is raised on the GUI's thread.
    """

    _answered = Signal(object)

    def __init__(self, name: str, threads: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._latest: dict[str, int] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._answered.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def is_idle(self) -> bool:
        """Whether every answer has been delivered."""
        return self._waiting == 0

    def ask(
        self,
        work: Callable[[], Any],
        answered: Callable[[Any], None],
        failed: Callable[[KnownError], None],
        topic: str | None = None,
    ) -> None:
        """Run `work` in the background, then `answered` or `failed` here."""
        if self._closed:
            return
        with self._lock:
            self._number += 1
            number = self._number
            if topic is not None:
                self._latest[topic] = number
        self._waiting += 1
        self._pool.submit(self._work, topic, number, work, answered, failed)

    def forget(self, topic: str) -> None:
        """Drop the answers to what was asked on `topic` so far."""
        with self._lock:
            self._number += 1
            self._latest[topic] = self._number

    def close(self, *, finish: bool = False) -> None:
        """Let what runs end, and drop everything else; with `finish`, do what waits, too. Answers are dropped either way."""
        if finish:
            self._pool.shutdown(wait=True)
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _is_stale(self, topic: str | None, number: int) -> bool:
        with self._lock:
            return topic is not None and self._latest.get(topic) != number

    def _work(
        self,
        topic: str | None,
        number: int,
        work: Callable[[], Any],
        answered: Callable[[Any], None],
        failed: Callable[[KnownError], None],
    ) -> None:
        deliver: Callable[[Any], None] = answered
        value: Any = None
        if not self._is_stale(topic, number) and not self._closed:
            try:
                value = work()
            except KnownError as error:
                deliver, value = failed, error
            except Exception as error:
                deliver, value = _raise, error
        if not self._closed:
            self._answered.emit(_Answer(topic, number, deliver, value))

    @Slot(object)
    def _take(self, answer: _Answer) -> None:
        self._waiting -= 1
        if not self._closed and not self._is_stale(answer.topic, answer.number):
            answer.deliver(answer.value)


def _raise(error: Exception) -> None:
    raise error
