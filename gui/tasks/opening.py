"""Opening the database in the background, and everything that is then needed from it before the first page."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import func, select

from scanner.base.errors import KnownError
from scanner.base.settings import Settings
from scanner.database.engine import Database, open_database
from scanner.database.models import File, Root
from scanner.database.schema import prepare_schema
from scanner.quarantine.journal import Journal, Removed


@dataclass(frozen=True)
class Opened:
    """A database that can be used. `recovered`: what a killed program had left half moved."""

    database: Database
    journal: Journal
    is_new: bool
    recovered: tuple[Removed, ...]


def open_queue(settings: Settings) -> Opened:
    """Open and prepare. Raises KnownErrors that say what to do."""
    database = open_database(settings.url)
    try:
        prepare_schema(database)
        with database.read() as session:
            known = session.scalar(select(func.count()).select_from(select(File.id).limit(1).subquery())) or 0
            roots = session.scalar(select(func.count()).select_from(Root)) or 0
        journal = Journal(database, Path(settings.data_dir) / "removals.lock", database.now)
        return Opened(database, journal, not known and not roots, _recover(journal))
    except KnownError:
        database.close()
        raise


def _recover(journal: Journal) -> tuple[Removed, ...]:
    if not journal.unsettled():
        return ()
    from scanner.quarantine.recovery import recover  # brings all that moves files, which a start needs not wait for

    return recover(journal)


def wake_workers(settings: Settings) -> None:
    """Tell workers that something waits."""
    from scanner.jobs.queue import waker  # brings Celery, which a start needs not wait for

    waker(settings)()


def worker_is_installed() -> bool:
    """Whether images can be scored on this machine; nothing is imported."""
    return all(find_spec(name) is not None for name in ("torch", "imagehash", "safetensors", "timm"))
