"""Waiting until a file is complete: a path is settled when its size and mtime have not changed for a while."""

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from .walk import Entry, Found, Skipped

# A file that is rewritten again and again, as a camera does with its latest picture, never settles: what it holds is judged
# after the first of these times, and each time after the second. One that only grows is still being written to.
RESTLESS_SECONDS, RESTLESS_AGAIN_SECONDS = 30.0, 300.0
GROWS = "still being written to"


def is_fresh(entry: Found, settle_seconds: float, now: datetime) -> bool:
    """Whether the file was written so lately that it may not be complete; so may one that is from the future by our clock."""
    return now.timestamp() - entry.mtime_ns / 1e9 < settle_seconds


def open_for_writing(paths: Collection[str]) -> set[str]:
    """Which of `paths` a process has open to write to, as far as we may know of it."""
    import psutil  # takes its time, and is needed rarely

    by_real = {os.path.realpath(path): path for path in paths}
    found: set[str] = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            opened = (file.path for file in process.open_files() if getattr(file, "mode", "r") != "r")
            found.update(by_real[path] for path in opened if path in by_real)
    return found


@dataclass(frozen=True)
class _Seen:
    """`since` then it has stayed the same, and for `seconds` it must. `due` is when it has been waited for too long."""

    entry: Found
    since: float
    seconds: float
    due: float
    is_rewritten: bool = False

    def changed_to(self, entry: Found, now: float, seconds: float | None = None) -> "_Seen":
        grows = entry.size > self.entry.size and entry.inode == self.entry.inode
        patience = self.seconds if seconds is None else seconds
        return replace(self, entry=entry, since=now, seconds=patience, is_rewritten=self.is_rewritten or not grows)


class Settling:
    """Paths that may still be written to. `seconds` is how long they must stay the same; `clock` is monotonic, in seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, path: str) -> bool:
        return path in self._seen

    def watch_over(self, entry: Found, seconds: float | None = None) -> None:
        """Start to wait for `entry`, or start anew when it has changed; for `seconds` instead of what holds for others."""
        now, patience = self._clock(), self._seconds if seconds is None else seconds
        seen = self._seen.get(entry.path)
        if seen is None:
            self._seen[entry.path] = _Seen(entry, now, patience, now + RESTLESS_SECONDS)
        elif seen.entry == entry:
            self._seen[entry.path] = replace(seen, seconds=patience)
        else:
            self._seen[entry.path] = seen.changed_to(entry, now, patience)

    def settled(self, look: Callable[[str], Entry | None]) -> list[Entry]:
        """Look again at the paths that are due; those unchanged are given back and forgotten, the others wait on."""
        now = self._clock()
        due = [seen for seen in self._seen.values() if now - seen.since >= seen.seconds]
        done: list[Entry] = []
        for seen in due:
            entry = look(seen.entry.path)
            if isinstance(entry, Found) and entry != seen.entry:
                self._seen[entry.path] = seen.changed_to(entry, now)
                continue
            del self._seen[seen.entry.path]
            if entry is not None:
                done.append(entry)
        return done

    def restless(self, look: Callable[[str], Entry | None], why: str = GROWS, *, is_over: bool = False) -> list[Entry]:
        """Of those that have waited for too long (with `is_over`: of all) what they are now: one that is rewritten again and
        again is Found, one that only grows is Skipped, for the reason `why`. They wait on.
        """
        now = self._clock()
        late = [seen for seen in self._seen.values() if is_over or now >= seen.due]
        found: list[Entry] = []
        for seen in late:
            path = seen.entry.path
            self._seen[path] = replace(seen, due=now + RESTLESS_AGAIN_SECONDS)
            entry = look(path)
            if isinstance(entry, Found):
                found.append(entry if seen.is_rewritten else Skipped(path, why))
        return found
