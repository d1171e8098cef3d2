"""File systems whose changes the operating system does not tell of: those on other machines, in user space, or of a host."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

# inotify(7): "inotify reports only events that a user-space program triggers through the filesystem API. As a result, it does
# not catch remote events that occur on network filesystems."
_NETWORK = {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "ncpfs", "webdav", "afpfs", "ceph", "lustre", "gpfs"}
_NETWORK |= {"beegfs", "glusterfs", "orangefs", "ocfs2", "gfs2", "davfs", "coda", "remote"}
_WSL = {"9p", "v9fs", "drvfs", "wslfs"}
_HOST = {"virtiofs", "vboxsf", "vmhgfs", "prl_fs", "fakeowner", "osxfs", "grpcfuse"}


@dataclass(frozen=True)
class Mount:
    """Where a file system is mounted, and its type."""

    point: str
    kind: str


def why_polled(path: str, mounts: Sequence[Mount]) -> str | None:
    """Why events cannot be relied on for the folder `path`, in words; None when they can."""
    kind = mount_of(path, mounts).kind.lower()
    if kind.removeprefix("fuse.") in _HOST:
        return f"it is on a folder of the host ({kind}), whose changes give no events"
    if kind.removeprefix("fuse.") in _WSL:
        return f"it is on a drive of Windows or another machine ({kind}), whose changes give no events"
    if kind in _NETWORK or path.startswith("\\\\"):
        return f"it is on a network file system ({kind or 'UNC'}), whose changes give no events"
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


def current_mounts() -> list[Mount]:
    """What is mounted now. A drive of Windows that is on another machine has the type `remote`."""
    import psutil  # takes its time, and most commands need it not

    partitions = psutil.disk_partitions(all=True)
    return [Mount(part.mountpoint, "remote" if "remote" in part.opts.split(",") else part.fstype) for part in partitions]
