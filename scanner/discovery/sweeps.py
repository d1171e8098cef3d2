"""Sweeps: everything under a root, or under a folder that has just appeared, compared with the database batch by batch."""

import logging
import os
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
    top: str
    differences: Iterator[Difference]
    source: Source
    began: float

    @property
    def whole(self) -> bool:
        """Whether it is of all of the root."""
        return self.top == self.root.path

    def covers(self, root: WatchedRoot, top: str) -> bool:
        """Whether all of `top` is in it."""
        return root.id == self.root.id and (top == self.top or top.startswith(os.path.join(self.top, "")))


class Sweeps:
    """The sweeps under way; the first in line goes on by a batch with each `step`."""

    def __init__(self, settings: Settings, database: Database, finding: Finding, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._database = database
        self._finding = finding
        self._now = now
        self._line: deque[_Sweep] = deque()
        self._is_begun = False

    def __len__(self) -> int:
        return len(self._line)

    def sweeps_whole(self, root: WatchedRoot) -> bool:
        """Whether a sweep of all of `root` is under way."""
        return any(sweep.whole and sweep.root.id == root.id for sweep in self._line)

    def begin(self, root: WatchedRoot, source: Source, folder: str | None = None) -> None:
        """Put a sweep of `root`, or of `folder` in it, at the end of the line; one that waits there may do for it."""
        top = folder or root.path
        waiting = list(self._line)[1:] if self._is_begun else self._line
        if any(sweep.covers(root, top) for sweep in waiting):
            return
        base, inside = self._finding.base_of(root), self._finding.inside(root)
        apart = {inner.path for inner in inside}
        entries = walk(top, root=base, ignore=self._settings.ignore, videos=self._settings.videos, apart=apart)
        differences = compare(self._database, top, entries, spare=[inner.id for inner in inside])
        self._line.append(_Sweep(root, top, differences, source, monotonic()))

    def forget(self, root: WatchedRoot | None = None) -> None:
        """Drop the sweeps of `root`, or all."""
        first = self._line[0] if self._line else None
        self._line = deque(sweep for sweep in self._line if root is not None and sweep.root.id != root.id)
        self._is_begun = self._is_begun and bool(self._line) and self._line[0] is first

    def step(self) -> None:
        """Go on with the first sweep."""
        sweep = self._line[0]
        self._is_begun = True
        found = next(sweep.differences, None)
        if found is None:
            self._end_first()
            if sweep.whole and self._is_here(sweep.root):
                mark_swept(self._database, sweep.root, monotonic() - sweep.began, self._now())
        elif any(isinstance(entry, Skipped) and entry.is_error for entry in found.others) and not self._is_here(sweep.root):
            self._end_first()  # its folders cannot be read because it is going away: no fault of theirs
        else:
            self._finding.offer(found.others, sweep.source)
            # Something may have been mounted, or unmounted, since the sweep began.
            unseen = [row for row in found.unseen if self._finding.is_in(row.path, sweep.root)]
            top = sweep.root.path
            mark_gone(self._database, unseen, is_here=lambda: self._is_here(sweep.root), now=self._now(), below=top)
            why = reasons(self._finding.base_of(sweep.root), self._settings.ignore, videos=True)
            mark_passed_over(self._database, unseen, why, self._now())

    def _end_first(self) -> None:
        self._line.popleft()
        self._is_begun = False

    def _is_here(self, root: WatchedRoot) -> bool:
        return check_presence(self._database, root, self._now()) is None
