"""When a worker is taken for hung, and what happens to what it held. Its process is real; its work and the clock are not."""

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.jobs import lone_worker, supervisor
from scanner.jobs.exit_codes import EXIT_CANNOT_BEGIN, EXIT_RENEW
from scanner.jobs.leases import Backlog, backlog
from scanner.jobs.supervisor import EmbeddedWorker, WorkerFailed
from scanner.jobs.workers import note_trouble, report_in, show_sign

HANG = 90.0
NOTHING = Backlog(0, 0, 0)
WAITING = Backlog(pending=5, leased=0, free=5)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its worker is a script for a shell")


class Clock:
    """The supervisor's, that the tests move."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(supervisor, "monotonic", clock)
    return clock


@pytest.fixture
def be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`be(command)`: what the worker's process is from its next start on."""
    script = tmp_path / "python"
    script.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    return lambda command: script.write_text(f"#!/bin/sh\n{command}\n") and None


@pytest.fixture
def worker(
    database: Database, tmp_path: Path, now: datetime, clock: Clock, be: Callable[[str], None]
) -> Iterator[EmbeddedWorker]:
    be("exec sleep 1000")
    settings = Settings(tmp_path / "data", hang_seconds=HANG)
    worker = EmbeddedWorker(settings, database, lambda: now + timedelta(seconds=clock.seconds))
    worker.start()
    yield worker
    worker.stop(0)


def look(worker: EmbeddedWorker, clock: Clock, waiting: Backlog, seconds: float, each: Callable[[], None] = lambda: None) -> bool:
    """Look after it every few seconds for so long; whether it was replaced."""
    first = worker.name
    end = clock.seconds + seconds
    while clock.seconds < end:
        clock.seconds += 5
        each()
        worker.look_after(waiting)
    return worker.name != first


def test_silent_worker_is_replaced(
    database: Database, worker: EmbeddedWorker, clock: Clock, pend, lease, row, now: datetime
) -> None:
    """One that shows no sign is replaced and its files are given back."""
    report_in(database, worker.name, device="cpu", model="lite", now=now)
    pend("/a")
    lease(worker.name)
    assert not look(worker, clock, NOTHING, HANG - 10)
    assert row("/a").lease_owner == worker.name
    assert look(worker, clock, NOTHING, 30)
    assert (row("/a").lease_owner, row("/a").attempts) == (None, 1)


def test_idle_worker_is_left_alone(database: Database, worker: EmbeddedWorker, clock: Clock, now: datetime) -> None:
    """One that lives and has nothing to do is left alone."""
    report_in(database, worker.name, device="cpu", model="lite", now=now)
    assert not look(worker, clock, NOTHING, 3 * HANG, lambda: sign(database, worker, clock, now))


def test_stalling_worker_is_replaced(database: Database, worker: EmbeddedWorker, clock: Clock, now: datetime) -> None:
    """One that lets files wait is replaced unless it says why."""
    report_in(database, worker.name, device="cpu", model="lite", now=now)
    note_trouble(database, worker.name, "out of memory; trying again in 8 s")
    assert not look(worker, clock, WAITING, 3 * HANG, lambda: sign(database, worker, clock, now))
    note_trouble(database, worker.name, None)
    assert look(worker, clock, WAITING, 2 * HANG, lambda: sign(database, worker, clock, now))


def test_one_that_is_slow_but_gets_on_is_left_alone(
    database: Database, worker: EmbeddedWorker, clock: Clock, pend, lease, now: datetime
) -> None:
    report_in(database, worker.name, device="cpu", model="lite", now=now)
    pend("/a", "/b", "/c")
    lease(worker.name, 1)
    waiting = backlog(database, now)
    assert (waiting.leased, waiting.free) == (1, 2)
    assert not look(worker, clock, waiting, 3 * HANG, lambda: sign(database, worker, clock, now))


def test_one_that_never_becomes_ready_is_replaced(worker: EmbeddedWorker, clock: Clock) -> None:
    assert not look(worker, clock, WAITING, supervisor._LOADING_SECONDS - 10)
    assert look(worker, clock, WAITING, 30)


def test_who_did_not_look_blames_no_one(database: Database, worker: EmbeddedWorker, clock: Clock, now: datetime) -> None:
    """The machine slept, or the database was away."""
    report_in(database, worker.name, device="cpu", model="lite", now=now)
    worker.look_after(NOTHING)
    clock.seconds += 10 * HANG
    assert not look(worker, clock, NOTHING, HANG - 20)


def test_one_that_asks_to_be_replaced_is_charged_nothing(
    worker: EmbeddedWorker, clock: Clock, be: Callable[[str], None], pend, lease, row, wait_until, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    be(f"touch '{begun}'; exit {EXIT_RENEW}")
    first = worker.name
    pend("/a")
    os.kill(worker._process.pid, 9)  # type: ignore[union-attr]
    wait_until(lambda: look(worker, clock, NOTHING, 5), 30, "the next one")
    lease(worker.name)
    wait_until(begun.exists, 30, "its script, read before it changes")
    be("exec sleep 1000")
    wait_until(lambda: look(worker, clock, NOTHING, 5), 30, "the one after that")
    assert worker.name != first
    assert (row("/a").lease_owner, row("/a").attempts) == (None, 0)


def test_one_that_cannot_begin_is_not_tried_for_ever(
    worker: EmbeddedWorker, clock: Clock, be: Callable[[str], None], wait_until
) -> None:
    be(f"echo 'dfscan: there is no model' >&2; exit {EXIT_CANNOT_BEGIN}")
    os.kill(worker._process.pid, 9)  # type: ignore[union-attr]
    said: list[str] = []

    def gives_up() -> bool:
        clock.seconds += 5
        try:
            worker.look_after(WAITING)
        except WorkerFailed as error:
            said.append(str(error))
        return bool(said)

    wait_until(gives_up, 30, "the end of trying")
    assert said == ["the worker cannot begin: there is no model"]


@pytest.mark.parametrize(("number", "looks"), [(errno.EAGAIN, 2), (errno.ENOENT, 1)])
def test_a_worker_alone_waits_while_no_process_can_be_started(
    database: Database, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch, number: int, looks: int
) -> None:
    """What does not pass by itself ends it."""
    stop, looked = threading.Event(), list[Backlog]()

    def look_after(_: EmbeddedWorker, waiting: Backlog) -> None:
        looked.append(waiting)
        if len(looked) == 1:
            raise OSError(number, os.strerror(number))
        stop.set()

    monkeypatch.setattr(lone_worker, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(EmbeddedWorker, "start", lambda _: None)
    monkeypatch.setattr(EmbeddedWorker, "look_after", look_after)
    with nullcontext() if looks > 1 else pytest.raises(FileNotFoundError):
        lone_worker.run_lone_worker(Settings(tmp_path / "data"), database, stop, lambda: now)
    assert len(looked) == looks


def sign(database: Database, worker: EmbeddedWorker, clock: Clock, now: datetime) -> None:
    show_sign(database, worker.name, now + timedelta(seconds=clock.seconds))
