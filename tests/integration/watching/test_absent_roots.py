"""Roots that are renamed, unplugged, emptied or full."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from files.watched import ledger, mount, now, states, unmount
from sqlalchemy import func, select

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import File
from scanner.jobs.leases import claim
from scanner.roots.ledger import accept
from scanner.roots.roots import add_roots, remove_root
from scanner.services.watch import WatchService

WaitUntil = Callable[[Callable[[], bool], float, str], None]
Start = Callable[..., "WatchService"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts and stops as Linux does")


def test_a_root_that_is_renamed_pauses_and_resumes(
    local: Database, root: Path, tmp_path: Path, start: Start, wait_until: WaitUntil
) -> None:
    (root / "a.jpg").write_bytes(b"x")
    start(sweep_seconds=0.5)
    wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "the file")
    root.rename(tmp_path / "elsewhere")
    wait_until(lambda: ledger(local).paused_at is not None, 60, "the pause")
    assert "cannot be read" in str(ledger(local).paused_reason)
    assert states(local) == {"a.jpg": "pending"}
    assert claim(local, "worker", 10, now=now(), lease_seconds=60, max_attempts=5) == []

    (tmp_path / "elsewhere" / "b.jpg").write_bytes(b"x")
    (tmp_path / "elsewhere").rename(root)
    wait_until(lambda: states(local) == {"a.jpg": "pending", "b.jpg": "pending"}, 60, "the resumption")
    wait_until(lambda: ledger(local).paused_at is None, 60, "the note of it")
    assert len(claim(local, "worker", 10, now=now(), lease_seconds=60, max_attempts=5)) == 2
    (root / "c.jpg").write_bytes(b"x")
    wait_until(lambda: "c.jpg" in states(local), 60, "an event after the resumption")


def test_a_root_may_be_away_when_the_service_starts(
    local: Database, root: Path, tmp_path: Path, start: Start, wait_until: WaitUntil
) -> None:
    add_roots(local, [str(root)], now())
    root.rename(tmp_path / "elsewhere")
    start()
    wait_until(lambda: ledger(local).paused_at is not None, 60, "the pause")
    (tmp_path / "elsewhere").rename(root)
    (root / "a.jpg").write_bytes(b"x")
    wait_until(lambda: "a.jpg" in states(local), 60, "the file")


def test_a_drive_that_is_unplugged_loses_nothing(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    mount(root)
    try:
        (root / "a.jpg").write_bytes(b"x")
        start(sweep_seconds=0.3)
        wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "the file")
        with local.write() as session:
            session.scalars(select(File)).one().state = "failed"  # concluded: it is known to be there
        swept = ledger(local).swept_at
        unmount(root)
        (root / "on the mount point.jpg").write_bytes(b"x")
        wait_until(lambda: ledger(local).paused_at is not None, 60, "the pause")
        assert states(local)["a.jpg"] == "failed"
        mount(root)  # another drive, with another device number, as it is with drives
        (root / "a.jpg").write_bytes(b"x")
        wait_until(lambda: ledger(local).paused_at is None and ledger(local).swept_at != swept, 60, "the resumption")
        assert "missing" not in states(local).values()
    finally:
        unmount(root)


def test_other_drive_stays_paused(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    """Another drive in its place stays paused until it is accepted."""
    with local.write() as session:
        [known] = add_roots(local, [str(root)], now())
        session.add(File(path=str(root / "a.jpg"), root_id=known.id, size=1, mtime_ns=1, state="failed", error="because"))
    mount(root)
    try:
        accept(local, ledger(local))
        unmount(root)
        (root / "b.jpg").write_bytes(b"x")
        start()
        wait_until(lambda: ledger(local).paused_at is not None, 60, "the pause")
        assert "nothing is mounted there any more" in str(ledger(local).paused_reason)
        accept(local, ledger(local))
        wait_until(lambda: states(local) == {"a.jpg": "missing", "b.jpg": "pending"}, 60, "the sweep")
    finally:
        subprocess.run(["umount", root], capture_output=True)


def test_a_full_disk_is_waited_out(
    small_data_folder: Path, local: Database, root: Path, start: Start, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    ballast = small_data_folder / "ballast"
    with ballast.open("wb", buffering=0) as filling, suppress(OSError):
        while True:
            filling.write(bytes(4096))
    for number in range(300):  # more than fits into what the database has in reserve
        (root / f"{number:0200}.jpg").write_bytes(b"x")
    wait_until(lambda: "free space" in caplog.text, 60, "the complaint")
    ballast.unlink()
    wait_until(lambda: len(states(local)) == 300, 60, "all files")
    assert caplog.text.count("free space") == 1


@pytest.fixture
def small_data_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    folder.mkdir()
    mount(folder, "-o", "size=1m")
    yield folder
    unmount(folder)


def test_all_files_deleted_is_no_pause(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    (root / "a.jpg").write_bytes(b"x")
    start(sweep_seconds=0.3)
    wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "the file")
    (root / "a.jpg").unlink()
    wait_until(lambda: states(local) == {"a.jpg": "missing"}, 60, "the mark")
    with local.read() as session:
        assert session.scalar(select(func.count()).select_from(File)) == 1


def test_a_database_made_anew_is_watched_on(local: Database, root: Path, tmp_path: Path, wait_until: WaitUntil) -> None:
    """The lock is gone, and the root: both are written again, and what is in the folder is taken in."""
    stop = threading.Event()
    settings = Settings(tmp_path / "data", settle_seconds=0.2, reconcile_seconds=0.2)
    roots = add_roots(local, [str(root)], now())
    remove_root(local, roots[0].id)
    (root / "a.jpg").write_bytes(b"x")
    service = WatchService(settings, local, roots, with_worker=False, now=now, stop=stop, keep_lock=lambda: False)
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "the file")
        assert ledger(local).watched_on == socket.gethostname()
    finally:
        stop.set()
        thread.join(60)
