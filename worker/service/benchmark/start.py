"""How long a scan takes beside its work: what each scan does before the first file and after the last one."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from scanner.base.settings import Settings
from scanner.jobs.supervisor import as_environment
from scanner.results.active_model import active_checkpoint

# Until a scan sees that its worker is ready, wakes it, sees that all is done, and the worker has ended; measured, in seconds.
_WAITING = 0.5


def start_seconds(settings: Settings, checkpoint: Path) -> float:
    """The command on an empty folder, its question which model scans, and a worker until it is ready, in their own processes."""
    began = perf_counter()
    active_checkpoint(settings)
    asking = perf_counter() - began
    return _command_seconds(settings) + asking + _worker_seconds(settings, checkpoint) + _WAITING


def _command_seconds(settings: Settings) -> float:
    with tempfile.TemporaryDirectory(prefix="dfscan-benchmark-") as folder:
        empty = Path(folder) / "empty"
        empty.mkdir()
        own = replace(settings, data_dir=Path(folder) / "data", database_url="", database_host="", broker_url="", broker_host="")
        environment = {**os.environ, **as_environment(own)}
        command = [sys.executable, "-m", "scanner", "scan", str(empty)]
        seconds = 0.0
        for _ in range(2):  # the first time it makes its database
            began = perf_counter()
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            seconds = perf_counter() - began
        return seconds


def _worker_seconds(settings: Settings, checkpoint: Path) -> float:
    began = perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=_leave_interrupts) as process:
        process.submit(_begin, settings, checkpoint).result()
        return perf_counter() - began


def _leave_interrupts() -> None:
    """Ctrl-C and a closed terminal are for the process that waits: this one ends in order, and soon."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _begin(settings: Settings, checkpoint: Path) -> None:
    """What a worker does until it is ready, in a process of its own."""
    from .trial import trial_worker

    with trial_worker(settings, checkpoint):
        pass
