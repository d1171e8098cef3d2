"""What the database holds, and what is said, after roots and folders became others, without the hourly sweep."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from files.watched import ledger, mount, now, states, unmount
from sqlalchemy import select

from scanner.database.engine import Database
from scanner.database.models import File
from scanner.roots.roots import add_roots, known_roots, outermost
from scanner.services.verify import prove

WaitUntil = Callable[[Callable[[], bool], float, str], None]
Start = Callable[..., object]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="replaces and mounts as Linux does")


def _states_below(database: Database, folder: Path) -> dict[str, str]:
    with database.read() as session:
        return {os.path.relpath(path, folder): state for path, state in session.execute(select(File.path, File.state))}


def test_a_replaced_root_is_followed_and_said_once(
    local: Database, root: Path, start: Start, wait_until: WaitUntil, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "before.jpg").write_bytes(b"x")
    start()
    wait_until(lambda: states(local) == {"before.jpg": "pending"}, 60, "the first sweep")
    root.rename(root.with_name("elsewhere"))
    root.mkdir()
    (root / "at once.jpg").write_bytes(b"x")
    wait_until(lambda: states(local) == {"before.jpg": "missing", "at once.jpg": "pending"}, 60, "what is in the new one")
    (root / "later.jpg").write_bytes(b"x")
    wait_until(lambda: "later.jpg" in states(local), 60, "what comes later")
    wait_until(lambda: "was replaced by another folder" in caplog.text, 60, "the line")
    assert caplog.text.count("was replaced by another folder") == 1
    assert "paused" not in caplog.text


def test_folders_that_change_places_are_followed(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    for name in ("x", "y"):
        (root / name).mkdir()
        (root / name / f"{name}.jpg").write_bytes(b"x")
    start()
    wait_until(lambda: len(states(local)) == 2, 60, "the first sweep")
    (root / "x").rename(root / "z")
    (root / "y").rename(root / "x")
    (root / "z").rename(root / "y")
    expected = {"x/x.jpg": "missing", "y/y.jpg": "missing", "x/y.jpg": "pending", "y/x.jpg": "pending"}
    wait_until(lambda: _states_below(local, root) == expected, 60, "both folders")


def test_a_drive_mounted_over_a_root_later_is_followed(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    mount(root)
    try:
        (root / "a.jpg").write_bytes(b"x")
        wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "what is on it")
        (root / "b.jpg").write_bytes(b"x")
        wait_until(lambda: "b.jpg" in states(local), 60, "what comes on it")
        wait_until(lambda: ledger(local).is_mount, 60, "the note that it is a mount")
        unmount(root)
        wait_until(lambda: ledger(local).paused_at is not None, 60, "the pause")
        assert set(states(local).values()) == {"pending"}
    finally:
        subprocess.run(["umount", "-l", root], capture_output=True)


def test_a_root_that_is_a_link_is_verified(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    """It is looked into; a link in a root is not."""
    root.rename(root.with_name("target"))
    root.symlink_to("target")
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the first sweep")
    (root / "a.jpg").write_bytes(b"x")
    wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "the file")
    proof = prove(local, [str(root)], roots=[str(root)], ignore=())
    assert (proof.pending, proof.files, proof.unexplained) == (1, 1, [])
    above = [str(root.parent)]
    assert prove(local, above, roots=above, ignore=("target", "data")).pending == 0


def test_a_root_that_is_a_link_in_another_root_is_watched(local: Database, tmp_path: Path) -> None:
    """The other one does not follow it; a folder in another root is covered by that."""
    for name in ("root/folder", "target"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "root" / "link").symlink_to(tmp_path / "target")
    add_roots(local, [str(tmp_path / name) for name in ("root", "root/folder", "root/link")], now())
    assert {Path(root.path).name for root in outermost(known_roots(local))} == {"root", "link"}


def test_an_unplugged_drive_is_not_told_of(laptop, local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    """`verify` names the drive, counts its files as no ones that are gone, and what lies where it was as unexplained."""
    (root / "drive").mkdir()
    mount(root / "drive")
    try:
        (root / "drive" / "a.jpg").write_bytes(b"x")
        start()
        wait_until(lambda: len(known_roots(local)) == 2 and states(local) == {"a.jpg": "pending"}, 60, "the file")
        assert laptop.run("verify", exit_status=0).stdout.count("1 pending") == 1
    finally:
        unmount(root / "drive")
    told = laptop.run("verify", exit_status=2).stdout
    assert f"away, so nothing is known of it: {root / 'drive'}" in told
    assert "0 unexplained" in told
    assert "gone" not in told
    (root / "drive" / "on the mount point.jpg").write_bytes(b"x")
    assert "1 unexplained" in laptop.run("verify", exit_status=1).stdout


@pytest.mark.usefixtures("unprivileged")
def test_what_can_be_read_later_is_taken_in(laptop, local: Database, root: Path, wait_until: WaitUntil) -> None:
    """Closed at the start, closed when it was watched already, or with names that can be read; said once."""
    for name in ("closed", "names"):
        (root / name).mkdir()
        (root / name / f"{name}.jpg").write_bytes(b"x")
    (root / "closed").chmod(0)
    (root / "names").chmod(0o644)
    laptop.start("watch", root, "--no-worker")
    expected = {"closed": "failed", "names/names.jpg": "failed"}
    wait_until(lambda: _states_below(local, root) == expected, 120, "what is closed")
    for name in ("closed", "names"):
        (root / name).chmod(0o755)
    expected = {"closed": "missing", "closed/closed.jpg": "pending", "names/names.jpg": "pending"}
    wait_until(lambda: _states_below(local, root) == expected, 120, "what is open")
    log = root.parent / "started-0.log"
    # It is said by the watcher's next look, after the files have come.
    wait_until(lambda: "every folder can be read again" in log.read_text(), 60, "that it is said")
    assert log.read_text().count("folders that cannot be read") == 1
    assert log.read_text().count("every folder can be read again") == 1


def test_a_link_to_nothing_is_followed_after_a_new_start(
    local: Database, root: Path, start: Start, wait_until: WaitUntil
) -> None:
    (root / "link.jpg").symlink_to(root / "target")
    start()
    wait_until(lambda: states(local) == {"link.jpg": "skipped"}, 60, "the link")
    start()
    wait_until(lambda: ledger(local).swept_at is not None, 60, "the sweep")
    (root / "target").write_bytes(b"x")
    wait_until(lambda: states(local) == {"link.jpg": "pending"}, 60, "what it leads to")


def test_a_file_that_is_mounted_is_taken_in(local: Database, root: Path, start: Start, wait_until: WaitUntil) -> None:
    (root / "a.jpg").touch()
    (root.parent / "other.jpg").write_bytes(b"other")
    start()
    wait_until(lambda: states(local) == {"a.jpg": "pending"}, 60, "the first sweep")
    if subprocess.run(["mount", "--bind", root.parent / "other.jpg", root / "a.jpg"], capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")

    def size() -> int | None:
        with local.read() as session:
            return session.scalars(select(File.size)).one()

    try:
        wait_until(lambda: size() == len("other"), 60, "what is mounted over it")
        assert len(known_roots(local)) == 1
    finally:
        unmount(root / "a.jpg")
