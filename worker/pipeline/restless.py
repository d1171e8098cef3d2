"""A picture that is rewritten again and again, as by a camera: what it holds at a moment at which it stands still is judged."""

import os
from collections.abc import Callable
from dataclasses import replace
from time import sleep

from scanner.base.file_times import storable_ns
from scanner.domain.claims import RESTLESS, Claimed
from scanner.domain.outcomes import Changed, Failed, Outcome

from .types import Item

# It stands still if nothing of it changes for so long; looked at so often.
STILL_SECONDS, TRIES = 0.25, 12


def read_at_rest(
    file: Claimed, path: str, read_as: Callable[[Claimed], Item | Outcome], read_on: Callable[[], None]
) -> Item | Outcome:
    """What `read_as` makes of `file` as it is when it stands still; `path` is where it is on this machine."""
    before = None
    for _ in range(TRIES):
        before = _state(path)
        sleep(STILL_SECONDS)
        if before is not None and before == _state(path):
            size, mtime_ns, _ = before
            found = read_as(replace(file, size=size, mtime_ns=storable_ns(mtime_ns), inode=None))
            if isinstance(found, Item):
                return replace(found, files=[file])
            if not isinstance(found, Changed):
                return replace(found, file=file)
        read_on()
    if before is None:
        return read_as(file)  # which says that it is gone
    seconds = TRIES * STILL_SECONDS
    return Failed(file, RESTLESS, f"it is rewritten all the time: in {seconds:g} s it never stood still for {STILL_SECONDS:g} s")


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino
