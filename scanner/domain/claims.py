"""A file in a worker's hands."""

from dataclasses import dataclass

# From this many tries on a file is claimed alone: should it kill the worker again, it takes no others along.
SUSPECT_AFTER = 2
# What is said of a pending file that is rewritten again and again.
RESTLESS = "restless"
# What is said of a folder that may not be read: it stands among the files that cannot be scored.
UNREADABLE_FOLDER = "unreadable-folder"


@dataclass(frozen=True)
class Claimed:
    """A file in a worker's hands. `size` in bytes; `root` is the watched folder it lies under, if any.

    `attempts` counts this one, too. `faces` and `videos` are what was asked of it (`scanner.domain.asked`). With `sha256` only
    its content is to be compared with that one, unless it turns out to be another. `inode` is its file's number, where this
    machine found it. With `is_restless` it is rewritten again and again: what it holds at some moment is judged.
    """

    id: int
    path: str
    size: int
    mtime_ns: int
    root: str | None = None
    attempts: int = 1
    faces: bool | None = None
    videos: bool | None = None
    sha256: str | None = None
    inode: int | None = None
    is_restless: bool = False

    @property
    def is_suspect(self) -> bool:
        """Whether it was claimed alone, and should be worked on alone."""
        return self.attempts > SUSPECT_AFTER
