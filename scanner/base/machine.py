"""Which machine, which start of it, and which space of process numbers this process runs in."""

import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = "/proc/self/ns/pid"


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
