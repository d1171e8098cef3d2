"""Which roots one `dfscan watch` looks after, which of them are there, and how each is watched."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..base.escape import printable
from ..base.settings import Settings
from ..database.engine import Database
from ..discovery.ignore import IgnoreRules
from ..discovery.watcher_supervisor import Watching
from ..roots.ledger import EVENTS, POLLED, check_presence, note_mode
from ..roots.mounts import holds_files, mount_table, mounts_inside, why_polled
from ..roots.roots import WatchedRoot, add_mount, has_files, is_inner, known_roots, remove_root, root_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Looked:
    """What a look showed: ids of roots that are to be swept, and roots that went away."""

    to_sweep: frozenset[int]
    gone: Sequence[WatchedRoot]


class WatchedRoots:
    """The roots at `paths`, and what is mounted in them: `here` and `away`. `watching` is told which give events."""

    def __init__(
        self, settings: Settings, database: Database, paths: Sequence[str], watching: Watching, now: Callable[[], datetime]
    ) -> None:
        self.here: list[WatchedRoot] = []
        self.away: list[WatchedRoot] = []
        self._settings = settings
        self._rules = IgnoreRules(settings.ignore)
        self._database = database
        self._paths = paths
        self._watching = watching
        self._now = now
        self._reasons: dict[int, str] = {}
        self._places: dict[int, tuple[str | None, str | None]] = {}
        self._silent: dict[int, bool] = {}
        self._modes: dict[int, str] = {}
        self._limited: dict[int, str] = {}
        self._noted: set[tuple[int, str | None]] = set()
        self._of_mounts: tuple[int, frozenset[int]] | None = None
        self._watched: list[object] | None = None

    @property
    def tops(self) -> list[WatchedRoot]:
        """Those at `paths`, as they are known now."""
        return [root for root in known_roots(self._database) if root.path in self._paths]

    def is_by_events(self, root: WatchedRoot) -> bool:
        """Whether events tell what happens in it."""
        return self._modes.get(root.id) == EVENTS

    def look(self) -> Looked:
        """Pause roots that are away, resume those that are back, take in what was mounted, and watch exactly those."""
        before = {root.id for root in self.here}
        roots = self._roots()
        away = {root.id: reason for root in roots if (reason := check_presence(self._database, root, self._now())) is not None}
        self.here = [root for root in roots if root.id not in away]
        self.away = [root for root in roots if root.id in away]
        gone = [root for root in self.away if self._reasons.get(root.id) != away[root.id]]
        for root in gone:
            log.warning("%s is paused, and nothing in it is marked: %s", printable(root.path), away[root.id])
        for root in self.here:
            if root.id in self._reasons:
                log.warning("%s is back", printable(root.path))
        self._reasons = away
        replaced = {root.id for root in self.here if self._is_replaced(root, was_here=root.id in before)}
        self._set_modes()
        restarted = {root.id for root in self.here} if self._watch() else set()
        return Looked(frozenset({root.id for root in self.here} - before | replaced | restarted), gone)

    def note_unwatched(self, path: str, reason: str) -> list[WatchedRoot]:
        """The root that `path` is in, and those in it, are polled from now on; those of which that is news are returned."""
        around = root_of(path, self.here)
        roots = [root for root in self.here if root is around or root_of(root.path, [around] if around else [])]
        news = [root for root in roots if self.is_by_events(root)]
        for root in news:
            self._limited[root.id] = reason
            self._set_mode(root, POLLED, reason)
        return news

    def _roots(self) -> list[WatchedRoot]:
        known = known_roots(self._database)
        tops = [root for root in known if root.path in self._paths]
        of_mounts = (mount_table().version, frozenset(root.id for root in tops))
        if of_mounts != self._of_mounts:
            self._look_at_mounts(tops, known)
            self._of_mounts = of_mounts
            known = known_roots(self._database)
        return [*tops, *(root for root in known if root not in tops and any(is_inner(root, top) for top in tops))]

    def _look_at_mounts(self, tops: Sequence[WatchedRoot], known: Sequence[WatchedRoot]) -> None:
        """Remember what is mounted in the roots as roots of their own, and forget what was and had no image in it."""
        mounted = set()
        inner = {root.path: root for root in known if any(is_inner(root, top) for top in tops)}
        for top in tops:
            for path, mount in mounts_inside(top.path, mount_table().mounts).items():
                if self._rules.rule_on_the_way(path, root=top.path) or not holds_files(mount) or path in self._paths:
                    continue
                mounted.add(path)
                if path not in inner:
                    try:
                        add_mount(self._database, path, top, self._now())
                    except OSError as error:
                        log.warning("%s (%s) cannot be looked at: %s", printable(path), mount.kind, error.strerror)
                    else:
                        log.warning(
                            "%s (%s) is mounted in %s, and watched, too", printable(path), mount.kind, printable(top.path)
                        )
        for path, root in inner.items():
            if path not in mounted and not has_files(self._database, root):
                log.warning("%s is no longer mounted; no image was in it", printable(path))
                remove_root(self._database, root.id)

    def _is_replaced(self, root: WatchedRoot, *, was_here: bool) -> bool:
        """Whether the root is another folder than at the last look, though one that may be in its place."""
        before = self._places.pop(root.id, None)
        if was_here:  # what a root is that has just come is written down only now
            self._places[root.id] = (root.device, root.inode)
        if not was_here or before in (None, (root.device, root.inode)):
            return False
        log.warning("%s was replaced by another folder; all of it is looked at", printable(root.path))
        return True

    def _set_modes(self) -> None:
        forced = {"polled": "the setting watch_mode says so", "events": ""}.get(self._settings.watch_mode)
        for root in self.here:
            silent = why_polled(root.path, mount_table().mounts) if forced is None else forced
            self._silent[root.id] = bool(silent)
            reason = silent or self._limited.get(root.id)
            self._set_mode(root, POLLED if reason else EVENTS, reason)

    def _set_mode(self, root: WatchedRoot, mode: str, reason: str | None) -> None:
        if self._modes.get(root.id) == mode and (root.mode, root.mode_reason) == (mode, reason):
            return
        self._modes[root.id] = mode
        if (root.id, reason) not in self._noted:  # said once: a limit that is reached is reached a thousand times
            self._noted.add((root.id, reason))
            if reason:
                log.warning("%s is not watched by events but polled: %s", printable(root.path), reason)
        note_mode(self._database, root, mode, reason)

    def _watch(self) -> bool:
        """Watch the roots that give events; whether that began anew, so that for a while nothing was watched."""
        roots = [*self.here, *self.away]
        by_events = [root for root in roots if not self._silent.get(root.id)]
        watched: list[object]
        if sys.platform == "linux":
            # The watcher follows each root, also one that is away, into what is mounted there and gives events.
            outer = {root.id: root_of(os.path.dirname(root.path), roots) for root in by_events}
            paths = [root.path for root in by_events if not (root.is_mount and outer[root.id] in by_events)]
            watched = [*sorted(paths)]
        else:
            paths = [root.path for root in by_events if root in self.here]
            watched = sorted((root.path, root.device, root.inode) for root in by_events if root in self.here)
        if watched == self._watched:
            return False
        self._watched = watched
        self._limited.clear()
        self._watching.watch(paths, everywhere=self._settings.watch_mode == "events")
        return True
