"""A worker process and who looks after it: started, restarted when it dies, hangs or stalls, stopped."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from time import monotonic

from ..base.access.private import private_folder
from ..base.backoff import seconds_before_retry
from ..base.documents import to_document
from ..base.errors import KnownError
from ..base.logs import set_aside, worker_log
from ..base.settings import HANDED_DOWN, Settings
from ..database.engine import Database
from .exit_codes import EXIT_CANNOT_BEGIN, EXIT_HUNG, EXIT_RENEW
from .leases import Backlog, release
from .workers import LiveWorker, find_worker, report_out, worker_name

STRIKES_OUT = 9
# One that ends by itself tells of a cause that will probably still be there; one that was killed may just have been unlucky.
_STRIKES = {EXIT_CANNOT_BEGIN: STRIKES_OUT, EXIT_RENEW: 0, EXIT_HUNG: 1}
_STRIKES_KILLED, _STRIKES_ENDED = 1, 3
# Who has not looked for this long (the database was away, the machine slept) knows nothing of what stayed the same.
_UNSEEN_SECONDS = 30.0
# Loading a model from a slow disk takes minutes; a device that hangs would take for ever.
_LOADING_SECONDS = 900.0

log = logging.getLogger(__name__)


class WorkerFailed(KnownError):
    """The worker cannot begin, or ends again and again without getting anything done."""


class EmbeddedWorker:
    """One worker process, restarted when need be; what it had leased is given back at once then.

    It writes to a log file in the data folder, or to our own standard error with `logs_to_stderr`.
    """

    def __init__(
        self, settings: Settings, database: Database, now: Callable[[], datetime], *, logs_to_stderr: bool = False
    ) -> None:
        self._settings = settings
        self._database = database
        self._now = now
        self._logs_to_stderr = logs_to_stderr
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ""
        self._seen: LiveWorker | None = None
        self._strikes = 0
        self._pending_at_death: int | None = None
        self._not_before = 0.0
        self._unburied: dict[str, bool] = {}
        self._signs, self._idleness, self._absence = _Steady(), _Steady(), _Steady()
        self.log_file = worker_log(settings.data_dir)

    @property
    def name(self) -> str:
        """The name under which the current process reports in and leases files."""
        return self._name

    @property
    def seen(self) -> LiveWorker | None:
        """What the current process has reported, once its model is loaded."""
        return self._seen

    def start(self) -> None:
        """Start the process; it reports in once its model is loaded."""
        self._name = worker_name()
        self._seen = None
        self._signs, self._idleness, self._absence = _Steady(), _Steady(), _Steady()
        command = [sys.executable, "-m", "scanner", "worker", "--supervised", "--name", self._name]
        environment = {**os.environ, **as_environment(self._settings)}
        if self._logs_to_stderr:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)
            return
        private_folder(self.log_file.parent)
        set_aside(self.log_file)
        with self.log_file.open("ab") as log_to:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # its end tells the worker that we died
                stdout=log_to,
                stderr=log_to,
                env=environment,
                start_new_session=True,  # Ctrl-C is for us; we then tell the worker to stop
            )

    def look_after(self, waiting: Backlog) -> None:
        """Restart the process if it has died, hangs or stalls, giving back what it held.

        A death after `waiting` has become less starts the count anew. Raises WorkerFailed after too many without.
        """
        self._give_back()
        if self._process is None:
            if monotonic() >= self._not_before:
                self.start()
            return
        status = self._process.poll()
        if status is None and (trouble := self._why_to_kill(waiting)) is not None:
            log.warning("the worker %s and is killed", trouble)
            self._process.kill()
            status = self._process.wait()
        if status is None:
            return
        # Who ended because of a deadline has charged the guilty file already; who asks to be replaced holds nothing.
        self._bury(charge=status not in (EXIT_HUNG, EXIT_RENEW))
        self._count(status, waiting.pending)
        self._give_back()

    def stop(self, seconds: float) -> None:
        """Ask the process to finish what it has in hand and end; after `seconds` it is killed. Nothing stays leased."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                log.warning("the worker did not stop within %g s and is killed; its files stay pending", seconds)
                self._process.kill()
            self._bury(charge=False)
        self._give_back()

    def _why_to_kill(self, waiting: Backlog) -> str | None:
        seen = self._seen = find_worker(self._database, self._name)
        if seen is None:  # it loads its model, or ends
            absent = self._absence.seconds_of(None) > _LOADING_SECONDS
            return f"has not become ready for {_LOADING_SECONDS:g} s" if absent else None
        # It shows itself from a thread of its own: without that, all of it hangs.
        patience = self._settings.hang_seconds
        if self._signs.seconds_of(seen.seen_at) > patience:
            return f"has shown no sign of life for {patience:g} s"
        # After Redis was restarted, workers have been seen to consume no more (celery issues 8030, 8091).
        stalls = waiting.free > 0 and waiting.leased == 0 and seen.trouble is None
        if self._idleness.seconds_of((waiting.pending, stalls)) > patience and stalls:
            return f"takes none of the files that have waited for {patience:g} s"
        return None

    def _count(self, status: int, pending: int) -> None:
        if self._pending_at_death is not None and pending < self._pending_at_death:
            self._strikes = 0
        self._pending_at_death = pending
        self._strikes += _STRIKES_KILLED if status < 0 else _STRIKES.get(status, _STRIKES_ENDED)
        self._not_before = monotonic() + seconds_before_retry(self._strikes - 1)
        cause = f"was killed ({signal.strsignal(-status)})" if status < 0 else f"ended with status {status}"
        if self._strikes >= STRIKES_OUT:
            self._strikes = 0
            words = self._last_words()
            if status == EXIT_CANNOT_BEGIN:
                raise WorkerFailed(f"the worker cannot begin: {words.removeprefix('dfscan: ')}")
            raise WorkerFailed(f"the worker {cause}, again and again. Its last words: {words}. Its log: {self.log_file}")
        log.warning("the worker %s; it is started again", cause)

    def _bury(self, *, charge: bool) -> None:
        assert self._process is not None
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None
        self._unburied[self._name] = charge

    def _give_back(self) -> None:
        """Give back what dead processes held: at once, or as soon as the database answers again."""
        for name, charge in list(self._unburied.items()):
            release(self._database, name, charge=charge)
            report_out(self._database, name, self._now())
            del self._unburied[name]

    def _last_words(self) -> str:
        if self._logs_to_stderr:
            return "see above"
        try:
            lines = self.log_file.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return "(no log)"
        if not lines:
            return "(none)"
        with suppress(ValueError, KeyError, TypeError):  # `watch --log-json`
            return str(json.loads(lines[-1])["message"])
        return lines[-1]


class _Steady:
    """How long something has stayed the same: by our own clock, whatever the times of day in it say."""

    def __init__(self) -> None:
        self._value: object = None
        self._since = self._asked = monotonic()

    def seconds_of(self, value: object) -> float:
        """Seconds since `value` was another one."""
        now = monotonic()
        if value != self._value or now - self._asked > _UNSEEN_SECONDS:
            self._value, self._since = value, now
        self._asked = now
        return now - self._since


def as_environment(settings: Settings) -> dict[str, str]:
    """The environment that gives a child process these very settings. It is ASCII, whatever bytes the names in them have."""
    return {HANDED_DOWN: json.dumps(to_document(settings))}
