"""Which machine, which start of it, which space of process numbers this process runs in, and with how many cores."""

import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = "/proc/self/ns/pid"
# Each takes some 80 MB, and what its picture needs; of many cores a container may be meant to use few.
MOST_DECODERS = 8


def this_host() -> str:
    """The machine's name; a container has one of its own."""
    return socket.gethostname()


def this_boot() -> str:
    """What tells this start of the machine from every other, and from every other machine."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        import psutil  # takes its time

        return f"since {psutil.boot_time():.0f}"


def this_namespace() -> str:
    """Where process numbers mean the same: a container has a space of its own. Empty where there are no such spaces."""
    try:
        return os.readlink(_NAMESPACE)
    except OSError:
        return ""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_decoders(of: int) -> int:
    """How many decoders a worker has on a machine of so many cores, where nothing is set: one for each, within bounds."""
    return max(2, min(of, MOST_DECODERS))
