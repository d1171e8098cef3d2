"""The setting `on_flagged`: a command that is run for each file that is flagged, one after the other."""

import logging
import os
import queue
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import IO

from scanner.base.access.private import UMASK_VARIABLE, user_umask
from scanner.base.settings import HANDED_DOWN, Settings, SettingsError
from scanner.base.trouble_log import TroubleLog
from scanner.domain.recorded import Listener, Recorded, tell_nobody
from scanner.jobs.path_map import local_path, parse_path_map

# Commands that may wait; while there are more, the worker waits along, as long as they work.
WAITING = 16
# How long a worker that ends waits for the last ones: its supervisor gives it 4 seconds in all.
CLOSE_SECONDS = 2.0
_LAST_WORDS = 500

log = logging.getLogger(__name__)


@contextmanager
def on_flagged(settings: Settings) -> Iterator[Listener]:
    """The listener that runs the command, if there is one. Raises SettingsError."""
    command = _parsed(settings.on_flagged)
    if not command:
        yield tell_nobody
        return
    runner = _Runner(command, settings.on_flagged_seconds, parse_path_map(settings.path_map))
    try:
        yield runner.tell
    finally:
        runner.close()


def _parsed(text: str) -> list[str] | str:
    if sys.platform == "win32":
        return text.strip()  # Windows splits it itself
    try:
        return shlex.split(text)
    except ValueError as error:
        raise SettingsError(f"on_flagged = {text!r} is no command: {error}; correct it") from None


class _Runner:
    """Runs the command in a thread of its own, so that a slow one keeps no batch waiting."""

    def __init__(self, command: list[str] | str, seconds: float, path_map: dict[str, str]) -> None:
        self._command = command
        self._seconds = seconds
        self._path_map = path_map
        self._waiting: queue.Queue[Recorded | None] = queue.Queue(WAITING)
        self._trouble = TroubleLog(log, "the command of the setting on_flagged")
        self._thread = threading.Thread(target=self._work, name="on_flagged", daemon=True)
        self._thread.start()

    def tell(self, recorded: Sequence[Recorded]) -> None:
        """Run it for each flagged file, soon."""
        for one in recorded:
            if one.is_flagged:
                try:
                    # One that fails is not worth waiting for.
                    self._waiting.put(one, block=not self._trouble.is_in_trouble, timeout=self._seconds)
                except queue.Full:
                    self._trouble.fails(f"it takes too long, and is not run for every flagged file; {WAITING} wait")

    def close(self) -> None:
        """Wait a little for those that wait; what then still runs goes on without us."""
        until = monotonic() + CLOSE_SECONDS
        with suppress(queue.Full):
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        self._thread.join(max(0.0, until - monotonic()))
        if self._thread.is_alive():
            log.warning("the worker ends, and the command of on_flagged is not run for %d flagged files", self._waiting.qsize())

    def _work(self) -> None:
        while (one := self._waiting.get()) is not None:
            try:
                reason = self._run(one)
            except (OSError, ValueError) as error:
                reason = str(error)
            if reason:
                self._trouble.fails(reason)
            else:
                self._trouble.works()

    def _run(self, one: Recorded) -> str | None:
        """Run it for one file; why it failed, if it did."""
        inherited = {name: value for name, value in os.environ.items() if name not in (HANDED_DOWN, UMASK_VARIABLE)}
        about = {
            "DFSCAN_FLAGGED_PATH": local_path(one.file.path, self._path_map),
            "DFSCAN_FLAGGED_LABEL": str(one.label),
            "DFSCAN_FLAGGED_SCORE": str(one.score),
            "DFSCAN_FLAGGED_SHA256": one.sha256 or "",
            "DFSCAN_FLAGGED_MODEL": one.model,
        }
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env={**inherited, **about},
                start_new_session=True,
                umask=-1 if sys.platform == "win32" else user_umask(),
            )
            try:
                status = process.wait(self._seconds)
            except subprocess.TimeoutExpired:
                _kill(process)
                return f"it took longer than {self._seconds:g} s (setting on_flagged_seconds)"
            return f"it ended with status {status}{_last_words(said)}" if status else None


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """With what it started itself, where the system knows which that is."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - _LAST_WORDS))
    lines = said.read().decode("utf-8", "replace").split("\n")
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {words}" if words else ""
