"""The worker process that `scan` and `watch` bring along: started, looked after, stopped."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from time import monotonic

from .database.engine import Database
from .errors import KnownError
from .leases import release
from .naming import worker_name
from .settings import PREFIX, Settings
from .workers import report_out

STRIKES_OUT = 9
# A worker that says that it cannot begin need not be asked again at once; one that ends by itself tells of a cause that will
# probably still be there; one that was killed may just have been unlucky.
_CANNOT_BEGIN = 2
_STRIKES = {"cannot begin": STRIKES_OUT, "ended": 3, "killed": 1}
_LOG_LIMIT = 5 << 20

log = logging.getLogger(__name__)


class WorkerFailed(KnownError):
    """The embedded worker cannot begin, or ends again and again without getting anything done."""


class EmbeddedWorker:
    """One worker process, restarted when it dies; its leases are given back at once then."""

    def __init__(self, settings: Settings, database: Database, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._database = database
        self._now = now
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ""
        self._strikes = 0
        self._pending_at_death: int | None = None
        self._not_before = 0.0
        self.log_file = settings.data_dir / "logs" / "worker.log"

    @property
    def name(self) -> str:
        """The name under which the current process reports in and leases files."""
        return self._name

    def start(self) -> None:
        """Start the process; it reports in once its model is loaded."""
        self._name = worker_name()
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        too_long = self.log_file.exists() and self.log_file.stat().st_size > _LOG_LIMIT
        with self.log_file.open("wb" if too_long else "ab") as log_to:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "scanner", "worker", "--supervised", "--name", self._name],
                stdin=subprocess.PIPE,  # its end tells the worker that we died
                stdout=log_to,
                stderr=log_to,
                env={**os.environ, **_as_environment(self._settings)},
                start_new_session=True,  # Ctrl-C is for us; we then tell the worker to stop
            )

    def look_after(self, pending: int) -> None:
        """Restart the process if it has died, giving back what it held.

        `pending` is the backlog: a death after progress starts the count anew. Raises WorkerFailed after too many without.
        """
        if self._process is None:
            if monotonic() >= self._not_before:
                self.start()
            return
        status = self._process.poll()
        if status is None:
            return
        self._bury(charge=True)
        if self._pending_at_death is not None and pending < self._pending_at_death:
            self._strikes = 0
        self._pending_at_death = pending
        self._strikes += _STRIKES["cannot begin" if status == _CANNOT_BEGIN else "killed" if status < 0 else "ended"]
        cause = f"was killed ({signal.strsignal(-status)})" if status < 0 else f"ended with status {status}"
        self._not_before = monotonic() + min(60.0, (self._strikes - 1) ** 2)
        if self._strikes >= STRIKES_OUT:
            self._strikes = 0
            words = self._last_words()
            if status == _CANNOT_BEGIN:
                raise WorkerFailed(f"the worker cannot begin: {words.removeprefix('dfscan: ')}")
            raise WorkerFailed(f"the worker {cause}, again and again. Its last words: {words}. Its log: {self.log_file}")
        log.warning("the worker %s; it is started again", cause)

    def stop(self, seconds: float) -> None:
        """Ask the process to finish what it has in hand and end; after `seconds` it is killed. Nothing stays leased."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            log.warning("the worker did not stop within %g s and is killed; its files stay pending", seconds)
            self._process.kill()
        self._bury(charge=False)

    def _bury(self, *, charge: bool) -> None:
        assert self._process is not None
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None
        release(self._database, self._name, charge=charge)
        report_out(self._database, self._name, self._now())

    def _last_words(self) -> str:
        try:
            lines = self.log_file.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return "(no log)"
        return lines[-1] if lines else "(none)"


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings as the environment that gives a child process the same ones."""
    pairs: dict[str, str] = {}
    for name, value in vars(settings).items():
        pairs[PREFIX + name.upper()] = ",".join(value) if isinstance(value, tuple) else str(value)
    return pairs
