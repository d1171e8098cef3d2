"""What events and sweeps name, on its way through settling into the database; and the count of what found it."""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum

from ..base.addresses.spelling import as_spelled
from ..base.escape import printable
from ..base.settings import Settings
from ..database.engine import Database
from ..domain.asked import ANYTHING
from ..roots.ledger import add_to_counts, check_presence
from ..roots.roots import WatchedRoot, base_of, root_of
from .ignore import IgnoreRules
from .intake import batches, mark_missing_path, note_restless, take_in
from .out_of_reach import OutOfReach
from .passed_over import mark_path, reasons
from .settle import GROWS, Settling, is_fresh, open_for_writing
from .walk import FOLDER, Entry, Found, Skipped, look_at

# A file that was made and not closed, nor moved to its place, is a link, or still being written. So one that was written only
# now must stay the same for so many times as long as one that was closed, and no process that we know of may write to it.
PATIENCE = 5.0
# We may hear of it late.
LATE_SECONDS = 30.0

log = logging.getLogger(__name__)


class Source(Enum):
    """What named a path first. The first sweep finds what came while nothing watched: that is no one's miss."""

    EVENT = "event"
    SWEEP = "sweep"
    FIRST_SWEEP = "first sweep"


class Finding:
    """Takes in what lies under `roots`, those that are there, and nothing that lies in those that are `away`; `wake` is called
    when something became pending. `asked` is asked of it.
    """

    def __init__(self, settings: Settings, database: Database, now: Callable[[], datetime], wake: Callable[[], bool]) -> None:
        self.roots: Sequence[WatchedRoot] = ()
        self.away: Sequence[WatchedRoot] = ()
        self.asked = ANYTHING
        self._settings = settings
        self._rules = IgnoreRules(settings.ignore)
        self._database = database
        self._now = now
        self._wake = wake
        self._settling = Settling(settings.settle_seconds, time.monotonic)
        self._sources: dict[str, Source] = {}
        self._unclosed: set[str] = set()
        self._out_of_reach = OutOfReach(database)
        self._counts: Counter[tuple[int, Source]] = Counter()

    def hint(self, path: str, *, is_made: bool = False) -> WatchedRoot | None:
        """Follow a hint; for a folder that is to be swept, its root is returned. `is_made`: it is new, and was not closed."""
        root = self.root_of(path)
        if root is None or self._rules.rule_on_the_way(path, root=self.base_of(root)):
            return None
        if path == root.path:
            return root  # a link, too, as the folder that it leads to
        spelled = as_spelled(path, below=root.path)
        if spelled != path:
            inside = [inner.id for inner in self.inside(root)]
            mark_missing_path(self._database, path, now=self._now(), below=root.path, spare=inside)
            path = spelled
        entry = look_at(path, root=self.base_of(root), videos=self._settings.videos)
        if isinstance(entry, Found):
            patience = PATIENCE * self._settings.settle_seconds
            is_written = is_made and is_fresh(entry, patience + LATE_SECONDS, datetime.now(UTC))
            self._settling.watch_over(entry, patience if is_written else None)
            (self._unclosed.add if is_written else self._unclosed.discard)(path)
            self._sources[path] = Source.EVENT
        elif isinstance(entry, Skipped):
            self._take_in([entry], Source.EVENT)
        elif entry is FOLDER:
            return root
        elif not os.path.lexists(path) and self._is_here(root):
            mark_missing_path(self._database, path, now=self._now(), spare=[inner.id for inner in self.inside(root)])
        elif entry is None:
            why = reasons(self.base_of(root), self._settings.ignore, videos=True)
            mark_path(self._database, path, why, self._now())
        return None

    def offer(self, entries: Sequence[Entry], source: Source) -> None:
        """Take in what a sweep came across; what was written only now must settle first."""
        ready = []
        for entry in entries:
            if entry.path in self._settling:
                continue
            if isinstance(entry, Found) and is_fresh(entry, self._settings.settle_seconds, datetime.now(UTC)):
                self._settling.watch_over(entry)
                self._sources[entry.path] = source
            else:
                ready.append(entry)
        self._take_in(ready, source)

    def settle(self) -> None:
        """Take in what has settled."""
        by_source: dict[Source, list[Entry]] = {}
        for entry in self._without_open(self._settling.settled(self._look)):
            by_source.setdefault(self._sources.get(entry.path, Source.EVENT), []).append(entry)
        restless = self._settling.restless(self._look)
        for batch in batches(restless):
            self._take_in(batch, Source.EVENT)
            note_restless(self._database, [entry.path for entry in batch if isinstance(entry, Found)])
        for entry in restless:
            said = "rewritten again and again: it is judged now and then" if isinstance(entry, Found) else entry.reason
            log.info("%s is %s", printable(entry.path), said)
        for path in [path for path in self._sources if path not in self._settling]:
            del self._sources[path]
        for source, settled in by_source.items():
            for batch in batches(settled):
                self._take_in(batch, source)

    def _without_open(self, settled: Sequence[Entry]) -> list[Entry]:
        """Put those off that were never closed and are open still, and say so of them."""
        unclosed = self._unclosed.intersection(entry.path for entry in settled)
        busy = open_for_writing(unclosed) if unclosed else set()
        self._unclosed -= unclosed - busy
        for entry in settled:
            if entry.path in busy and isinstance(entry, Found):
                self._settling.watch_over(entry, PATIENCE * self._settings.settle_seconds)
                self._take_in([Skipped(entry.path, GROWS)], Source.EVENT)
        return [entry for entry in settled if entry.path not in busy]

    def root_of(self, path: str) -> WatchedRoot | None:
        """The root that `path` lies in, if that is here; what is mounted in a root is one of its own."""
        root = root_of(path, [*self.roots, *self.away])
        return root if root in self.roots else None

    def is_in(self, path: str, root: WatchedRoot) -> bool:
        """Whether `path` lies in `root` and in none of the roots in it."""
        return not any(root_of(path, [inner]) for inner in self.inside(root))

    def base_of(self, root: WatchedRoot) -> str:
        """The path from which rules and links count."""
        return base_of(root, [*self.roots, *self.away])

    def inside(self, root: WatchedRoot) -> list[WatchedRoot]:
        """The roots in `root`: what is, or was, mounted there, and links that are roots."""
        return [inner for inner in (*self.roots, *self.away) if inner.id != root.id and root_of(inner.path, [root])]

    def try_again(self) -> list[tuple[WatchedRoot, str]]:
        """Follow what could not be looked at and now can; folders that are to be swept are returned, with their roots."""
        hinted = [(self.hint(path), path) for path in self._out_of_reach.in_reach()]
        return [(root, path) for root, path in hinted if root is not None]

    def record_counts(self) -> None:
        """Write what was counted since the last call into the ledger."""
        for root_id in {root_id for root_id, _ in self._counts}:
            by_events, by_sweep = self._counts[root_id, Source.EVENT], self._counts[root_id, Source.SWEEP]
            add_to_counts(self._database, root_id, by_events=by_events, by_sweep=by_sweep)
        self._counts.clear()

    def _take_in(self, entries: Sequence[Entry], source: Source) -> None:
        by_root: dict[WatchedRoot | None, list[Entry]] = {}
        for entry in entries:
            self._out_of_reach.note(entry)
            root = root_of(entry.path, [*self.roots, *self.away])
            if root not in self.away:
                by_root.setdefault(root, []).append(entry)
        pending = 0
        for root, of_root in by_root.items():
            if root is not None and not self._is_here(root):
                continue  # it went just now, and this is what was under it
            root_id = root.id if root is not None else None
            taken = take_in(self._database, of_root, root_id=root_id, now=self._now(), asked=self.asked)
            pending += taken.pending
            if root_id is not None and (missed := taken.new + taken.changed):
                self._counts[root_id, source] += missed
        if pending:
            log.info("%d found by %s", pending, source.value)
            self._wake()

    def _is_here(self, root: WatchedRoot) -> bool:
        return check_presence(self._database, root, self._now()) is None

    def _look(self, path: str) -> Entry | None:
        root = self.root_of(path)
        entry = look_at(path, root=self.base_of(root), videos=self._settings.videos) if root else None
        return entry if isinstance(entry, Found | Skipped) else None
