"""The `dfscan` command for tests."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from scanner.database.engine import Database, open_database
from scanner.database.models import File
from scanner.reports.formats import json_pieces
from scanner.reports.report import opened_report


@dataclass(frozen=True)
class Said:
    """What a command ended with, and what it said."""

    returncode: int
    stdout: str
    stderr: str


Here = Callable[..., Said]


@dataclass
class Dfscan:
    """The `dfscan` command with an environment of its own."""

    data_dir: Path
    environment: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(
        self, *arguments: str | Path, exit_status: int | tuple[int, ...] = 0, timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; fail with all that was said unless it ends with (one of) `exit_status`."""
        done = subprocess.run(
            self._command(arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.data_dir.parent,
        )
        if done.returncode not in (exit_status if isinstance(exit_status, tuple) else (exit_status,)):
            pytest.fail(
                f"{arguments} ended with {done.returncode}, not {exit_status}:\n{done.stdout}\n{done.stderr}\n{self.worker_log()}"
            )
        return done

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start and go on; killed at the end of the test if it still runs."""
        with (self.data_dir.parent / f"started-{len(self.started)}.log").open("w") as log:
            process = subprocess.Popen(
                self._command(arguments), env=self.environment, stdout=log, stderr=log, text=True, cwd=self.data_dir.parent
            )
        self.started.append(process)
        return process

    def report(self, *arguments: str | Path) -> dict[str, Any]:
        """`report --format json`; of all files what it prints, without a process of its own."""
        if arguments:
            return dict(json.loads(self.run("report", "--format", "json", *arguments).stdout))
        database = open_database(self.environment["DFSCAN_DATABASE_URL"])
        try:
            with opened_report(database) as (summary, items):
                return dict(json.loads("".join(json_pieces(summary, items))))
        finally:
            database.close()

    def statuses(self, *arguments: str | Path) -> dict[str, str]:
        """Label or state by file name."""
        return {Path(item["path"]).name: item["label"] or item["state"] for item in self.report(*arguments)["items"]}

    def states(self) -> dict[str, str]:
        """State by file name, straight from the database, which must have its schema; quick enough to wait with."""
        with self.database.read() as session:
            return {Path(path).name: str(state) for path, state in session.execute(select(File.path, File.state))}

    def scored(self) -> set[str]:
        """The names of the files that have a verdict."""
        return {name for name, state in self.states().items() if state == "scored"}

    @cached_property
    def database(self) -> Database:
        """The database behind the command."""
        return open_database(self.environment["DFSCAN_DATABASE_URL"])

    def close(self) -> None:
        """Stop what was started and still runs."""
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if "database" in vars(self):
            self.database.close()

    def worker_log(self) -> str:
        """What the embedded workers wrote."""
        log = self.data_dir / "logs" / "worker.log"
        return log.read_text() if log.exists() else "(no worker log)"

    def _command(self, arguments: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "scanner", *map(str, arguments)]
