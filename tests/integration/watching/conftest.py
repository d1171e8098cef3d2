"""A watcher process on a root, and the service on it, without a worker."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from files.watched import Heard, now

from scanner.base.access.private import private_folder
from scanner.base.settings import Settings
from scanner.database.engine import Database, open_database
from scanner.discovery.watcher_supervisor import Watching
from scanner.roots.roots import add_roots
from scanner.services.watch import WatchService

WaitUntil = Callable[[Callable[[], bool], float, str], None]
Start = Callable[..., "WatchService"]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def watched(root: Path, heard: Heard, wait_until: WaitUntil) -> Iterator[Watching]:
    """The root, being watched."""
    with Watching(heard.queue) as watching:
        watching.watch([str(root)])
        wait_until(lambda: watching.is_set_up, 60, "the watches")
        yield watching


@pytest.fixture
def local(tmp_path: Path, current_sqlite: Callable[[Path], str]) -> Iterator[Database]:
    database = open_database(current_sqlite(private_folder(tmp_path / "data") / "dfscan.sqlite"))
    yield database
    database.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def start(local: Database, root: Path, tmp_path: Path) -> Iterator[Start]:
    """Start the service on the root, in a thread; `start(sweep_seconds=...)` gives it settings of its own. A second call ends
    the one before it."""
    running: list[tuple[threading.Event, threading.Thread]] = []

    def end() -> None:
        stop, thread = running.pop()
        stop.set()
        thread.join(60)
        assert not thread.is_alive()

    def begin(**changes: object) -> WatchService:
        if running:
            end()
        values: dict[str, Any] = {"settle_seconds": 0.2, "reconcile_seconds": 0.2, **changes}
        settings = Settings(tmp_path / "data", **values)
        roots = [found for found in add_roots(local, [str(root)], now()) if found.path == str(root)]
        stop = threading.Event()
        service = WatchService(settings, local, roots, with_worker=False, now=now, stop=stop)
        running.append((stop, threading.Thread(target=service.run)))
        running[-1][1].start()
        return service

    yield begin
    if running:
        end()


@pytest.fixture
def unprivileged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of Python that may not read what its owner may not."""
    setpriv = shutil.which("setpriv")
    wrapper = tmp_path / "python"
    drop = "-dac_override,-dac_read_search"
    wrapper.write_text(f'#!/bin/sh\nexec {setpriv} --bounding-set={drop} --inh-caps={drop} {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    if os.geteuid() == 0:
        if setpriv is None or subprocess.run([wrapper, "-c", ""], capture_output=True).returncode:
            pytest.skip("root's rights cannot be dropped here")
        monkeypatch.setattr(sys, "executable", str(wrapper))
