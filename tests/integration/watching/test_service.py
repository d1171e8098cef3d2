"""The service without a worker: how it watches, what it admits in the ledger, and roots that go away and come back."""

import errno
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from files.watched import ledger, now, states
from sqlalchemy import func, select

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import File
from scanner.discovery import sweeps as sweeps_module
from scanner.discovery.candidates import Finding, Source
from scanner.discovery.intake import BATCH, take_in
from scanner.discovery.suspend import SleepWatch
from scanner.discovery.walk import Entry, Found
from scanner.discovery.watcher_supervisor import Hint, Unwatched, Watching
from scanner.domain.asked import Asked
from scanner.roots.roots import add_roots
from scanner.services.watch import WatchService

WaitUntil = Callable[[Callable[[], bool], float, str], None]
Start = Callable[..., "WatchService"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts and stops as Linux does")


def test_events_find_and_the_ledger_counts_them(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    (root / "before.jpg").write_bytes(b"x")
    os.utime(root / "before.jpg", (0, 0))
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    (root / "new folder").mkdir()
    (root / "new folder" / "a.jpg").write_bytes(b"x")
    (root / "b.jpg").write_bytes(b"x")
    wait_until(lambda: len(states(local)) == 3, 60, "three files")
    wait_until(lambda: ledger(local).found_by_events == 2, 60, "the count")
    assert (ledger(local).mode, ledger(local).found_by_sweep, ledger(local).overflows) == ("events", 0, 0)


def test_found_by_sweep(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    """What no event names is found by a sweep and counted."""
    start(watch_mode="polled", poll_seconds=0.5)
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    (root / "a.jpg").write_bytes(b"x")
    wait_until(lambda: ledger(local).found_by_sweep == 1, 60, "the count")
    assert (ledger(local).mode, ledger(local).found_by_events) == ("polled", 0)
    assert "watch_mode" in str(ledger(local).mode_reason)


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EMFILE])
def test_a_machine_that_has_nothing_left_is_waited_for(
    local: Database,
    root: Path,
    start: Start,
    wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    """As when no process can be started in the place of one that the lack of memory has ended."""
    monkeypatch.setattr("scanner.services.watch.RETRY_SECONDS", 0.1)
    caplog.set_level(logging.INFO)
    lacks = iter([True] * 3)

    def look_after(_: Watching) -> None:
        if next(lacks, False):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Watching, "look_after", look_after)
    start()
    wait_until(lambda: "the machine works again" in caplog.text, 60, "the end of it")
    assert caplog.text.count(f"the machine fails: {os.strerror(number)}") == 1
    (root / "a.jpg").write_bytes(b"x")
    wait_until(lambda: len(states(local)) == 1, 60, "what came afterwards")


def test_after_an_overflow_a_sweep_finds_the_rest(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    service = start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    count = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text()) // 2 + 500
    pid = service._watching.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, 60, "it to stop")
    for number in range(count):
        (root / f"{number}.jpg").touch()
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: len(states(local)) == count, 200, "all files")
    wait_until(lambda: ledger(local).overflows >= 1, 60, "the ledger")
    wait_until(lambda: ledger(local).found_by_events + ledger(local).found_by_sweep == count, 60, "the counts")
    assert ledger(local).found_by_sweep > 0


def test_unwatchable_root_is_polled(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    """Where no watch is left the root is polled from then on."""
    service = start(poll_seconds=0.3)
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    first = ledger(local).swept_at
    for _ in range(1000):  # as the watcher says it, once for each folder
        service._notices.put(Unwatched(str(root / "deep"), "the limit is reached"))
    wait_until(lambda: ledger(local).mode == "polled", 60, "the mode")
    assert ledger(local).mode_reason == "the limit is reached"
    wait_until(lambda: ledger(local).swept_at != first, 60, "the next sweep")
    again = ledger(local).swept_at
    wait_until(lambda: ledger(local).swept_at != again, 60, "the one after that")


def test_sweep_leaves_time(local: Database, root: Path, tmp_path: Path) -> None:
    """Or a lock would not be kept, and no hint followed, while a slow drive is looked at."""
    [known] = add_roots(local, [str(root)], now())
    for start in range(0, 3 * BATCH, BATCH):
        gone = [Found(str(root / f"{number}.jpg"), 1, 1) for number in range(start, start + BATCH)]
        take_in(local, gone, root_id=known.id, now=now())
    settings = Settings(tmp_path / "data")
    sweeps = sweeps_module.Sweeps(settings, local, Finding(settings, local, now, lambda: True), now)
    sweeps.begin(known, Source.SWEEP)
    missing = []
    while sweeps:
        sweeps.step()
        missing.append(list(states(local).values()).count("missing"))
    assert missing[0] < missing[1] < missing[-1] == 3 * BATCH
    assert ledger(local).swept_at is not None


def test_after_the_machine_slept_every_root_is_swept(
    local: Database, root: Path, start: Start, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = [0.0]
    monkeypatch.setattr(
        "scanner.services.watch.SleepWatch", lambda: SleepWatch(time.monotonic, lambda: time.monotonic() + slept[0])
    )
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    first = ledger(local).swept_at
    slept[0] = 3600.0
    wait_until(lambda: ledger(local).swept_at != first, 60, "the sweep")


def test_no_gap_between_sweep_and_watch(
    local: Database, root: Path, start: Start, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that comes where the sweep has been already: the watcher was there before it."""
    walk = sweeps_module.walk

    def walk_and_miss(*all: object, **more: object) -> Iterator[Entry]:  # noqa: A002
        yield from walk(*all, **more)  # type: ignore[arg-type]
        if not (root / "missed.jpg").exists():
            (root / "missed.jpg").write_bytes(b"x")

    monkeypatch.setattr(sweeps_module, "walk", walk_and_miss)
    start()
    wait_until(lambda: "missed.jpg" in states(local), 60, "the file")
    wait_until(lambda: ledger(local).found_by_events == 1, 60, "the count")


def test_a_hint_is_only_a_hint(local: Database, root: Path, tmp_path: Path, start: Start, wait_until: WaitUntil) -> None:
    """Events that were doubled, run together, late, or about something else: what is on the disk counts."""
    (root / "gone.jpg").write_bytes(b"x")
    (root / "moved.jpg").write_bytes(b"x")
    service = start(watch_mode="polled", poll_seconds=3600.0)  # nothing but the hints below
    wait_until(lambda: set(states(local).values()) == {"pending"} and len(states(local)) == 2, 60, "the first sweep")
    (root / "gone.jpg").unlink()
    (root / "new" / "deep").mkdir(parents=True)
    (root / "moved.jpg").rename(root / "new" / "deep" / "moved here.jpg")
    (root / "new" / "a.jpg").write_bytes(b"x")
    (root / ".hidden.jpg").write_bytes(b"x")
    (tmp_path / "outside.jpg").write_bytes(b"x")
    hinted = [root / "new", root / "new", root / "gone.jpg", root / "moved.jpg", root / "never there.jpg", root / ".hidden.jpg"]
    for path in [*hinted, tmp_path / "outside.jpg", root / "new" / "a.jpg", root / "new" / "a.jpg"]:
        service._notices.put(Hint(str(path)))
    expected = {"gone.jpg": "missing", "moved.jpg": "missing", "moved here.jpg": "pending", "a.jpg": "pending"}
    wait_until(lambda: states(local) == expected, 60, "what is on the disk")
    with local.read() as session:
        assert session.scalar(select(func.count()).select_from(File)) == 4


def test_a_dead_watcher_costs_no_file(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    service = start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    first = ledger(local).swept_at
    assert service._watching.pid is not None
    os.kill(service._watching.pid, signal.SIGKILL)
    (root / "a.jpg").write_bytes(b"x")
    wait_until(lambda: "a.jpg" in states(local), 60, "the file")
    wait_until(lambda: ledger(local).swept_at != first, 60, "the sweep after the restart")


def test_what_is_found_is_asked_for(local: Database, root: Path, tmp_path: Path, wait_until: WaitUntil) -> None:
    """Also of what an earlier watch with another model left pending."""
    stop = threading.Event()
    settings = Settings(tmp_path / "data", settle_seconds=0.2, reconcile_seconds=0.2)
    roots = add_roots(local, [str(root)], now())
    take_in(local, [Found(str(root / "left.jpg"), 1, 1)], root_id=roots[0].id, now=now(), asked=Asked("22" * 32))
    for name in ("left.jpg", "new.jpg"):
        (root / name).write_bytes(b"x")
    service = WatchService(settings, local, roots, with_worker=False, now=now, stop=stop, asked=Asked("11" * 32, False, True))
    thread = threading.Thread(target=service.run)
    thread.start()

    def asked() -> set[tuple[str | None, bool | None, bool | None]]:
        with local.read() as session:
            columns = (File.path, File.asked_model, File.asked_faces, File.asked_videos)
            return {(Path(row[0]).name, *row[1:]) for row in session.execute(select(*columns))}

    try:
        expected = {(name, "11" * 32, False, True) for name in ("left.jpg", "new.jpg")}
        wait_until(lambda: asked() == expected, 60, "both to be asked for")
    finally:
        stop.set()
        thread.join(60)
