"""The manifest of a quarantine folder, for people and programs that find the folder without the database: a line of JSON each."""

import json
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from ..base.escape import printable
from ..base.files import FILE_MODE
from .places import MoveRefused, place_at, real_folder_of
from .safe_move import Identity, sync_folder

MANIFEST = "manifest.jsonl"
# What lies at the name is opened as it is: no link is followed, and no FIFO waited for.
_APPEND = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)

log = logging.getLogger(__name__)


def demand_manifest(folder: str) -> None:
    """Raise MoveRefused where something else lies at the name of the manifest of `folder`."""
    if os.path.lexists(os.path.join(folder, MANIFEST)):
        with _opened(folder, _APPEND):
            pass


def note_in_manifest(act: str, path: str, kept_path: str, identity: Identity, reviewer: str, now: datetime) -> None:
    """Add a line beside `kept_path`, durably. Where that cannot be done, the file is moved all the same, and the log says so."""
    line = {
        "act": act,
        "at": now.isoformat(timespec="seconds"),
        "by": reviewer,
        "original_path": path,
        "kept_as": os.path.basename(kept_path),
        "sha256": identity.sha256,
        "size": identity.size,
        "mtime_ns": identity.mtime_ns,
        "atime_ns": identity.atime_ns,
    }
    folder = os.path.dirname(kept_path)
    try:
        with _opened(folder, _APPEND | os.O_CREAT) as manifest, os.fdopen(manifest, "a", encoding="utf-8", closefd=False) as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(manifest)
    except (MoveRefused, OSError) as error:
        log.warning("the manifest of the quarantine is not told of %s: %s", printable(path), error)
    sync_folder(folder)


@contextmanager
def _opened(folder: str, flags: int) -> Iterator[int]:
    path = os.path.join(folder, MANIFEST)
    refusal = f"{printable(path)} cannot be written"
    mend = "move it away, or choose another folder"
    with place_at(path, real_folder=real_folder_of(path, None)) as place:
        try:
            descriptor = os.open(place.name, flags, FILE_MODE, dir_fd=place.folder)
        except OSError as error:
            reason = "it is a symbolic link" if place.is_link() else error.strerror
            raise MoveRefused(f"{refusal}: {reason}; {mend}") from None
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
                raise MoveRefused(f"{refusal}: it is no file of its own; {mend}")
            yield descriptor
        finally:
            os.close(descriptor)
