"""Limited processes where there is no fork server (macOS, Windows): each is started anew, and imports all that it needs."""

import multiprocessing
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from . import child


class Spawned:
    """A process of its own."""

    def __init__(self, process: SpawnProcess) -> None:
        self._process = process
        self.pid = process.pid or 0

    def end(self) -> int | None:
        """Kill it if it is there yet, and say how it ended."""
        self._process.kill()
        self._process.join()
        return self._process.exitcode


def start_spawned(prepare: Callable[[], None], modules: Sequence[str]) -> tuple[Connection, Spawned]:
    """A process that has run `prepare` and imported `modules`, and the channel to it. Raises OSError."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with theirs:
        process = context.Process(target=child.run, args=(theirs, prepare, list(modules)), daemon=True)
        process.start()
    return ours, Spawned(process)
