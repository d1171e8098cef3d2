"""What a process may use, for good."""

import sys


def limit_process(megabytes: int) -> None:
    """No more than `megabytes` of address space (Linux), no core dump, no file of its own."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":  # macOS has no working limit of address space
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
