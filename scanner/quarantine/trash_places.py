"""Where the desktop's trash keeps a file (the freedesktop.org Trash specification 1.0), so that it can be taken back."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True)
class Trashed:
    """A file in the trash and the note beside it that says where it came from."""

    kept_path: str
    info_path: str


def find_trashed(original_path: str, size: int, mtime_ns: int) -> Trashed | None:
    """The file that lay at `original_path`, told by its size and time; None where the trash works otherwise or it is gone."""
    for folder, top in _trash_folders(original_path):
        for info in _notes(os.path.join(folder, "info")):
            name = os.path.basename(info).removesuffix(".trashinfo")
            kept = os.path.join(folder, "files", name)
            if _origin(info, top) == original_path and _is(kept, size, mtime_ns):
                return Trashed(kept, info)
    return None


def _trash_folders(path: str) -> Iterator[tuple[str, str]]:
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    yield os.path.join(home, "Trash"), "/"
    top = os.path.dirname(path)
    while not os.path.ismount(top):
        top = os.path.dirname(top)
    user = str(os.getuid()) if hasattr(os, "getuid") else ""
    yield os.path.join(top, ".Trash", user), top
    yield os.path.join(top, f".Trash-{user}"), top


def _notes(folder: str) -> list[str]:
    try:
        names = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".trashinfo")]
    except OSError:
        return []
    return sorted(names, key=lambda name: os.stat(name).st_mtime_ns, reverse=True)


def _origin(info: str, top: str) -> str | None:
    try:
        with open(info, "rb") as note:
            for line in note:
                if line.startswith(b"Path="):
                    return os.path.join(top, os.fsdecode(unquote_to_bytes(line[5:].rstrip(b"\n"))))
    except OSError:
        return None
    return None


def _is(path: str, size: int, mtime_ns: int) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    # A trash on another device may keep times less exactly.
    return status.st_size == size and abs(status.st_mtime_ns - mtime_ns) < 2_000_000_000
