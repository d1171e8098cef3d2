"""What is said where the system gives no watch."""

import errno

_LIMITS = {errno.ENOSPC: "max_user_watches", errno.EMFILE: "max_user_instances"}


def advice(error: OSError) -> str:
    """Why something is not watched, and what to do."""
    if error.errno in _LIMITS:
        return f"the system's limit of inotify watches is reached; raise it: sysctl fs.inotify.{_LIMITS[error.errno]}=1048576"
    return error.strerror or str(error)
