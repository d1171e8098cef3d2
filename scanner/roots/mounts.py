"""What is mounted where, and which file systems give no events: those on other machines, in user space, or of a host."""

import os
import select
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from time import monotonic

# inotify(7): "inotify reports only events that a user-space program triggers through the filesystem API. As a result, it does
# not catch remote events that occur on network filesystems."
_NETWORK = {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "ncpfs", "webdav", "afpfs", "ceph", "lustre", "gpfs"}
_NETWORK |= {"beegfs", "glusterfs", "orangefs", "ocfs2", "gfs2", "davfs", "coda", "remote"}
_WSL = {"9p", "v9fs", "drvfs", "wslfs"}
_HOST = {"virtiofs", "vboxsf", "vmhgfs", "prl_fs", "fakeowner", "osxfs", "grpcfuse"}
# Where the kernel shows itself: no one keeps pictures there.
_KERNEL = {
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
}
_KERNEL |= {"hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs"}
# Elsewhere than on Linux nothing tells that something was mounted.
_REREAD_SECONDS = 60.0


@dataclass(frozen=True)
class Mount:
    """Where a file system is mounted, and its type."""

    point: str
    kind: str


def why_polled(path: str, mounts: Sequence[Mount]) -> str | None:
    """Why events cannot be relied on for the folder `path`, in words; None when they can."""
    kind = mount_of(path, mounts).kind
    reason = why_kind_is_polled(kind)
    if reason is None and path.startswith("\\\\"):
        return f"it is on a network file system ({kind or 'UNC'}), whose changes give no events"
    return reason


def why_kind_is_polled(kind: str) -> str | None:
    """The same for a type of file system."""
    kind = kind.lower()
    if kind.removeprefix("fuse.") in _HOST:
        return f"it is on a folder of the host ({kind}), whose changes give no events"
    if kind.removeprefix("fuse.") in _WSL:
        return f"it is on a drive of Windows or another machine ({kind}), whose changes give no events"
    if kind in _NETWORK:
        return f"it is on a network file system ({kind}), whose changes give no events"
    if kind.startswith("fuse"):
        return f"it is on a file system in user space ({kind}), whose changes may give no events"
    return None


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount:
    """The mount that holds `path`: the one with the longest matching name; the later of two at one place covers the other."""
    real = os.path.realpath(path)
    found = Mount(os.sep, "")
    for mount in mounts:
        inside = real == mount.point or real.startswith(os.path.join(mount.point, ""))
        if inside and len(mount.point) >= len(found.point):
            found = mount
    return found


def mounts_inside(folder: str, mounts: Iterable[Mount]) -> dict[str, Mount]:
    """The mounts below `folder`, by their paths through it, which may be a link; of two at one place the later."""
    real = os.path.join(os.path.realpath(folder), "")
    found = (mount for mount in mounts if mount.point.startswith(real) and mount.point != real)
    return {os.path.join(folder, mount.point[len(real) :]): mount for mount in found}


def holds_files(mount: Mount) -> bool:
    """Whether it is a folder with files of someone, and not one of the kernel's, nor a single file that is mounted."""
    if mount.kind in _KERNEL:
        return False
    # One on another machine is not asked: it may not answer for long.
    return why_kind_is_polled(mount.kind) is not None or os.path.isdir(mount.point)


def is_mount_point(path: str) -> bool:
    """Whether something is mounted at `path` itself, also a folder of the same file system."""
    real = os.path.realpath(path)
    return any(mount.point == real for mount in mount_table().mounts) or os.path.ismount(real)


class MountTable:
    """What is mounted, read anew only when the kernel says that it is not the same any more."""

    def __init__(self) -> None:
        self._mounts: list[Mount] = []
        self._version = 0
        self._read_at = 0.0
        self._poll: select.poll | None = None
        try:
            # Kept open: what the kernel tells is told to this descriptor.
            descriptor = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, AttributeError):
            return
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLERR | select.POLLPRI)

    @property
    def version(self) -> int:
        """Another number after something was mounted or unmounted."""
        if self._version == 0 or (self._poll.poll(0) if self._poll else monotonic() - self._read_at >= _REREAD_SECONDS):
            self._mounts, self._read_at = current_mounts(), monotonic()
            self._version += 1
        return self._version

    @property
    def mounts(self) -> list[Mount]:
        """What is mounted now."""
        return self._mounts if self.version else []


@cache
def mount_table() -> MountTable:
    """The one of this process."""
    return MountTable()


def current_mounts() -> list[Mount]:
    """What is mounted now. A drive of Windows that is on another machine has the type `remote`."""
    import psutil  # takes its time, and most commands need it not

    partitions = psutil.disk_partitions(all=True)
    return [Mount(part.mountpoint, "remote" if "remote" in part.opts.split(",") else part.fstype) for part in partitions]
