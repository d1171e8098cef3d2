"""What the tests of watching share: the notices of a watcher, the state of the ledger, mounts."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest
from sqlalchemy import select

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery.watcher_supervisor import Hint, Notice
from scanner.roots.roots import WatchedRoot, known_roots


class Heard:
    """Everything that was put into the queue so far."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Notice] = SimpleQueue()
        self._notices: list[Notice] = []

    def all(self) -> list[Notice]:
        try:
            while True:
                self._notices.append(self.queue.get_nowait())
        except Empty:
            return self._notices

    def paths(self) -> set[str]:
        return {notice.path for notice in self.all() if isinstance(notice, Hint)}


def now() -> datetime:
    return datetime.now(UTC)


def ledger(database: Database) -> WatchedRoot:
    [root] = known_roots(database)
    return root


def states(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {Path(path).name: state for path, state in session.execute(select(File.path, File.state))}


def mount(folder: Path, *options: str) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", folder], check=True)
