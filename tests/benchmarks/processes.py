"""The command in processes of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from scanner.base.settings import Settings, load_settings


@contextmanager
def running(data_dir: str, *words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`dfscan WORDS`, until the block ends; what it says goes to a log in `data_dir`."""
    _link_backbones(data_dir)
    with (Path(data_dir) / f"{words[0]}-{time.monotonic_ns()}.log").open("w") as log:
        process = subprocess.Popen(_command(data_dir, words), env=_environment(data_dir, environment), stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait()


def finish(data_dir: str, *words: str, statuses: Collection[int] = (0,), **environment: str) -> None:
    """`dfscan WORDS`, to its end. Raises RuntimeError, with what it said, when its exit status is none of `statuses`."""
    _link_backbones(data_dir)
    done = subprocess.run(_command(data_dir, words), env=_environment(data_dir, environment), capture_output=True, text=True)
    if done.returncode not in statuses:
        raise RuntimeError(f"dfscan {words[0]} ended with {done.returncode}:\n{done.stderr}")


def settings_of(data_dir: str, **environment: str) -> Settings:
    """The settings that the command goes by in such a process."""
    _link_backbones(data_dir)
    return load_settings({"data_dir": data_dir}, _environment(data_dir, environment), Path(data_dir) / "dfscan" / "config.toml")


def wait_for(true: Callable[[], bool], seconds: float = 600.0) -> None:
    """Raises TimeoutError when `true` does not become so."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing happened for {seconds:g} s")
        time.sleep(0.02)


def _link_backbones(data_dir: str) -> None:
    """Give `data_dir` the public weights that `dfscan model fetch` has put into the user's own (DFSCAN_DATA_DIR)."""
    own, linked = Path(os.environ.get("DFSCAN_DATA_DIR", "")) / "backbones", Path(data_dir) / "backbones"
    if "DFSCAN_DATA_DIR" in os.environ and own.is_dir() and not linked.exists():
        linked.symlink_to(own.resolve())


def _command(data_dir: str, words: Collection[str]) -> list[str]:
    return [sys.executable, "-m", "scanner", "--data-dir", data_dir, *words]


def _environment(data_dir: str, more: dict[str, str]) -> dict[str, str]:
    """Ours without a way to the user's own database, broker and config.toml: nothing is measured on those."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DFSCAN_DATABASE_URL", "DFSCAN_BROKER_URL")}
    return {**kept, "XDG_CONFIG_HOME": data_dir, **more}
