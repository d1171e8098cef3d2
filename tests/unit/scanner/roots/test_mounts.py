"""Which file systems give no events, and whether the machine slept."""

import pytest

from scanner.discovery.suspend import SleepWatch
from scanner.roots.mounts import Mount, current_mounts, mount_of, why_polled

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
