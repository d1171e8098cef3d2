"""The watcher process, seen from the service: started, listened to, restarted when it dies or falls silent."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from time import monotonic
from types import TracebackType
from typing import Any

from ..base.backoff import seconds_before_retry

# The process says something every two seconds; a machine may be slow.
SILENT_SECONDS = 60.0
SET_UP_SECONDS = 60.0
# A watcher that has lived this long is sound; one that dies earlier is started again ever more slowly.
PROVEN_SECONDS = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hint:
    """This path may have changed: it may also be gone, come twice, or never be named; the sweep is the truth.

    `is_made`: it is new, and was not closed after writing. It is a link, or still being written.
    """

    path: str
    is_made: bool = False


@dataclass(frozen=True)
class Overflowed:
    """The operating system dropped events, no one knows which."""


@dataclass(frozen=True)
class Unwatched:
    """Not all under the root that holds `path` gives events, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Unreadable:
    """So many folders cannot be read, and so not be watched; the path of one. They are tried again all the time."""

    folders: int
    first: str | None


@dataclass(frozen=True)
class Restarted:
    """For a while nothing was watched."""


Notice = Hint | Overflowed | Unwatched | Unreadable | Restarted


class Watching:
    """Puts a Notice into `notices` (from a thread of its own) for what happens under the roots. A context manager."""

    def __init__(self, notices: "SimpleQueue[Notice]") -> None:
        self._notices = notices
        self._roots: tuple[str, ...] = ()
        self._everywhere = False
        self._process: subprocess.Popen[str] | None = None
        self._heard = self._started = 0.0
        self._strikes = 0
        self._not_before = 0.0
        self._ready = threading.Event()

    def __enter__(self) -> "Watching":
        """Nothing is watched until `watch` is called."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    @property
    def pid(self) -> int | None:
        """The watcher process, while there is one."""
        return self._process.pid if self._process else None

    @property
    def is_set_up(self) -> bool:
        """Whether everything is watched that can be: time for the first sweep. A huge tree is not waited for to the end."""
        return self._process is None or self._ready.is_set() or monotonic() - self._started >= SET_UP_SECONDS

    def watch(self, roots: Sequence[str], *, everywhere: bool = False) -> None:
        """Watch these roots and no others from now on; with `everywhere` also what is mounted there and may give no events."""
        self._end()
        self._roots, self._everywhere = tuple(roots), everywhere
        if roots:
            self._start()

    def look_after(self) -> None:
        """Restart a watcher that has died or fallen silent."""
        if not self._roots:
            return
        if self._process is not None:
            if self._process.poll() is None and monotonic() - self._heard < SILENT_SECONDS:
                return
            log.warning(
                "the watcher has %s; it is started again", "died" if self._process.poll() is not None else "fallen silent"
            )
            self._end()
            self._strikes = 1 if monotonic() - self._started >= PROVEN_SECONDS else self._strikes + 1
            self._not_before = monotonic() + seconds_before_retry(self._strikes - 1)
        if monotonic() >= self._not_before:
            self._start()
            self._notices.put(Restarted())

    def _start(self) -> None:
        self._ready.clear()
        self._heard = self._started = monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "scanner.discovery.watcher"],
            stdin=subprocess.PIPE,  # its end tells the watcher that we died
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
            start_new_session=True,  # Ctrl-C is for us
        )
        self._process = process
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"roots": self._roots, "everywhere": self._everywhere}) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            log.warning("the watcher ended at once")
        threading.Thread(target=self._listen, args=[process], name="watcher", daemon=True).start()

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if process is not self._process:
                    return
                self._heard = monotonic()
                try:
                    self._pass_on(json.loads(line))
                except ValueError:
                    continue  # cut off by its death

    def _pass_on(self, report: dict[str, Any]) -> None:
        for path in report.get("hints", ()):
            self._notices.put(Hint(path))
        for path in report.get("made", ()):
            self._notices.put(Hint(path, is_made=True))
        if "overflow" in report:
            self._notices.put(Overflowed())
        elif "unwatched" in report:
            self._notices.put(Unwatched(report["unwatched"], report["reason"]))
        elif "unreadable" in report:
            self._notices.put(Unreadable(report["unreadable"], report["first"]))
        elif "ready" in report:
            self._ready.set()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # it holds nothing
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
