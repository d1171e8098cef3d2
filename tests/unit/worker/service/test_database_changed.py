"""A worker whose database is another one than it began with ends to be started anew, once that database is ready."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from celery.exceptions import WorkerShutdown

from scanner.database import schema
from scanner.database.engine import Database, DatabaseChanged, DatabaseUnavailable, open_database
from scanner.jobs.exit_codes import EXIT_RENEW, EXIT_TROUBLE
from worker.pipeline.types import Worker
from worker.service import process
from worker.service.circuit_breaker import Breaker


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'a.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def drains(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[int], int]]:
    """`drains(what goes wrong, ...)`: the task with a pipeline of which that goes wrong, one after the other, then nothing.

    Gives the exit status, and how often was waited.
    """

    def run(*errors: Exception, between: Callable[[], None] = lambda: None) -> tuple[list[int], int]:
        waiting = list(errors)
        pauses: list[float] = []

        def drain(*_: object) -> int:
            if waiting:
                raise waiting.pop(0)
            return 0

        def pause(_seconds: float) -> None:
            pauses.append(_seconds)
            between()

        monkeypatch.setattr(process, "drain", drain)
        monkeypatch.setattr(process, "Breaker", lambda stops: Breaker(stops, sleep=pause))
        status: list[int] = []
        task = process._task(cast("Worker", SimpleNamespace(database=database, name="w")), status, 1 << 30)
        with suppress(WorkerShutdown):
            task()
        return status, len(pauses)

    return run


def test_it_ends_when_the_other_database_is_ready(database: Database, drains: Callable[..., Any]) -> None:
    schema.upgrade(database)
    assert drains(DatabaseChanged("another one")) == ([EXIT_RENEW], 0)


def test_until_then_it_waits(database: Database, drains: Callable[..., Any]) -> None:
    errors = [DatabaseUnavailable("no tables"), DatabaseChanged("another one"), DatabaseChanged("another one")]

    def upgrade() -> None:
        if len(errors) == 3 and schema.current_revision(database) is None:
            schema.upgrade(database)

    status, pauses = drains(*errors, between=upgrade)
    assert status == [EXIT_RENEW]
    assert pauses > 0


def test_a_bug_is_not_waited_out(drains: Callable[..., Any]) -> None:
    assert drains(RuntimeError("a bug")) == ([EXIT_TROUBLE], 0)
