"""Sweeps: everything under a root, or under a folder that has just appeared, compared with the database batch by batch."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from ..base.settings import Settings
from ..database.engine import Database
from ..roots.ledger import check_presence, mark_swept
from ..roots.roots import WatchedRoot
from .candidates import Finding, Source
from .diff import Difference, compare
from .intake import mark_gone
from .passed_over import mark_passed_over, reasons
from .walk import Skipped, walk

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Sweep:
    root: WatchedRoot
    differences: Iterator[Difference]
    source: Source
    whole: bool
    began: float


class Sweeps:
    """The sweeps under way; the first in line goes on by a batch with each `step`."""

    def __init__(self, settings: Settings, database: Database, finding: Finding, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._database = database
        self._finding = finding
        self._now = now
        self._line: deque[_Sweep] = deque()

    def __len__(self) -> int:
        return len(self._line)

    def sweeps_whole(self, root: WatchedRoot) -> bool:
        """Whether a sweep of all of `root` is under way."""
        return any(sweep.whole and sweep.root.id == root.id for sweep in self._line)

    def begin(self, root: WatchedRoot, source: Source, folder: str | None = None) -> None:
        """Put a sweep of `root`, or of `folder` in it, at the end of the line."""
        top = folder or root.path
        entries = walk(top, root=root.path, ignore=self._settings.ignore, videos=self._settings.videos)
        self._line.append(_Sweep(root, compare(self._database, top, entries), source, folder is None, monotonic()))

    def forget(self, root: WatchedRoot | None = None) -> None:
        """Drop the sweeps of `root`, or all."""
        self._line = deque(sweep for sweep in self._line if root is not None and sweep.root.id != root.id)

    def step(self) -> None:
        """Go on with the first sweep."""
        sweep = self._line[0]
        found = next(sweep.differences, None)
        if found is None:
            self._line.popleft()
            if sweep.whole and self._is_here(sweep.root):
                mark_swept(self._database, sweep.root, monotonic() - sweep.began, self._now())
        elif any(isinstance(entry, Skipped) and entry.is_error for entry in found.others) and not self._is_here(sweep.root):
            self._line.popleft()  # its folders cannot be read because it is going away: no fault of theirs
        else:
            self._finding.offer(found.others, sweep.source)
            if sweep.whole:
                mark_gone(self._database, found.unseen, is_here=lambda: self._is_here(sweep.root), now=self._now())
                why = reasons(sweep.root.path, self._settings.ignore, videos=True)
                mark_passed_over(self._database, found.unseen, why, self._now())

    def _is_here(self, root: WatchedRoot) -> bool:
        return check_presence(self._database, root, self._now()) is None
