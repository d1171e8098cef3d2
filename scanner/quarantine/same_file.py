"""Whether a file that is to be moved away is the only one behind several paths."""

import os
from collections.abc import Sequence

from ..base.addresses.spelling import as_spelled


def other_name(path: str, others: Sequence[str]) -> str | None:
    """The first of `others` that would be gone with `path`, as it is the same file: by another spelling, a link or a mount.

    Hard links are files of their own here: each is there without the other.
    """
    try:
        status = os.stat(path)
    except OSError:
        return None
    for other in others:
        try:
            is_same = os.path.samestat(status, os.stat(other))
        except OSError:
            continue
        if is_same and (status.st_nlink == 1 or as_spelled(os.path.realpath(other)) == as_spelled(path)):
            return other
    return None
