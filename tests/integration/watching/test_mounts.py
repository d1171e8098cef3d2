"""What is mounted inside a root is watched, polled and paused as a root is."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from files.watched import mount, now, states, unmount
from sqlalchemy import select

from scanner.base.settings import Settings
from scanner.database.engine import Database
from scanner.database.models import File
from scanner.jobs.leases import claim
from scanner.roots import mounts
from scanner.roots.roots import WatchedRoot, known_roots, remove_root
from scanner.services.scan import take_in_paths

WaitUntil = Callable[[Callable[[], bool], float, str], None]
Start = Callable[..., object]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")


@pytest.fixture
def drive(root: Path) -> Iterator[Path]:
    """A folder in the root for a drive, which is unmounted at last."""
    place = root / "deep" / "drive"
    place.mkdir(parents=True)
    yield place
    while place.exists() and subprocess.run(["umount", "-l", place], capture_output=True).returncode == 0:
        pass


def _tmpfs(drive: Path) -> None:
    mount(drive)


def _bind(drive: Path) -> None:
    """A folder of the same file system; it keeps its files."""
    store = drive.parents[2] / "store"
    store.mkdir(exist_ok=True)
    if subprocess.run(["mount", "--bind", store, drive], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")


def roots(database: Database) -> dict[str, WatchedRoot]:
    return {Path(root.path).name: root for root in known_roots(database)}


def swept(database: Database, name: str) -> bool:
    return name in roots(database) and roots(database)[name].swept_at is not None


@pytest.mark.parametrize("put", [_tmpfs, _bind])
def test_a_drive_that_is_mounted_later_is_watched(
    local: Database, root: Path, drive: Path, start: Start, wait_until: WaitUntil, put: Callable[[Path], None]
) -> None:
    """With what is on it, what comes on it, and a drive that is mounted in it."""
    start()
    wait_until(lambda: swept(local, "root"), 60, "the first sweep")
    first = roots(local)["root"].swept_at
    put(drive)
    (drive / "a.jpg").write_bytes(b"x")
    wait_until(lambda: swept(local, "drive"), 60, "the sweep of the drive")
    wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "what is on it")
    (drive / "folder").mkdir()
    (drive / "folder" / "b.jpg").write_bytes(b"x")
    wait_until(lambda: "b.jpg" in states(local), 60, "what comes on it")
    assert roots(local)["drive"].mode == "events"
    (drive / "empty").mkdir()
    mount(drive / "empty")
    (drive / "empty" / "c.jpg").write_bytes(b"x")
    wait_until(lambda: "c.jpg" in states(local) and swept(local, "empty"), 60, "what is on the drive in the drive")
    assert "missing" not in states(local).values()
    assert roots(local)["root"].swept_at == first
    unmount(drive / "empty")


@pytest.mark.parametrize("put", [_tmpfs, _bind])
def test_an_unplugged_drive_loses_nothing(
    local: Database,
    root: Path,
    drive: Path,
    start: Start,
    wait_until: WaitUntil,
    caplog: pytest.LogCaptureFixture,
    put: Callable[[Path], None],
) -> None:
    """Whatever lies under it, as long as the service runs, and when it is started anew."""
    (root / "beside.jpg").write_bytes(b"x")
    put(drive)
    for name in ("a.jpg", "b.jpg"):
        (drive / name).write_bytes(b"x")
    start(sweep_seconds=0.3)
    wait_until(lambda: len(states(local)) == 3, 60, "the files")
    wait_until(lambda: "drive" in roots(local), 60, "the drive")
    expected = states(local)

    def sweep_all() -> None:
        before = roots(local)["root"].swept_at
        wait_until(lambda: roots(local)["root"].swept_at != before, 60, "the next sweep")
        before = roots(local)["root"].swept_at
        wait_until(lambda: roots(local)["root"].swept_at != before, 60, "the one after it")

    unmount(drive)
    wait_until(lambda: roots(local)["drive"].paused_at is not None, 60, "the pause")
    (drive / "on the mount point.jpg").write_bytes(b"x")
    sweep_all()
    assert states(local) == expected
    assert [Path(file.path).name for file in claim(local, "w", 9, now=now(), lease_seconds=60, max_attempts=5)] == ["beside.jpg"]
    assert roots(local)["root"].paused_at is None
    start(sweep_seconds=0.3)
    sweep_all()
    take_in_paths(Settings(Path(root.parent / "data"), settle_seconds=0.1), local, [str(root)], now)
    assert states(local) == expected

    (drive / "on the mount point.jpg").unlink()
    put(drive)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (drive / name).write_bytes(b"x")
    wait_until(lambda: roots(local)["drive"].paused_at is None, 60, "the resumption")
    wait_until(lambda: states(local) == {**expected, "c.jpg": "pending"}, 60, "what is new on it")
    assert caplog.text.count("drive is paused") == 2  # by each service once
    assert caplog.text.count("drive is back") == 1


def test_a_drive_whose_folder_goes_with_it_loses_nothing(
    local: Database, root: Path, drive: Path, start: Start, wait_until: WaitUntil
) -> None:
    """As desktops do it; `--forget` of the root takes it along."""
    mount(drive)
    (drive / "a.jpg").write_bytes(b"x")
    start(sweep_seconds=0.3)
    wait_until(lambda: states(local) == {"a.jpg": "pending"} and "drive" in roots(local), 60, "the file")
    unmount(drive)
    drive.rmdir()
    wait_until(lambda: roots(local)["drive"].paused_at is not None, 60, "the pause")
    before = roots(local)["root"].swept_at
    wait_until(lambda: roots(local)["root"].swept_at != before, 60, "the next sweep")
    assert states(local) == {"a.jpg": "pending"}
    remove_root(local, roots(local)["root"].id)
    assert roots(local) == {}


def test_a_drive_without_images_is_forgotten(
    local: Database, root: Path, drive: Path, start: Start, wait_until: WaitUntil
) -> None:
    start()
    wait_until(lambda: swept(local, "root"), 60, "the first sweep")
    mount(drive)
    wait_until(lambda: swept(local, "drive"), 60, "the drive")
    unmount(drive)
    wait_until(lambda: set(roots(local)) == {"root"}, 60, "that it is forgotten")


def test_an_ignored_drive_is_left_alone(local: Database, root: Path, drive: Path, start: Start, wait_until: WaitUntil) -> None:
    """And rules with paths count from the root, not from the drive."""
    mount(drive)
    (drive / "a.jpg").write_bytes(b"x")
    start(ignore=("deep/drive",))
    wait_until(lambda: swept(local, "root"), 60, "the sweep")
    assert (set(roots(local)), states(local)) == ({"root"}, {})
    (drive / "passed over.jpg").write_bytes(b"x")
    start(ignore=("deep/drive/passed*",))
    wait_until(lambda: swept(local, "drive") and states(local) == {"a.jpg": "pending"}, 60, "the other file")


@pytest.fixture
def _tmpfs_as_a_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here and in the watcher: what is mounted as tmpfs is taken for a share on another machine."""
    monkeypatch.setattr(mounts, "_NETWORK", {*mounts._NETWORK, "tmpfs"})
    change = "import sys, scanner.roots.mounts as m; m._NETWORK.add('tmpfs'); import scanner.discovery.watcher as w"
    wrapper = tmp_path / "python"
    program = shlex.quote(f"{change}; w.os._exit(w.main())")
    wrapper.write_text(f"#!/bin/sh\nexec {sys.executable} -c {program}\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(wrapper))


@pytest.mark.usefixtures("_tmpfs_as_a_share")
def test_a_share_in_a_root_is_polled(local: Database, root: Path, drive: Path, start: Start, wait_until: WaitUntil) -> None:
    """One that is mounted later, too; the root goes on by events, and so does a drive in the share."""
    (drive / "local").mkdir()
    if mounts.why_polled(str(root), mounts.current_mounts()):
        pytest.skip("the tests' own folder is such a mount")
    start(poll_seconds=0.5)
    wait_until(lambda: swept(local, "root"), 60, "the first sweep")
    mount(drive)
    wait_until(lambda: swept(local, "drive"), 60, "the sweep of the share")
    (drive / "a.jpg").write_bytes(b"x")
    wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "what comes on it")
    (root / "b.jpg").write_bytes(b"x")
    wait_until(lambda: "b.jpg" in states(local), 60, "what comes beside it")
    wait_until(lambda: roots(local)["root"].found_by_events == 1, 60, "the count")
    wait_until(lambda: roots(local)["drive"].found_by_sweep == 1, 60, "the count of the share")
    share = roots(local)["drive"]
    assert (share.mode, share.found_by_events, roots(local)["root"].mode) == ("polled", 0, "events")
    assert "network file system" in str(share.mode_reason)

    store = root.parent / "store"
    store.mkdir()
    (drive / "local").mkdir()
    subprocess.run(["mount", "--bind", store, drive / "local"], check=True)
    wait_until(lambda: swept(local, "local"), 60, "the drive in the share")
    (drive / "local" / "c.jpg").write_bytes(b"x")
    wait_until(lambda: "c.jpg" in states(local), 60, "what comes on that")
    wait_until(lambda: roots(local)["local"].found_by_events == 1, 60, "the count of the drive in it")
    unmount(drive / "local")


def test_what_was_moved_with_a_folder_is_not_the_drives(
    local: Database, root: Path, drive: Path, start: Start, wait_until: WaitUntil
) -> None:
    """A folder with a mount in it is moved: its own files are missing at the old place, those of the drive are not."""
    (root / "deep" / "own.jpg").write_bytes(b"x")
    mount(drive)
    (drive / "a.jpg").write_bytes(b"x")
    start()
    wait_until(lambda: len(states(local)) == 2 and "drive" in roots(local), 60, "the files")

    def paths() -> dict[str, str]:
        with local.read() as session:
            return {os.path.relpath(path, root): state for path, state in session.execute(select(File.path, File.state))}

    (root / "deep").rename(root / "moved")
    try:
        expected = {"deep/own.jpg": "missing", "deep/drive/a.jpg": "pending"}
        expected |= {"moved/own.jpg": "pending", "moved/drive/a.jpg": "pending"}
        wait_until(lambda: paths() == expected, 60, "both places")
    finally:
        unmount(root / "moved" / "drive")
