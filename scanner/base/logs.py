"""Log lines of the long-running commands: on standard error, in a terminal's, a service's or a machine's form."""

import json
import logging
import os
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from .addresses.redaction import without_passwords
from .escape import escaped, escaped_lines

# Set by `watch --log-json`, and passed on to the worker that it starts.
JSON_VARIABLE = "DFSCAN_LOG_JSON"
# Bytes of a log file, of which there are two: the one that is written to, and the one before. Looked at so often.
_LOG_LIMIT, _LOOK_SECONDS = 5 << 20, 5.0

log = logging.getLogger("dfscan")


class JsonLines(logging.Formatter):
    """One JSON object per line: time (ISO 8601, UTC), level, logger, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the passwords of URLs replaced."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_passwords(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = without_passwords(self.formatException(record.exc_info))
        return json.dumps(line)


class PlainLines(logging.Formatter):
    """A line for people, with the passwords of URLs replaced, and nothing in it that steers a terminal or looks like a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback's."""
        return without_passwords(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (logging's name)
        """The line alone."""
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802  (logging's name)
        """A traceback, whose last line may quote a name."""
        return escaped_lines(super().formatException(ei))


def log_to_stderr(form: str) -> None:
    """Start logging in `form`, or as JSON if that is asked for; what libraries say of their everyday business is left out."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines() if _wants_json() else PlainLines(form))
    if _wants_json():
        logging.captureWarnings(True)
        sys.excepthook = _log_bug
    logging.basicConfig(level=logging.INFO, handlers=[lines])
    for library in ("alembic", "celery", "kombu"):
        logging.getLogger(library).setLevel(logging.WARNING)


def print_text(text: str, *, err: bool = False) -> None:
    """Print lines for people: nothing in them steers a terminal. (What programs read is printed otherwise: JSON escapes.)"""
    click.echo(escaped_lines(text), err=err)


def tell(line: str) -> None:
    """Say `line` on standard error, for people, or as JSON if that is asked for."""
    if _wants_json():
        log.info("%s", line)
    else:
        click.echo(escaped_lines(line), err=True)


def say_error(message: str) -> None:
    """Say what ends the command."""
    if _wants_json() and logging.root.handlers:
        log.error("%s", message)
    else:
        click.echo(f"dfscan: {escaped_lines(without_passwords(message))}", err=True)


def worker_log(data_dir: Path) -> Path:
    """Where the worker that `scan` and `watch` start writes what it says."""
    return data_dir / "logs" / "worker.log"


def set_aside(file: Path, limit: int = _LOG_LIMIT) -> None:
    """Keep a log that is longer than `limit` (bytes) as FILE.1; who writes to it goes on there, so that no line is lost."""
    with suppress(OSError):  # of Windows where it is open: another time
        if file.stat().st_size > limit:
            file.replace(file.with_name(f"{file.name}.1"))


def write_anew(file: Path, limit: int = _LOG_LIMIT) -> None:
    """Of a process that writes to `file`: set it aside when it is too long, and go on in a new one."""
    set_aside(file, limit)
    with suppress(OSError):
        if not _is_output(file):
            log_to = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            for output in (1, 2):
                os.dup2(log_to, output)
            os.close(log_to)


def keep_short(file: Path) -> None:
    """`write_anew` now and then, in a thread that ends with the process, if it is `file` that this process writes to."""
    if not _is_output(file):
        return

    def go_on() -> None:
        ticker = threading.Event()
        while not ticker.wait(_LOOK_SECONDS):
            write_anew(file)

    threading.Thread(target=go_on, name="log", daemon=True).start()


def _is_output(file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(2), file.stat())
    except OSError:
        return False


def _wants_json() -> bool:
    return bool(os.environ.get(JSON_VARIABLE))


def _log_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("%s", error or kind.__name__, exc_info=(kind, error, trace))
