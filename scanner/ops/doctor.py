"""What is wrong with this machine, each thing with what mends it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from ..base.access.private import private_folder
from ..base.addresses.redaction import without_password
from ..base.addresses.sqlite_urls import sqlite_path
from ..base.errors import KnownError
from ..base.escape import in_shell
from ..base.settings import Settings
from ..database.engine import open_database
from ..database.integrity import find_damage
from ..database.schema import current_revision
from ..jobs.lock import WATCH, current_holder
from ..roots.ledger import POLLED
from ..roots.mounts import current_mounts, why_polled
from ..roots.roots import known_roots

# Less than this, and the database or the log may soon have no room.
LEAST_FREE_MEGABYTES = 500
# A tree of pictures rarely has more folders.
ENOUGH_WATCHES = 65_536


class Health(StrEnum):
    """How one thing is."""

    GOOD = "good"
    POOR = "poor"  # works, but not as it should
    BAD = "bad"  # does not work


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `mend` is what to do when it is not good."""

    name: str
    health: Health
    what: str
    mend: str = ""


Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, first what the rest needs. A check that fails itself is a finding, too."""
    checks: list[Check] = [_python, _data_folder, _database, _broker, *_checks_of_leaves(), _watching]
    for check in checks:
        try:
            yield from check(settings)
        except KnownError as error:
            name = getattr(check, "__name__", "check").strip("_").replace("_", " ")
            yield Finding(name, Health.BAD, str(error), "the message says what to do")
    yield from _service(settings)


def _checks_of_leaves() -> list[Check]:
    """What other packages have to check (the worker: model and device); one that cannot be imported says so itself."""
    found: list[Check] = []
    for point in entry_points(group="dfscan.checks"):
        try:
            found.append(point.load())
        except ModuleNotFoundError as error:
            found.append(partial(_not_installed, point.name, str(error.name)))
    return found


def _not_installed(extra: str, module: str, _: Settings) -> Iterator[Finding]:
    yield Finding(extra, Health.BAD, f"{module} is not installed", f"pip install 'dfscan[{extra}]'")


def _python(_: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info[:2] < (3, 15)
    yield Finding(
        "python", Health.GOOD if fits else Health.POOR, f"{version}, {sys.executable}", "dfscan is tested on 3.11 to 3.14"
    )


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    elsewhere = "choose another with DFSCAN_DATA_DIR, or mend its permissions"
    try:
        private_folder(folder)
        probe = folder / f".doctor-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        yield Finding("data folder", Health.BAD, f"{folder} cannot be written: {error.strerror}", elsewhere)
        return
    is_private = os.name == "nt" or not folder.stat().st_mode & 0o077
    health = Health.GOOD if is_private else Health.POOR
    said = f"{folder}" if is_private else f"{folder} can be read by others"
    yield Finding("data folder", health, said, f"chmod 700 {in_shell(str(folder))}")
    free = shutil.disk_usage(folder).free >> 20
    health = Health.GOOD if free >= LEAST_FREE_MEGABYTES else Health.BAD
    yield Finding(
        "disk space", health, f"{free:,} MB free for {folder}", "free some, or choose another disk with DFSCAN_DATA_DIR"
    )


def _database(settings: Settings) -> Iterator[Finding]:
    import migrations

    path = sqlite_path(settings.url)
    damage = find_damage(path) if path else None
    shown = without_password(settings.url)
    if damage:
        mend = "`dfscan scan` keeps it aside; `dfscan db restore` puts a backup back"
        yield Finding("database", Health.BAD, f"{shown} is damaged: {damage}", mend)
        return
    database = open_database(settings.url)
    try:
        revision = current_revision(database)
    finally:
        database.close()
    if revision == migrations.HEAD or (path and revision is None):
        yield Finding("database", Health.GOOD, f"{shown}, " + (f"revision {revision}" if revision else "empty"))
    else:
        yield Finding("database", Health.BAD, f"{shown} is at revision {revision or 'none'}", "run `dfscan db upgrade`")


def _broker(settings: Settings) -> Iterator[Finding]:
    from ..jobs.queue import why_polling, why_unreachable

    where = without_password(settings.broker) or f"embedded, in {settings.data_dir / 'queue'}"
    reason = why_unreachable(settings)
    if reason:
        yield Finding("broker", Health.BAD, f"{where} cannot be reached: {reason}", "start it, or correct DFSCAN_BROKER_URL")
    elif why_polling(settings):
        yield Finding(
            "broker", Health.POOR, f"{where}; {why_polling(settings)}", "name a Redis for all of them in DFSCAN_BROKER_URL"
        )
    else:
        yield Finding("broker", Health.GOOD, where)


def _watching(settings: Settings) -> Iterator[Finding]:
    watches = Path("/proc/sys/fs/inotify/max_user_watches")
    if watches.exists():
        limit = int(watches.read_text())
        health = Health.GOOD if limit >= ENOUGH_WATCHES else Health.POOR
        yield Finding("watch limit", health, f"{limit:,} folders", "sysctl fs.inotify.max_user_watches=1048576")
    database = open_database(settings.url)
    try:
        roots = known_roots(database) if current_revision(database) else []
    finally:
        database.close()
    mounts = current_mounts() if roots else []
    for root in roots:
        polled = why_polled(root.path, mounts) or (root.mode_reason if root.mode == POLLED else None)
        if not os.access(root.path, os.R_OK | os.X_OK):
            yield Finding(
                "watched folder", Health.BAD, f"{root.path} cannot be read", "mount it, plug it in, or mend its permissions"
            )
        elif root.paused_reason:
            yield Finding(
                "watched folder", Health.BAD, f"{root.path} is paused: {root.paused_reason}", "`dfscan watch --accept`, if so"
            )
        elif polled:
            yield Finding(
                "watched folder", Health.POOR, f"{root.path} is polled: {polled}", "new files are found later than elsewhere"
            )
        else:
            yield Finding("watched folder", Health.GOOD, root.path)


def _service(settings: Settings) -> Iterator[Finding]:
    try:
        database = open_database(settings.url)
        holder = current_holder(database, WATCH, database.now()) if current_revision(database) else None
        database.close()
    except KnownError:
        return  # said above
    running = f"process {holder.pid} on {holder.host}" if holder else "not running"
    yield Finding("watch", Health.GOOD, running)
