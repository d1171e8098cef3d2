"""A pool of limited processes, each with a channel of its own: what goes wrong in one is told of the work that it had in hand."""

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from .confinement import Confined
from .fork_server import ForkServer
from .slot import Slot, Startable
from .spawned import start_spawned
from .work import Work

_LOOK_SECONDS = 0.1


class ProcessPool:
    """`processes` that have run `prepare`, and are replaced after `most_works`. Answers have at most `most_bytes`."""

    def __init__(
        self, processes: int, prepare: Callable[[], None], *, modules: Sequence[str], most_works: int, most_bytes: int
    ) -> None:
        """`modules` are those of the works; a work of another one is done by a process that is started for it."""
        self._prepare, self._modules = prepare, list(modules)
        self._works: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._server = ForkServer(modules) if sys.platform == "linux" else None
        self._closed = threading.Event()
        self._slots = [Slot(self._works, self._start, most_works, most_bytes) for _ in range(processes)]
        for slot in self._slots:
            slot.start()
        threading.Thread(target=self._watch, name="limited processes' clock", daemon=True).start()

    def schedule(self, work: Work) -> "Future[Any]":
        """Have it done. Raises RuntimeError when the pool has ended."""
        if self._closed.is_set():
            raise RuntimeError("the pool has ended")
        self._works.put(work)
        return work.future

    @property
    def confined(self) -> Confined | None:
        """What confines its processes, as one of them says; None before one is there."""
        return next((slot.confined for slot in self._slots if slot.confined), None)

    def close(self) -> None:
        """End the processes. What waits or is at work is told that the pool is broken."""
        self._closed.set()
        with suppress(queue.Empty):
            while True:
                left = self._works.get_nowait()
                if left is not None and left.future.set_running_or_notify_cancel():
                    left.future.set_exception(BrokenProcessPool("the pool has ended"))
        for _ in self._slots:
            self._works.put(None)
        for slot in self._slots:
            slot.close()
        for slot in self._slots:
            slot.join(5)
        if self._server:
            self._server.close()

    def _start(self, module: str) -> tuple[Connection, Startable, frozenset[str]]:
        if module and module not in self._modules:
            self._modules.append(module)
        modules = tuple(self._modules)
        start = self._server.start if self._server else start_spawned
        return *start(self._prepare, modules), frozenset(modules)

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_SECONDS):
            now = time.monotonic()
            for slot in self._slots:
                slot.look_at_clock(now)
