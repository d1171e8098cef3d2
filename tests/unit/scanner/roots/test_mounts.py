"""Which file systems give no events, and whether the machine slept."""

import os
from pathlib import Path

import pytest

from scanner.discovery.suspend import SleepWatch
from scanner.roots.mounts import (
    Mount,
    current_mounts,
    holds_files,
    is_mount_point,
    mount_of,
    mount_table,
    mounts_inside,
    why_polled,
)

MOUNTS = [
    Mount("/", "ext4"),
    Mount("/srv", "xfs"),
    Mount("/srv/nas", "nfs4"),
    Mount("/srv/nas", "fuse.sshfs"),
    Mount("/nasty", "cifs"),
]


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/x", "ext4"), ("/srv", "xfs"), ("/srv/nasty", "xfs"), ("/srv/nas/x", "fuse.sshfs"), ("/nasty/x", "cifs")],
)
def test_the_mount_of_a_path_is_the_innermost_and_latest(path: str, kind: str) -> None:
    assert mount_of(path, MOUNTS).kind == kind


@pytest.mark.parametrize(
    "kind",
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "9p",
        "drvfs",
        "virtiofs",
        "fuse.grpcfuse",
        "fakeowner",
        "fuse.sshfs",
        "fuseblk",
        "vboxsf",
        "remote",
    ],
)
def test_polled_file_systems(kind: str) -> None:
    """File systems without dependable events are polled."""
    reason = why_polled("/mnt/x", [Mount("/", "ext4"), Mount("/mnt", kind)])
    assert reason is not None
    assert kind in reason


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "xfs", "zfs", "tmpfs", "overlay", "apfs", "NTFS", "f2fs", ""])
def test_local_file_systems_are_not(kind: str) -> None:
    assert why_polled("/mnt/x", [Mount("/mnt", kind)]) is None


def test_this_machine_has_mounts() -> None:
    assert why_polled("/", current_mounts()) is None
    assert mount_of("/", current_mounts()).kind


class Clocks:
    """Two clocks, in seconds; only one goes on during sleep."""

    awake = always = 1000.0

    def work(self, seconds: float) -> None:
        self.awake += seconds
        self.always += seconds


def test_sleep_is_noticed_once() -> None:
    clocks = Clocks()
    watch = SleepWatch(lambda: clocks.awake, lambda: clocks.always)
    clocks.work(3600)
    assert not watch.has_slept()
    clocks.always += 600
    assert watch.has_slept()
    clocks.work(3600)
    assert not watch.has_slept()


def test_a_small_correction_of_the_time_is_no_sleep() -> None:
    clocks = Clocks()
    watch = SleepWatch(lambda: clocks.awake, lambda: clocks.always)
    clocks.always += 5
    assert not watch.has_slept()


def test_mounts_inside_a_folder_are_named_through_it(tmp_path: Path) -> None:
    """Through a link, too; what is mounted over another one counts, and the folder's own mount is none inside it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real = str((tmp_path / "real").resolve())
    points = [(real, "ext4"), (f"{real}/a", "autofs"), (f"{real}/a", "nfs4"), (f"{real}/a/b", "xfs"), (f"{real}ly", "xfs")]
    found = mounts_inside(str(tmp_path / "link"), [Mount(*point) for point in points])
    assert {os.path.relpath(path, tmp_path): mount.kind for path, mount in found.items()} == {"link/a": "nfs4", "link/a/b": "xfs"}
    assert "/proc" in mounts_inside("/", [Mount("/", "ext4"), Mount("/proc", "proc")])


def test_what_holds_files(tmp_path: Path) -> None:
    """A share is not asked, as it may not answer; a file that is mounted and what is the kernel's hold none."""
    (tmp_path / "file").touch()
    assert holds_files(Mount(str(tmp_path), "ext4"))
    assert holds_files(Mount(str(tmp_path / "not there"), "nfs4"))
    assert not holds_files(Mount(str(tmp_path / "file"), "ext4"))
    assert not holds_files(Mount(str(tmp_path), "proc"))


def test_mount_points_of_this_machine(tmp_path: Path) -> None:
    assert is_mount_point("/")
    assert not is_mount_point(str(tmp_path / "folder"))
    assert mount_table().version > 0
