"""The command in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(data_dir: str, *words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`dfscan WORDS`, until the block ends; what it says goes to a log in `data_dir`."""
    with (Path(data_dir) / f"{words[0]}-{time.monotonic_ns()}.log").open("w") as log:
        command = [sys.executable, "-m", "scanner", "--data-dir", data_dir, *words]
        process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def wait_for(true: Callable[[], bool], seconds: float = 600.0) -> None:
    """Raises TimeoutError when `true` does not become so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing happened for {seconds:g} s")
        time.sleep(0.02)
