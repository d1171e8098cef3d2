"""Waiting until a file is complete: a path is settled when its size and mtime have not changed for a while."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from .walk import Entry, Found


def is_fresh(entry: Found, settle_seconds: float, now: datetime) -> bool:
    """Whether the file was written so lately that it may not be complete; so may one that is from the future by our clock."""
    return now.timestamp() - entry.mtime_ns / 1e9 < settle_seconds


@dataclass(frozen=True)
class _Seen:
    entry: Found
    since: float
    seconds: float


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
        patience = self._seconds if seconds is None else seconds
        seen = self._seen.get(entry.path)
        since = self._clock() if seen is None or seen.entry != entry else seen.since
        self._seen[entry.path] = _Seen(entry, since, patience)

    def settled(self, look: Callable[[str], Entry | None]) -> list[Entry]:
        """Look again at the paths that are due; those unchanged are given back and forgotten, the others wait on."""
        now = self._clock()
        due = [seen for seen in self._seen.values() if now - seen.since >= seen.seconds]
        done: list[Entry] = []
        for seen in due:
            entry = look(seen.entry.path)
            if isinstance(entry, Found) and entry != seen.entry:
                self._seen[entry.path] = _Seen(entry, now, seen.seconds)
                continue
            del self._seen[seen.entry.path]
            if entry is not None:
                done.append(entry)
        return done

    def paths(self) -> list[str]:
        """The paths that still wait."""
        return list(self._seen)
